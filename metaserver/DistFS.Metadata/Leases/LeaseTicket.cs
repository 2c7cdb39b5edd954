using DistFS.Primitives;

namespace DistFS.Metadata.Leases;

/// <summary>What a ticket is for.</summary>
public enum LeaseTicketKind : byte
{
    /// <summary>Operations of a session: what they need stays in flight until they are answered.</summary>
    Operation,

    /// <summary>A read: once nobody has a write lease, it has what it needs, and holds nothing.</summary>
    Look,

    /// <summary>A lease: of one inode, to look or to change.</summary>
    Acquire,
}

/// <summary>Where a ticket stands.</summary>
public enum LeaseTicketState : byte
{
    /// <summary>Not entered; needs may be added.</summary>
    Out,

    /// <summary>It waits.</summary>
    Waiting,

    /// <summary>It has all it needs.</summary>
    Passed,

    /// <summary>It will not have it; <see cref="LeaseTicket.Refusal"/> says why.</summary>
    Ended,
}

/// <summary>
/// Somebody who needs something of a <see cref="LeaseTable"/>. May be used again, so that it costs nothing.
/// </summary>
public sealed class LeaseTicket
{
    private const int SearchMax = 16;

    private readonly List<LeaseNeed> _needs = [];
    private Dictionary<(ulong Value, bool IsName), int>? _index;

    /// <summary>For a session; 0 is nobody's.</summary>
    public LeaseTicket(LeaseTicketKind kind, ClientId session) => (Kind, Session) = (kind, session);

    /// <summary>What it is for.</summary>
    public LeaseTicketKind Kind { get; }

    /// <summary>Whose it is: its own leases are no conflict.</summary>
    public ClientId Session { get; }

    /// <summary>For how long it may wait, in milliseconds; 0 passes at once or ends.</summary>
    public long WaitMs { get; set; }

    /// <summary>What it needs: each inode and each name once.</summary>
    public IReadOnlyList<LeaseNeed> Needs => _needs;

    /// <summary>Where it stands.</summary>
    public LeaseTicketState State { get; internal set; }

    /// <summary>Why it ended.</summary>
    public LeaseRefusal Refusal { get; internal set; }

    /// <summary>In which epoch it was entered; what it holds is worth something in that one only.</summary>
    public ulong Epoch { get; internal set; }

    /// <summary>Of an acquisition that passed: which lease, and what it allows.</summary>
    public ulong Grant { get; internal set; }

    /// <summary>Of an acquisition that passed: what the lease allows.</summary>
    public LeaseMode Mode { get; internal set; }

    /// <summary>Whoever waits for it; the table does not look at it.</summary>
    public object? Owner { get; set; }

    /// <summary>On the table's clock.</summary>
    internal long DeadlineMs { get; set; }

    /// <summary>Its place among those who wait.</summary>
    internal LinkedListNode<LeaseTicket>? Place { get; set; }

    /// <summary>While it waits, its place at the node of each need.</summary>
    internal List<LinkedListNode<LeaseWaiter>>? Places { get; set; }

    /// <summary>While it is in flight, its index at the node of each need.</summary>
    internal List<int> FlightAt { get; } = [];

    internal bool IsAcquire => Kind == LeaseTicketKind.Acquire;

    internal List<LeaseNeed> NeedList => _needs;

    /// <summary>Adds a need; one that is there grows if the new one is more.</summary>
    public void Need(LeaseNeedKind kind, ulong value)
    {
        Check.That(State == LeaseTicketState.Out);
        Add(new LeaseNeed(kind, value));
    }

    /// <summary>Whether it needs that, or more.</summary>
    public bool Covers(LeaseNeed need) => IndexOf(need) is var at and >= 0 && _needs[at].Kind >= need.Kind;

    /// <summary>Nothing is needed; it is out.</summary>
    public void Clear()
    {
        Check.That(State != LeaseTicketState.Waiting);
        _needs.Clear();
        _index = null;
        State = LeaseTicketState.Out;
    }

    internal int Add(LeaseNeed need)
    {
        var at = IndexOf(need);
        if (at >= 0)
        {
            _needs[at] = _needs[at].Kind >= need.Kind ? _needs[at] : need;
            return at;
        }

        _needs.Add(need);
        if (_index != null)
        {
            _index[Key(need)] = _needs.Count - 1;
        }
        else if (_needs.Count > SearchMax)
        {
            _index = [];
            for (var i = 0; i < _needs.Count; i++)
            {
                _index[Key(_needs[i])] = i;
            }
        }

        return _needs.Count - 1;
    }

    private static (ulong Value, bool IsName) Key(LeaseNeed need) => (need.Value, need.Kind == LeaseNeedKind.Name);

    private int IndexOf(LeaseNeed need)
    {
        if (_index != null)
        {
            return _index.TryGetValue(Key(need), out var found) ? found : -1;
        }

        for (var i = 0; i < _needs.Count; i++)
        {
            if (Key(_needs[i]) == Key(need))
            {
                return i;
            }
        }

        return -1;
    }
}
