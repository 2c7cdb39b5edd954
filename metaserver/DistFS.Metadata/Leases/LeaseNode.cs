using DistFS.Primitives;

namespace DistFS.Metadata.Leases;

/// <summary>A lease that is held.</summary>
internal sealed class Lease
{
    public Lease(LeaseSession session, LeaseNode node)
    {
        (Session, Node) = (session, node);
        (PlaceInSession, PlaceInAll) = (new LinkedListNode<Lease>(this), new LinkedListNode<Lease>(this));
        PlaceInRecalls = new LinkedListNode<Lease>(this);
    }

    public LeaseSession Session { get; }

    public LeaseNode Node { get; }

    public LeaseMode Mode { get; set; }

    /// <summary>Names it among all of its epoch.</summary>
    public ulong Grant { get; set; }

    /// <summary>Its holder was told of this grant, or of its recall only: it is to be answered.</summary>
    public bool IsTold { get; set; }

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

    /// <summary>In none while it is not recalled.</summary>
    public LinkedListNode<Lease> PlaceInRecalls { get; }
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

    /// <summary>In the order of their numbers, which is that of their times.</summary>
    public LinkedList<Lease> Recalls { get; } = new();
}

/// <summary>Who is in flight at a node, for what, and which need of the ticket that is.</summary>
internal readonly record struct LeaseFlight(LeaseTicket Ticket, LeaseNeedKind Kind, int Need);

/// <summary>Who waits at a node, and for what.</summary>
internal readonly record struct LeaseWaiter(LeaseTicket Ticket, LeaseNeedKind Kind);

/// <summary>An inode or a name of which somebody has or wants something.</summary>
internal sealed class LeaseNode
{
    public ulong Value { get; set; }

    public bool IsName { get; set; }

    /// <summary>Invariant: one, if it is to write; else of one session each.</summary>
    public List<Lease> Leases { get; } = [];

    /// <summary>In no order; tickets know their indices.</summary>
    public List<LeaseFlight> InFlight { get; } = [];

    /// <summary>In the order in which they came.</summary>
    public LinkedList<LeaseWaiter> Waiting { get; } = new();

    /// <summary>Of those who wait, who wants a lease.</summary>
    public int WaitingAcquires { get; private set; }

    /// <summary>Of those who wait, who wants to change.</summary>
    public int WaitingChanges { get; private set; }

    /// <summary>Something changed, and who waits has to look again.</summary>
    public bool IsStirred { get; set; }

    public bool IsEmpty => Leases.Count + InFlight.Count + Waiting.Count == 0;

    /// <summary>A need of a ticket, the next or one that grows, is in flight.</summary>
    public void Fly(LeaseTicket ticket, LeaseNeedKind kind, int need)
    {
        if (need < ticket.FlightAt.Count)
        {
            InFlight[ticket.FlightAt[need]] = new LeaseFlight(ticket, kind, need);
            return;
        }

        ticket.FlightAt.Add(InFlight.Count);
        InFlight.Add(new LeaseFlight(ticket, kind, need));
    }

    /// <summary>The last one takes the place of what lands.</summary>
    public void Land(int at)
    {
        var last = InFlight[^1];
        InFlight[at] = last;
        last.Ticket.FlightAt[last.Need] = at;
        InFlight.RemoveAt(InFlight.Count - 1);
    }

    public LinkedListNode<LeaseWaiter> Wait(LeaseTicket ticket, LeaseNeedKind kind)
    {
        WaitingAcquires += ticket.IsAcquire ? 1 : 0;
        WaitingChanges += kind == LeaseNeedKind.Change ? 1 : 0;
        return Waiting.AddLast(new LeaseWaiter(ticket, kind));
    }

    public void StopWaiting(LinkedListNode<LeaseWaiter> place)
    {
        var (ticket, kind) = place.Value;
        WaitingAcquires -= ticket.IsAcquire ? 1 : 0;
        WaitingChanges -= kind == LeaseNeedKind.Change ? 1 : 0;
        Waiting.Remove(place);
    }

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
