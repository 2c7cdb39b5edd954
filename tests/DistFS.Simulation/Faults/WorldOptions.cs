using DistFS.Metaserver.Storage;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>
/// All knobs of a world, drawn from its seed: a random subset of the faults, sizes from tiny (which reach the corners)
/// to usual ones ("Swarm testing", Groce et al., 2012).
/// </summary>
public sealed class WorldOptions
{
    private WorldOptions()
    {
    }

    /// <summary>Members that vote at the start.</summary>
    public int Voters { get; private set; }

    /// <summary>Members that learn at the start.</summary>
    public int Learners { get; private set; }

    /// <summary>One tick of a clock that runs right.</summary>
    public long TickMicroseconds { get; private set; }

    /// <summary>Mean of one sync.</summary>
    public double SyncMicroseconds { get; private set; }

    /// <summary>Mean of what applying takes.</summary>
    public double ApplyMicroseconds { get; private set; }

    /// <summary>Most Ready values in one go to the disk.</summary>
    public int DiskBatchMax { get; private set; }

    /// <summary>Most entries applied at once.</summary>
    public int ApplyBatchMax { get; private set; }

    /// <summary>Entries between snapshots.</summary>
    public ulong SnapshotEvery { get; private set; }

    /// <summary>Most entries kept before a snapshot.</summary>
    public ulong KeepEntriesMax { get; private set; }

    /// <summary>Zeros at the end of a snapshot.</summary>
    public int SnapshotPadding { get; private set; }

    /// <summary>Most zeros at the end of a command.</summary>
    public int CommandPaddingMax { get; private set; }

    /// <summary>Whether state machines keep their state over a restart, as the product's does.</summary>
    public bool MachineIsDurable { get; private set; }

    /// <summary>How often a copy of a durable disk is opened and compared.</summary>
    public double AuditProbability { get; private set; }

    /// <summary>Clients.</summary>
    public int Clients { get; private set; }

    /// <summary>Operations of all clients together before the faults stop.</summary>
    public int Operations { get; private set; }

    /// <summary>Registers.</summary>
    public int Registers { get; private set; }

    /// <summary>Lists.</summary>
    public int Lists { get; private set; }

    /// <summary>Part of the operations that read.</summary>
    public double Reads { get; private set; }

    /// <summary>Part of the reads that go through the log.</summary>
    public double ReadsInLog { get; private set; }

    /// <summary>Part of the queries that go to whoever comes first, leader or not.</summary>
    public double ReadsAnywhere { get; private set; }

    /// <summary>A client's patience with one attempt.</summary>
    public long AttemptMicroseconds { get; private set; }

    /// <summary>A client's patience with one operation.</summary>
    public long GiveUpMicroseconds { get; private set; }

    /// <summary>How long faults happen.</summary>
    public long FaultsMicroseconds { get; private set; }

    /// <summary>The network's quality while faults happen.</summary>
    public NetworkQuality Quality { get; private set; } = new();

    /// <summary>Which faults happen, and the mean microseconds between two of a kind.</summary>
    public SortedDictionary<FaultKind, double> Faults { get; } = [];

    private RaftOptions RaftTemplate { get; set; } = null!;

    private long SegmentBytes { get; set; }

    private long CacheBytes { get; set; }

    /// <summary>The options of a member.</summary>
    public RaftOptions Raft(MemberId self, StoreId store) => RaftTemplate with { Self = self, Store = store };

    /// <summary>The options of a store.</summary>
    public RaftStoreOptions Store() => new() { SegmentBytes = SegmentBytes, CacheBytes = CacheBytes };

    /// <summary>Draws a world.</summary>
    public static WorldOptions Draw(Prng prng, SimulationSize size)
    {
        var full = size == SimulationSize.Full;
        var options = new WorldOptions
        {
            Voters = Pick(prng, 1, 3, 3, 3, 3, 5, 5),
            Learners = Pick(prng, 0, 0, 0, 1, 2),
            TickMicroseconds = Pick(prng, 5_000, 10_000, 20_000),
            SyncMicroseconds = Pick(prng, 100, 500, 2_000, 8_000),
            ApplyMicroseconds = Pick(prng, 10, 100, 1_000, 20_000),
            DiskBatchMax = Pick(prng, 1, 2, 8, 64),
            ApplyBatchMax = Pick(prng, 1, 4, 64),
            SnapshotEvery = (ulong)Pick(prng, 2, 5, 10, 20, 50, 100, 300, 1_000),
            KeepEntriesMax = (ulong)Pick(prng, 0, 1, 5, 50),
            SnapshotPadding = Pick(prng, 0, 0, 300, 3_000, 20_000),
            CommandPaddingMax = Pick(prng, 0, 50, 500, 3_000),
            MachineIsDurable = prng.Chance(0.5),
            AuditProbability = Pick(prng, 0, 1, 1, 2, 5) / 100.0,
            Clients = Pick(prng, 2, 4, 6, 8),
            Operations = full ? Pick(prng, 1_000, 2_000, 4_000) : Pick(prng, 100, 200, 300),
            Registers = full ? Pick(prng, 20, 40) : Pick(prng, 1, 3, 6),
            Lists = full ? Pick(prng, 10, 20) : Pick(prng, 1, 3, 5),
            Reads = Pick(prng, 10, 30, 50, 70) / 100.0,
            ReadsInLog = Pick(prng, 0, 10, 50) / 100.0,
            ReadsAnywhere = Pick(prng, 0, 30, 80) / 100.0,
            AttemptMicroseconds = Pick(prng, 50_000, 200_000, 600_000),
            GiveUpMicroseconds = Pick(prng, 500_000, 2_000_000, 5_000_000),
            FaultsMicroseconds = full ? 300_000_000 : Pick(prng, 6_000_000, 10_000_000, 15_000_000),
            SegmentBytes = Pick(prng, 4 << 10, 16 << 10, 64 << 10, 1 << 20),
            CacheBytes = Pick(prng, 0, 4 << 10, 1 << 20),
            RaftTemplate = DrawRaft(prng.Fork()),
        };

        // Some hundred pieces show all that more of them would.
        var piece = Math.Max(options.RaftTemplate.SnapshotPieceBytes, options.SnapshotPadding / 50);
        options.RaftTemplate = options.RaftTemplate with { SnapshotPieceBytes = piece };
        options.DrawFaults(prng.Fork());
        options.DrawQuality(prng.Fork());
        options.GiveElectionsTime();
        return options;
    }

    /// <summary>
    /// For the metadata, which has a state of some ten thousand bytes and keeps it itself over a restart: snapshots
    /// that are larger and rarer.
    /// </summary>
    public void ForMetadata()
    {
        const ulong SnapshotEveryMin = 20;
        const int PieceBytesMin = 4_000;
        SnapshotEvery = Math.Max(SnapshotEvery, SnapshotEveryMin);
        MachineIsDurable = false;
        RaftTemplate = RaftTemplate with
        {
            SnapshotPieceBytes = Math.Max(RaftTemplate.SnapshotPieceBytes, PieceBytesMin),
        };
    }

    private static RaftOptions DrawRaft(Prng prng)
    {
        var heartbeat = Pick(prng, 1, 1, 2, 3);
        return new RaftOptions
        {
            Self = new MemberId(1),
            HeartbeatTicks = heartbeat,
            ElectionTicks = heartbeat * prng.NextInt32(3, 11),
            AppendBytesMax = Pick(prng, 1, 100, 300, 1_000, 10_000, 1 << 20),
            InflightAppendsMax = Pick(prng, 1, 2, 4, 16, 256),
            InflightBytesMax = Pick(prng, 1, 1_000, 100_000, 8 << 20),
            UncommittedBytesMax = Pick(prng, 16 << 10, 64 << 10, 64 << 20),
            CommandBytesMax = 8 << 10,
            ApplyBytesMax = Pick(prng, 1, 1_000, 4 << 20),
            SnapshotPieceBytes = Pick(prng, 50, 200, 1_000, 10_000, 1 << 20),
            SnapshotPiecesInflight = Pick(prng, 1, 2, 4, 16),
            PromotionLagMax = (ulong)Pick(prng, 5, 50, 1_000),
            PendingReadsMax = Pick(prng, 2, 100, 65_536),
        };
    }

    /// <summary>An election takes two round trips and two syncs, each of which may be several times its mean; with less
    /// time than that (thesis, 3.9) no member would ever lead.</summary>
    private void GiveElectionsTime()
    {
        const int Margin = 4;
        var needed = Margin * 2 * ((2 * Quality.DelayMicroseconds) + SyncMicroseconds);
        TickMicroseconds = Math.Max(TickMicroseconds, (long)(needed / RaftTemplate.ElectionTicks));
    }

    private void DrawFaults(Prng prng)
    {
        // Some worlds are calm, so that what goes wrong in them has a simple cause.
        var share = Pick(prng, 5, 15, 30, 50) / 100.0;
        foreach (var kind in Enum.GetValues<FaultKind>())
        {
            var mean = Pick(prng, 300_000, 1_000_000, 2_000_000, 5_000_000);
            if (prng.Chance(share))
            {
                Faults[kind] = mean;
            }
        }
    }

    private void DrawQuality(Prng prng)
    {
        Quality.DelayMicroseconds = Pick(prng, 100, 500, 2_000, 8_000);
        Quality.IsOrdered = prng.Chance(0.5);
        Quality.Loss = Rate(FaultKind.MessageLoss, prng, 1, 5, 15, 30);
        Quality.Duplicates = Rate(FaultKind.MessageDuplicates, prng, 1, 5, 20);
        Quality.Late = Rate(FaultKind.MessageDelay, prng, 1, 3, 10);
        Quality.Corruption = Rate(FaultKind.MessageCorruption, prng, 1, 3);
    }

    private double Rate(FaultKind kind, Prng prng, params ReadOnlySpan<int> percents)
    {
        var rate = Pick(prng, percents) / 100.0;
        return Faults.ContainsKey(kind) ? rate : 0;
    }

    private static int Pick(Prng prng, params ReadOnlySpan<int> values) => values[prng.NextInt32(values.Length)];
}
