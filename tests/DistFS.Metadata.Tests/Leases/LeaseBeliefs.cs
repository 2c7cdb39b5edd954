using DistFS.Metadata.Leases;

namespace DistFS.Metadata.Tests.Leases;

/// <summary>
/// What leases are for, in words that know nothing of the table: what clients believe, and what is under way.
/// </summary>
internal static class LeaseBeliefs
{
    /// <summary>A client answers from its cache, or changes it: in good faith.</summary>
    public readonly record struct Belief(ulong Session, ulong Inode, LeaseMode Mode);

    /// <summary>An operation that is in the log, or about to be.</summary>
    public readonly record struct Flight(ulong Session, ulong Inode, LeaseNeedKind Kind);

    /// <summary>Beside one who believes that it may write, nobody believes anything (invariant 1).</summary>
    public static string? Quarrel(IReadOnlyList<Belief> beliefs)
    {
        foreach (var one in beliefs)
        {
            foreach (var other in beliefs)
            {
                if (one.Inode == other.Inode && one.Session != other.Session && one.Mode == LeaseMode.Write)
                {
                    return $"{one} beside {other}";
                }
            }
        }

        return null;
    }

    /// <summary>Nothing changes, or is looked at, that another one believes to be otherwise (invariant 2).</summary>
    public static string? Surprise(IReadOnlyList<Belief> beliefs, IReadOnlyList<Flight> flights)
    {
        foreach (var flight in flights)
        {
            foreach (var belief in beliefs)
            {
                if (belief.Inode == flight.Inode && belief.Session != flight.Session
                    && (flight.Kind == LeaseNeedKind.Change || belief.Mode == LeaseMode.Write))
                {
                    return $"{flight} although {belief}";
                }
            }
        }

        return null;
    }

    /// <summary>A ticket ends by its deadline, and is looked at each tick (invariant 3).</summary>
    public static string? Overdue(long waitedMs, long waitMs, long tickMs) =>
        waitedMs > waitMs + tickMs ? $"waited {waitedMs} of {waitMs} ms" : null;

    /// <summary>Leases are bounded, of each and of all (invariant 4).</summary>
    public static string? Excess(IEnumerable<int> leases, LeaseOptions options)
    {
        var all = 0;
        foreach (var count in leases)
        {
            all += count;
            if (count > options.SessionLeasesMax || all > options.LeasesMax)
            {
                return $"{count} leases of one, {all} so far";
            }
        }

        return null;
    }
}
