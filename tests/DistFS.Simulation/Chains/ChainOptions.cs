using DistFS.Primitives;

namespace DistFS.Simulation.Chains;

/// <summary>The knobs of a world of chains, drawn from its seed: each has a part of all faults only.</summary>
internal sealed class ChainOptions
{
    /// <summary>How long things go wrong.</summary>
    public required long FaultsMicroseconds { get; init; }

    /// <summary>Chunk servers.</summary>
    public required int Servers { get; init; }

    /// <summary>Copies of a chunk.</summary>
    public required int Goal { get; init; }

    /// <summary>Files; each has a writer and readers.</summary>
    public required int Files { get; init; }

    /// <summary>Readers of a file.</summary>
    public required int Readers { get; init; }

    /// <summary>Blocks of a chunk.</summary>
    public required int Blocks { get; init; }

    /// <summary>Writes of a writer.</summary>
    public required int Writes { get; init; }

    /// <summary>Writes under way at a time.</summary>
    public required int Window { get; init; }

    /// <summary>Part of the writes that are acknowledged when they are on disks.</summary>
    public required double Durable { get; init; }

    /// <summary>Mean pause between two writes.</summary>
    public required double ThinkMicroseconds { get; init; }

    /// <summary>Mean pause between two reads.</summary>
    public required double ReadMicroseconds { get; init; }

    /// <summary>Mean time of a change in a store.</summary>
    public required double StoreMicroseconds { get; init; }

    /// <summary>Chance that what was not synced of a chunk is there after a crash.</summary>
    public required double CrashKeeps { get; init; }

    /// <summary>Chance that a leader does not hear what became of its proposal.</summary>
    public required double OutcomesUnknown { get; init; }

    /// <summary>An idle chunk that lacks copies is sealed after so long.</summary>
    public required long SealIdleMs { get; init; }

    /// <summary>Mean time between two faults of a kind; 0 is none.</summary>
    public required IReadOnlyDictionary<ChainFault, double> Faults { get; init; }

    /// <summary>How good the network is.</summary>
    public required NetworkQuality Quality { get; init; }

    /// <summary>
    /// When faults end, all writers and one server, the tail of a chain most likely, are gone for good.
    /// </summary>
    public required bool EndsInLoss { get; init; }

    /// <summary>Draws them.</summary>
    public static ChainOptions Draw(Prng prng, SimulationSize size)
    {
        ArgumentNullException.ThrowIfNull(prng);
        var isFull = size == SimulationSize.Full;
        var faults = new Dictionary<ChainFault, double>();
        var often = prng.Chance(0.3) ? 2_000_000 : 6_000_000;
        foreach (var kind in Enum.GetValues<ChainFault>().Where(static kind => kind < ChainFault.DiskLost))
        {
            var mean = (0.3 + prng.NextDouble()) * often * (kind == ChainFault.PowerOfAll ? 3 : 1);
            if (prng.Chance(0.5))
            {
                faults.Add(kind, mean);
            }
        }

        var isNetworkBad = prng.Chance(0.5);
        var goal = Pick(prng, 2, 3, 3);
        var options = new ChainOptions
        {
            FaultsMicroseconds = isFull ? 240_000_000 : 25_000_000,
            Goal = goal,
            Servers = goal + Pick(prng, 0, 1, 2),
            Files = Pick(prng, 1, 1, 2),
            Readers = Pick(prng, 1, 2),
            Blocks = Pick(prng, 1, 2, 3),
            Writes = isFull ? 1_500 : 150,
            Window = Pick(prng, 1, 4, 8),
            Durable = Pick(prng, 0, 30, 100) / 100.0,
            ThinkMicroseconds = Pick(prng, 1_000, 20_000, 150_000),
            ReadMicroseconds = Pick(prng, 10_000, 50_000),
            StoreMicroseconds = Pick(prng, 50, 500, 10_000),
            CrashKeeps = Pick(prng, 0, 50, 100) / 100.0,
            OutcomesUnknown = Pick(prng, 0, 2) / 100.0,
            SealIdleMs = Pick(prng, 4_000, 12_000),
            Faults = faults,
            Quality = new NetworkQuality
            {
                DelayMicroseconds = Pick(prng, 200, 1_000, 10_000),
                Loss = isNetworkBad ? Pick(prng, 0, 5, 20) / 1_000.0 : 0,
                Duplicates = isNetworkBad ? Pick(prng, 0, 10, 50) / 1_000.0 : 0,
                Late = isNetworkBad ? Pick(prng, 0, 10) / 1_000.0 : 0,
                IsOrdered = prng.Chance(0.5),
            },

            // What was added later is drawn last, so that known seeds stay what they were.
            EndsInLoss = prng.Chance(0.3),
        };
        foreach (var kind in Enum.GetValues<ChainFault>().Where(static kind => kind >= ChainFault.DiskLost))
        {
            var mean = (0.3 + prng.NextDouble()) * 2 * often;
            if (prng.Chance(0.3))
            {
                faults.Add(kind, mean);
            }
        }

        return options;
    }

    private static int Pick(Prng prng, params ReadOnlySpan<int> values) => values[prng.NextInt32(values.Length)];
}

/// <summary>What goes wrong with chunk servers, writers and what is between them.</summary>
internal enum ChainFault
{
    /// <summary>A chunk server is killed, and starts again.</summary>
    ServerKilled,

    /// <summary>A chunk server dies between two effects: a message, a change of its disk.</summary>
    ServerKilledAtEffect,

    /// <summary>All chunk servers die at once.</summary>
    PowerOfAll,

    /// <summary>A chunk server does nothing for a while.</summary>
    ServerPaused,

    /// <summary>Nothing goes one way between two machines.</summary>
    OneWayCut,

    /// <summary>Nothing goes between two machines.</summary>
    Cut,

    /// <summary>The leader dies; another one begins.</summary>
    LeaderKilled,

    /// <summary>A writer dies; another one begins.</summary>
    WriterKilled,

    /// <summary>A writer sleeps, and another one takes over, or not.</summary>
    WriterPaused,

    // From here on drawn apart, so that known seeds stay what they were.

    /// <summary>
    /// A chunk server dies and comes back without what was on its disk, as itself or as one that nobody knows.
    /// </summary>
    DiskLost,

    /// <summary>A block rots in a copy, and is found at once.</summary>
    BlockRots,
}
