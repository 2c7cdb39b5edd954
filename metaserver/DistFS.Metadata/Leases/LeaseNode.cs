using DistFS.Primitives;

namespace DistFS.Metadata.Leases;

/// <summary>A lease that is held.</summary>
internal sealed class Lease
{
    public Lease(LeaseSession session, LeaseNode node)
    {
        (Session, Node) = (session, node);
        (PlaceInSession, PlaceInAll) = (new LinkedListNode<Lease>(this), new LinkedListNode<Lease>(this));
    }

    public LeaseSession Session { get; }

    public LeaseNode Node { get; }

    public LeaseMode Mode { get; set; }

    /// <summary>Names it among all of its epoch.</summary>
    public ulong Grant { get; set; }

    /// <summary>0: it is not recalled.</summary>
    public ulong RecallNumber { get; set; }

    /// <summary>What the holder may keep.</summary>
    public LeaseMode RecallTo { get; set; }

    /// <summary>Since when it is recalled, on the table's clock.</summary>
    public long RecalledMs { get; set; }

    /// <summary>Least recently used first.</summary>
    public LinkedListNode<Lease> PlaceInSession { get; }

    /// <summary>Least recently used first.</summary>
    public LinkedListNode<Lease> PlaceInAll { get; }
}

/// <summary>A session that has, had or reclaims leases.</summary>
internal sealed class LeaseSession(ClientId id)
{
    public ClientId Id { get; } = id;

    public long LeaseMs { get; set; }

    /// <summary>
    /// When it was renewed last, on the table's clock; not before the client sent what renewed it, so its own count
    /// is over first.
    /// </summary>
    public long RenewedMs { get; set; }

    /// <summary>It may hold leases of the leader before.</summary>
    public bool MayReclaim { get; set; }

    /// <summary>It ended in the log, and may answer from its cache until its lease time is over.</summary>
    public bool IsEnded { get; set; }

    public LinkedList<Lease> Leases { get; } = new();

    /// <summary>By number.</summary>
    public SortedDictionary<ulong, Lease> Recalls { get; } = [];
}

/// <summary>An inode or a name of which somebody has or wants something.</summary>
internal sealed class LeaseNode
{
    public ulong Value { get; set; }

    public bool IsName { get; set; }

    /// <summary>Invariant: one, if it is to write; else of one session each.</summary>
    public List<Lease> Leases { get; } = [];

    public List<(LeaseTicket Ticket, LeaseNeedKind Kind)> InFlight { get; } = [];

    /// <summary>In the order in which they came.</summary>
    public List<(LeaseTicket Ticket, LeaseNeedKind Kind)> Waiting { get; } = [];

    /// <summary>Something changed, and who waits has to look again.</summary>
    public bool IsStirred { get; set; }

    public bool IsEmpty => Leases.Count + InFlight.Count + Waiting.Count == 0;

    public Lease? LeaseOf(ClientId session)
    {
        foreach (var lease in Leases)
        {
            if (lease.Session.Id == session)
            {
                return lease;
            }
        }

        return null;
    }
}
