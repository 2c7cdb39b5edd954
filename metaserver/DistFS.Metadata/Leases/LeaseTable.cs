using DistFS.Primitives;

namespace DistFS.Metadata.Leases;

/// <summary>
/// The leases that a leader has granted, and who waits for what: pure, in memory only, told of everything by its owner
/// (docs/design/leases.md).
/// </summary>
/// <remarks>
/// Not safe for concurrent use. After each call <see cref="Effects"/> says what is to be done. Times are milliseconds
/// of any clock that does not go back; a gap of more than <see cref="LeaseOptions.PauseMs"/> is a pause.
/// </remarks>
public sealed partial class LeaseTable(LeaseOptions options)
{
    private const int SpareMax = 4096;

    private readonly Dictionary<ulong, LeaseNode> _inodes = [];
    private readonly Dictionary<ulong, LeaseNode> _names = [];
    private readonly Dictionary<ulong, LeaseSession> _sessions = [];
    private readonly Stack<LeaseNode> _spare = new();
    private readonly Queue<LeaseNode> _stirred = new();
    private readonly List<LeaseSession> _judged = [];

    /// <summary>Least recently used first.</summary>
    private readonly LinkedList<Lease> _leases = new();

    /// <summary>In the order in which they came.</summary>
    private readonly LinkedList<LeaseTicket> _waiting = new();

    private ulong _lastGrant;
    private ulong _lastRecall;
    private long _wallMs;
    private long _awakeMs;

    /// <summary>The term that this member leads in; 0: it does not, and everything is refused.</summary>
    public ulong Epoch { get; private set; }

    /// <summary>Leases held.</summary>
    public int Leases => _leases.Count;

    /// <summary>Of them, those to write.</summary>
    public int WriteLeases { get; private set; }

    /// <summary>Grows with each lease to write that is one no more.</summary>
    public ulong WritesEnded { get; private set; }

    /// <summary>Tickets that wait.</summary>
    public int Waiting => _waiting.Count;

    /// <summary>Inodes and names of which anybody has or wants anything.</summary>
    public int Nodes => _inodes.Count + _names.Count;

    /// <summary>Whether nobody can have a write lease: reads need not ask.</summary>
    public bool IsReadFree => Epoch != 0 && WriteLeases == 0 && !IsGrace;

    /// <summary>What follows from the last call.</summary>
    public LeaseEffects Effects { get; } = new();

    /// <summary>
    /// Something is needed: the ticket passes, waits (then <see cref="LeaseEffects.Freed"/> has it some time), or ends.
    /// </summary>
    public void Enter(LeaseTicket ticket, long nowMs)
    {
        ArgumentNullException.ThrowIfNull(ticket);
        Check.That(ticket.State == LeaseTicketState.Out);
        Check.That(!ticket.IsAcquire || ticket.Needs is [{ Kind: not LeaseNeedKind.Name }]);
        Advance(nowMs);
        (ticket.Epoch, ticket.Refusal) = (Epoch, LeaseRefusal.None);
        if (WhyRefused(ticket) is not LeaseRefusal.None and var refusal)
        {
            End(ticket, refusal);
            return;
        }

        if (IsFree(ticket, recall: ticket.WaitMs > 0))
        {
            Pass(ticket);
            Settle();
            return;
        }

        if (ticket.WaitMs <= 0 || _waiting.Count >= options.WaitingMax)
        {
            End(ticket, ticket.WaitMs <= 0 ? NotNow(ticket) : LeaseRefusal.TooManyWaiting);
            return;
        }

        ticket.State = LeaseTicketState.Waiting;
        ticket.DeadlineMs = _awakeMs + Math.Min(ticket.WaitMs, options.WaitMsMax);
        ticket.Place = _waiting.AddLast(ticket);
        foreach (var need in ticket.NeedList)
        {
            (ticket.Places ??= []).Add(NodeOf(need).Wait(ticket, need.Kind));
        }
    }

    /// <summary>
    /// An operation that passed needs more, as it turns out: it has it if nothing conflicts; it does not wait.
    /// </summary>
    /// <returns>Whether it has it; if not, it has what it had.</returns>
    public bool TryExtend(LeaseTicket ticket, IReadOnlyList<LeaseNeed> more, long nowMs)
    {
        ArgumentNullException.ThrowIfNull(ticket);
        ArgumentNullException.ThrowIfNull(more);
        Advance(nowMs);
        Check.That(ticket is { State: LeaseTicketState.Passed, Kind: LeaseTicketKind.Operation });
        if (ticket.Epoch != Epoch)
        {
            return false;
        }

        var isFree = true;
        foreach (var need in more)
        {
            isFree &= ticket.Covers(need) || IsFree(ticket, need, recall: false);
        }

        if (!isFree)
        {
            return false;
        }

        foreach (var need in more)
        {
            if (!ticket.Covers(need))
            {
                NodeOf(need).Fly(ticket, need.Kind, ticket.Add(need));
            }
        }

        return true;
    }

    /// <summary>An operation was answered, or nobody waits for a ticket any more. It is out.</summary>
    public void Leave(LeaseTicket ticket)
    {
        ArgumentNullException.ThrowIfNull(ticket);
        if (ticket.Epoch == Epoch && Epoch != 0)
        {
            if (ticket.State == LeaseTicketState.Waiting)
            {
                StopWaiting(ticket);
            }
            else if (ticket is { State: LeaseTicketState.Passed, Kind: LeaseTicketKind.Operation })
            {
                Land(ticket);
            }
        }

        ticket.State = LeaseTicketState.Out;
        ticket.FlightAt.Clear();
        Settle();
    }

    /// <summary>Nobody waits for a ticket any longer: if it still waits, it ends as at its deadline.</summary>
    public void GiveUp(LeaseTicket ticket)
    {
        ArgumentNullException.ThrowIfNull(ticket);
        if (ticket.State == LeaseTicketState.Waiting)
        {
            StopWaiting(ticket);
            End(ticket, NotNow(ticket));
            Settle();
        }
    }

    /// <summary>Time goes on: tickets end at their deadlines, silent holders have to end.</summary>
    public void Tick(long nowMs)
    {
        Advance(nowMs);
        for (var at = _waiting.First; at != null;)
        {
            var ticket = at.Value;
            at = at.Next;
            if (_awakeMs >= ticket.DeadlineMs)
            {
                StopWaiting(ticket);
                End(ticket, NotNow(ticket));
                Effects.Freed.Add(ticket);
            }
        }

        _judged.AddRange(_sessions.Values);
        foreach (var session in _judged)
        {
            Judge(session);
        }

        _judged.Clear();
        Settle();
    }

    private LeaseRefusal WhyRefused(LeaseTicket ticket) => Epoch == 0 ? LeaseRefusal.NotLeader
        : ticket.IsAcquire && (!_sessions.TryGetValue(ticket.Session.Value, out var session) || session.IsEnded)
            ? LeaseRefusal.NoSession
        : LeaseRefusal.None;

    private LeaseRefusal NotNow(LeaseTicket ticket) =>
        IsGraceFor(ticket) ? LeaseRefusal.Grace : LeaseRefusal.NotInTime;

    /// <summary>Silence counts only while we could hear.</summary>
    private void Advance(long nowMs)
    {
        _awakeMs += Math.Clamp(nowMs - _wallMs, 0, LeaseOptions.PauseMs);
        _wallMs = Math.Max(_wallMs, nowMs);
    }

    private static void End(LeaseTicket ticket, LeaseRefusal refusal) =>
        (ticket.State, ticket.Refusal) = (LeaseTicketState.Ended, refusal);

    private bool IsFree(LeaseTicket ticket, bool recall)
    {
        var isFree = true;
        foreach (var need in ticket.NeedList)
        {
            isFree &= IsFree(ticket, need, recall);
            if (!isFree && !recall)
            {
                return false;
            }
        }

        return isFree;
    }

    private bool IsFree(LeaseTicket ticket, LeaseNeed need, bool recall)
    {
        var nodes = need.Kind == LeaseNeedKind.Name ? _names : _inodes;
        var isGrace = need.Kind != LeaseNeedKind.Name && IsGraceFor(ticket);
        return nodes.TryGetValue(need.Value, out var node) ? IsFree(ticket, need, node, isGrace, recall) : !isGrace;
    }

    private bool IsFree(LeaseTicket ticket, LeaseNeed need, LeaseNode node, bool isGrace, bool recall)
    {
        if (need.Kind == LeaseNeedKind.Name)
        {
            return node.InFlight.Count == 0;
        }

        var own = node.LeaseOf(ticket.Session);
        if (ticket.IsAcquire && own is { RecallNumber: not 0 })
        {
            // First the answer: a lease that were given anew would take the recall back, and with it somebody's turn.
            return false;
        }

        // What a session does under its own lease is what the others wait for.
        if (own != null && IsEnough(own.Mode, need.Kind))
        {
            return true;
        }

        var isFree = !isGrace;
        foreach (var lease in node.Leases)
        {
            if (lease == own)
            {
                continue;
            }

            var isConflict = need.Kind == LeaseNeedKind.Change || lease.Mode == LeaseMode.Write;
            isFree &= !isConflict && (!ticket.IsAcquire || lease.RecallNumber == 0);
            if (isConflict && recall)
            {
                Recall(lease, need.Kind == LeaseNeedKind.Change ? LeaseMode.None : LeaseMode.Read);
            }
        }

        return isFree && !IsBlocked(ticket, need.Kind, node);
    }

    /// <summary>Whether what is under way, or came before, has to be over first.</summary>
    private static bool IsBlocked(LeaseTicket ticket, LeaseNeedKind kind, LeaseNode node)
    {
        if (ticket.IsAcquire && !Teeth.Has(PlantedBug.LeaseGrantedBesideOperation))
        {
            foreach (var flight in node.InFlight)
            {
                if (flight.Ticket.Session != ticket.Session && IsConflict(flight.Kind, kind))
                {
                    return true;
                }
            }
        }

        // Many may wait: what conflicts with none of them need not look at each.
        if ((!ticket.IsAcquire && node.WaitingAcquires == 0)
            || (kind == LeaseNeedKind.Look && node.WaitingChanges == 0))
        {
            return false;
        }

        foreach (var (earlier, earlierKind) in node.Waiting)
        {
            if (earlier == ticket)
            {
                break;
            }

            if (earlier.Session != ticket.Session && (earlier.IsAcquire || ticket.IsAcquire)
                && IsConflict(earlierKind, kind))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsConflict(LeaseNeedKind one, LeaseNeedKind other) =>
        one == LeaseNeedKind.Change || other == LeaseNeedKind.Change;

    private static bool IsEnough(LeaseMode mode, LeaseNeedKind kind) =>
        mode >= (kind == LeaseNeedKind.Change ? LeaseMode.Write : LeaseMode.Read);
}
