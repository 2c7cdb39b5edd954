using DistFS.Primitives;

namespace DistFS.Simulation;

/// <summary>The knobs of a world with metadata that others do not have, drawn from its seed.</summary>
public sealed class MetadataOptions
{
    /// <summary>Groups of directories for histories.</summary>
    public required int Groups { get; init; }

    /// <summary>Part of the operations that go into histories.</summary>
    public required double Histories { get; init; }

    /// <summary>How often one more operation joins a request.</summary>
    public required double Batches { get; init; }

    /// <summary>How often a client dies before an operation.</summary>
    public required double Deaths { get; init; }

    /// <summary>How often a client sleeps before an operation.</summary>
    public required double Sleeps { get; init; }

    /// <summary>The longest lease of a session, in milliseconds.</summary>
    public required int LeaseMsMax { get; init; }

    /// <summary>How often a member's entries go to its store one by one.</summary>
    public required double StoreFlushes { get; init; }

    /// <summary>How often a member's engine flushes after a write.</summary>
    public required double EngineFlushes { get; init; }

    /// <summary>Work of a step of collection, in rows.</summary>
    public required uint CollectRowsMax { get; init; }

    /// <summary>Chunk servers.</summary>
    public required int Servers { get; init; }

    /// <summary>Mean microseconds between two failures of a chunk server; 0 is none.</summary>
    public required double ServerFailures { get; init; }

    /// <summary>How often a chunk server that failed has lost its disk.</summary>
    public required double ServerWipes { get; init; }

    /// <summary>Copies that a chunk should have.</summary>
    public required int Goal { get; init; }

    /// <summary>Clients that have leases.</summary>
    public required int LeaseClients { get; init; }

    /// <summary>Most leases of a session; from 7/8 on the oldest are recalled.</summary>
    public required int LeasesMax { get; init; }

    /// <summary>Who does not answer a recall for so long loses its session.</summary>
    public required long RecallMsMax { get; init; }

    /// <summary>How often a client with leases sleeps, and how often it stops to answer recalls for a while.</summary>
    public required double Absences { get; init; }

    /// <summary>Draws them.</summary>
    public static MetadataOptions Draw(Prng prng, SimulationSize size)
    {
        ArgumentNullException.ThrowIfNull(prng);
        return new MetadataOptions
        {
            Groups = size == SimulationSize.Full ? Pick(prng, 4, 8) : Pick(prng, 1, 2, 4),
            Histories = Pick(prng, 10, 30, 50) / 100.0,
            Batches = Pick(prng, 0, 20, 60) / 100.0,
            Deaths = Pick(prng, 0, 1, 3) / 100.0,
            Sleeps = Pick(prng, 0, 0, 1, 2) / 100.0,
            LeaseMsMax = Pick(prng, 1_500, 3_000, 5_000),
            StoreFlushes = Pick(prng, 0, 30, 100) / 100.0,
            EngineFlushes = Pick(prng, 0, 2, 10, 30) / 100.0,
            CollectRowsMax = (uint)Pick(prng, 1, 3, 20, 1_000),
            Servers = Pick(prng, 3, 4, 6),
            ServerFailures = Pick(prng, 0, 1_000_000, 3_000_000),
            ServerWipes = Pick(prng, 0, 20) / 100.0,
            Goal = Pick(prng, 1, 2, 3, 3),
            LeaseClients = Pick(prng, 0, 2, 3),
            LeasesMax = Pick(prng, 2, 100),
            RecallMsMax = Pick(prng, 500, 2_000, 20_000),
            Absences = Pick(prng, 0, 2, 5) / 100.0,
        };
    }

    private static int Pick(Prng prng, params ReadOnlySpan<int> values) => values[prng.NextInt32(values.Length)];
}
