namespace DistFS.Simulation;

/// <summary>What became of many seeds.</summary>
public sealed class SimulationSummary
{
    private readonly SortedDictionary<FaultKind, long> _faults = [];
    private readonly SortedDictionary<string, long> _outcomes = new(StringComparer.Ordinal);
    private readonly List<SeedResult> _failures = [];

    /// <summary>Seeds that were run.</summary>
    public int Seeds { get; private set; }

    /// <summary>Those that failed, by seed.</summary>
    public IReadOnlyList<SeedResult> Failures => _failures;

    /// <summary>Virtual time of all.</summary>
    public TimeSpan VirtualTime { get; private set; }

    /// <summary>Events of all.</summary>
    public long Events { get; private set; }

    /// <summary>Operations that were answered.</summary>
    public long OperationsDone { get; private set; }

    /// <summary>Elections won.</summary>
    public long Elections { get; private set; }

    /// <summary>Entries committed.</summary>
    public long Commits { get; private set; }

    /// <summary>Snapshots made.</summary>
    public long Snapshots { get; private set; }

    /// <summary>Changes of members.</summary>
    public long MembershipChanges { get; private set; }

    /// <summary>How often what went wrong on purpose.</summary>
    public IReadOnlyDictionary<FaultKind, long> FaultsInjected => _faults;

    /// <summary>How often which operation of the metadata ended how.</summary>
    public IReadOnlyDictionary<string, long> Outcomes => _outcomes;

    /// <summary>Whether no seed failed.</summary>
    public bool Passed => _failures.Count == 0;

    /// <summary>The trace hash of the seed that was added last.</summary>
    public ulong LastTraceHash { get; private set; }

    /// <summary>Adds a result.</summary>
    public void Add(SeedResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        LastTraceHash = result.TraceHash;
        Seeds++;
        VirtualTime += result.VirtualTime;
        Events += result.Events;
        OperationsDone += result.OperationsDone;
        Elections += result.Elections;
        Commits += result.Commits;
        Snapshots += result.Snapshots;
        MembershipChanges += result.MembershipChanges;
        foreach (var (kind, count) in result.FaultsInjected)
        {
            _faults[kind] = _faults.GetValueOrDefault(kind) + count;
        }

        foreach (var (outcome, count) in result.Outcomes)
        {
            _outcomes[outcome] = _outcomes.GetValueOrDefault(outcome) + count;
        }

        if (!result.Passed)
        {
            _failures.Add(result);
            _failures.Sort((a, b) => a.Seed.CompareTo(b.Seed));
        }
    }
}
