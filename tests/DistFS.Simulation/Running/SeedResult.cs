using System.Globalization;
using System.Text;
using DistFS.Primitives;

namespace DistFS.Simulation;

/// <summary>What became of one seed.</summary>
public sealed record SeedResult
{
    /// <summary>The seed.</summary>
    public required ulong Seed { get; init; }

    /// <summary>How long it ran.</summary>
    public required SimulationSize Size { get; init; }

    /// <summary>What the members ran.</summary>
    public SimulationMachine Machine { get; init; }

    /// <summary>Which bug was planted.</summary>
    public PlantedBug Planted { get; init; }

    /// <summary>What went wrong; null if nothing did.</summary>
    public string? Failure { get; init; }

    /// <summary>A hash of all that happened: the same for the same seed.</summary>
    public ulong TraceHash { get; init; }

    /// <summary>Virtual time that passed.</summary>
    public TimeSpan VirtualTime { get; init; }

    /// <summary>Events.</summary>
    public long Events { get; init; }

    /// <summary>Operations of clients that were answered.</summary>
    public int OperationsDone { get; init; }

    /// <summary>Elections won.</summary>
    public int Elections { get; init; }

    /// <summary>Entries committed.</summary>
    public long Commits { get; init; }

    /// <summary>Snapshots made.</summary>
    public long Snapshots { get; init; }

    /// <summary>Changes of members that a leader accepted.</summary>
    public int MembershipChanges { get; init; }

    /// <summary>How often which operation of the metadata ended how.</summary>
    public required IReadOnlyDictionary<string, long> Outcomes { get; init; }

    /// <summary>How often what went wrong on purpose.</summary>
    public required IReadOnlyDictionary<FaultKind, long> FaultsInjected { get; init; }

    /// <summary>The last lines of the trace, oldest first; of a failure only.</summary>
    public IReadOnlyList<string> TraceTail { get; init; } = [];

    /// <summary>Whether nothing went wrong.</summary>
    public bool Passed => Failure == null;

    /// <summary>The command that repeats it.</summary>
    public string Command => string.Create(
        CultureInfo.InvariantCulture,
        $"dfs sim --machine {MachineName} --seed {Seed}{SizeOption}{PlantedOption}");

    private string SizeOption => Size == SimulationSize.Full ? " --full" : "";

    private string MachineName => Machine switch
    {
        SimulationMachine.Metadata => "metadata",
        SimulationMachine.Chunks => "chunks",
        _ => "registers",
    };

    private string PlantedOption => Planted == PlantedBug.None ? "" : $" --planted {Planted}";

    /// <summary>For a person: the seed, what failed, how to repeat it, and the end of the trace.</summary>
    public string Report(int lines)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"seed {Seed}: {Failure ?? "passed"}");
        text.AppendLine(CultureInfo.InvariantCulture, $"repeat with: {Command}");
        foreach (var line in TraceTail.Skip(Math.Max(0, TraceTail.Count - lines)))
        {
            text.AppendLine(line);
        }

        return text.ToString();
    }
}
