namespace DistFS.Posix.Running;

/// <summary>What a run of the suite is asked for.</summary>
public sealed record SuiteOptions
{
    /// <summary>The directory that is examined; the run works in a fresh one below it.</summary>
    public required string Directory { get; init; }

    /// <summary>The same directory through another mount, or null.</summary>
    public string? SecondDirectory { get; init; }

    /// <summary>Only checks with one of these in `Area.Name`; all when empty.</summary>
    public IReadOnlyList<string> Only { get; init; } = [];

    /// <summary>What could not be run is a failure.</summary>
    public bool RequireAll { get; init; }

    /// <summary>A check that shows no progress for so long is hung.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Entries of the large directory.</summary>
    public int Entries { get; init; } = 100_000;

    /// <summary>Operations of each random run.</summary>
    public int Operations { get; init; } = 20_000;

    /// <summary>What the random runs start from; each prints it.</summary>
    public int Seed { get; init; } = 1;
}
