using DistFS.Primitives;

namespace DistFS.Metadata.Leases;

/// <summary>What follows from a call of a <see cref="LeaseTable"/>: to be done, then cleared.</summary>
public sealed class LeaseEffects
{
    /// <summary>Tickets that waited and wait no more, in order: they passed, or have ended.</summary>
    public List<LeaseTicket> Freed { get; } = [];

    /// <summary>Sessions that have new recalls.</summary>
    public List<ClientId> Recalled { get; } = [];

    /// <summary>
    /// Sessions that have to end, through the log; told again at each tick until <see cref="LeaseTable.SessionEnded"/>.
    /// </summary>
    public List<ClientId> ToEnd { get; } = [];

    /// <summary>Whether there is anything to do.</summary>
    public bool Any => Freed.Count + Recalled.Count + ToEnd.Count > 0;

    /// <summary>All is done.</summary>
    public void Clear()
    {
        Freed.Clear();
        Recalled.Clear();
        ToEnd.Clear();
    }
}
