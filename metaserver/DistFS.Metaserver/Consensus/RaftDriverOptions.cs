using DistFS.Metaserver.Storage;
using DistFS.Primitives;
using DistFS.Raft;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace DistFS.Metaserver.Consensus;

/// <summary>The times of a group, in one place: all members should have the same.</summary>
/// <param name="Tick">The length of a tick.</param>
/// <param name="ElectionTicks">The shortest election time-out; the longest is twice it.</param>
/// <param name="HeartbeatTicks">Between heartbeats.</param>
public sealed record RaftTiming(TimeSpan Tick, int ElectionTicks, int HeartbeatTicks)
{
    /// <summary>Time-outs of 1 to 2 s, heartbeats every 100 ms: pauses of garbage collections change no
    /// leader.</summary>
    public static RaftTiming Default { get; } = new(TimeSpan.FromMilliseconds(10), 100, 10);

    /// <summary>Time-outs of 150 to 300 ms, heartbeats every 30 ms: for quiet machines with fast disks.</summary>
    public static RaftTiming Fast { get; } = new(TimeSpan.FromMilliseconds(5), 30, 6);

    /// <summary>The shortest election time-out.</summary>
    public TimeSpan Election => Tick * ElectionTicks;

    /// <summary>The options with these times.</summary>
    public RaftOptions ApplyTo(RaftOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options with { ElectionTicks = ElectionTicks, HeartbeatTicks = HeartbeatTicks };
    }
}

/// <summary>How a <see cref="RaftDriver"/> behaves.</summary>
public sealed record RaftDriverOptions
{
    /// <summary>Of the core; its times are replaced by those of <see cref="Timing"/>.</summary>
    public required RaftOptions Raft { get; init; }

    /// <summary>For who opens the store; the driver goes by what the store was opened with.</summary>
    public RaftStoreOptions Store { get; init; } = new();

    /// <summary>The times of the group.</summary>
    public RaftTiming Timing { get; init; } = RaftTiming.Default;

    /// <summary>Proposals under way at once; beyond, they are refused as busy. The same for reads.</summary>
    public int CallsMax { get; init; } = 16384;

    /// <summary>
    /// Entries in a leader's log that its state machine has not applied; beyond, proposals are refused as busy. Well
    /// above <see cref="CallsMax"/>, it is met only by those whose callers have given up waiting.
    /// </summary>
    public ulong UnappliedEntriesMax { get; init; } = 65536;

    /// <summary>Bytes of commands that wait for the core.</summary>
    public long ProposalBytesMax { get; init; } = 32 << 20;

    /// <summary>Bytes of received messages that wait for the core; beyond, they are refused, and come again.</summary>
    public long ReceivedBytesMax { get; init; } = 64 << 20;

    /// <summary>A snapshot is made after so many entries since the last one, if not earlier by bytes.</summary>
    public ulong SnapshotEntries { get; init; } = 200_000;

    /// <summary>A snapshot is made after so many bytes of entries since the last one.</summary>
    public long SnapshotBytes { get; init; } = 256 << 20;

    /// <summary>
    /// But not before the log has grown by this part of the last snapshot: a large state is not copied for a few
    /// changes. 0 for no such bound. Bytes that a restart does not know count as none, so a log may get longer by as
    /// much again for each restart.
    /// </summary>
    public double SnapshotShareMin { get; init; }

    /// <summary>So many entries stay in the log behind a snapshot, for members that are a little behind.</summary>
    public ulong KeepEntries { get; init; } = 20_000;

    /// <summary>
    /// While the last snapshot is on its way to a member, the next one waits: as long as that transfer makes progress,
    /// and so long without any (which has to be enough to check and install what arrived).
    /// </summary>
    public TimeSpan SnapshotWait { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>After a snapshot that the disk refused, the next attempt is so much later; after each further one
    /// twice as much.</summary>
    public TimeSpan SnapshotRetryMin { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>But never more than that.</summary>
    public TimeSpan SnapshotRetryMax { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>After so long without work, the disk lane makes durable how far the log was synced.</summary>
    public TimeSpan SettleAfter { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A leader whose disk does not answer for so long hands its leadership over.</summary>
    public TimeSpan DiskStall { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Where it tells what happens.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>
    /// Called once, from any thread, when this member must not go on: its process has to end. By then nothing is sent
    /// or acknowledged any more. The message says what to do.
    /// </summary>
    public required Action<DistFsException> OnFailed { get; init; }

    /// <summary>What is wrong, with what to set; null when nothing is.</summary>
    public string? Fault() =>
        Timing.ApplyTo(Raft).Fault() is { } fault ? fault
        : Timing.Tick < TimeSpan.FromMilliseconds(1) ? "Timing.Tick must be at least 1 ms."
        : CallsMax < 1 || ProposalBytesMax < 1 || ReceivedBytesMax < 1 ? "The bounds of queues must be positive."
        : SnapshotEntries < 1 || SnapshotBytes < 1 ? "The bounds for snapshots must be positive."
        : !(SnapshotShareMin is >= 0 and <= 10) ? "SnapshotShareMin must be 0 to 10."
        : SnapshotRetryMin <= TimeSpan.Zero || SnapshotRetryMax < SnapshotRetryMin
            ? "SnapshotRetryMin must be positive, SnapshotRetryMax not less."
        : UnappliedEntriesMax < 1 || SnapshotWait < TimeSpan.Zero
            ? "UnappliedEntriesMax must be positive, SnapshotWait not negative."
        : SettleAfter <= TimeSpan.Zero || DiskStall <= TimeSpan.Zero ? "SettleAfter and DiskStall must be positive."
        : null;

    /// <summary>What does not fit the store or the frames, with what to set; null when all does.</summary>
    public string? Misfit() =>
        Raft.CommandBytesMax > Store.EntryBytesMax
            ? $"Commands may have {Raft.CommandBytesMax} bytes, but the store takes entries of "
                + $"{Store.EntryBytesMax} only: an accepted command would stop every member. Set "
                + "Raft.CommandBytesMax to at most the store's EntryBytesMax."
        : Math.Max(Raft.CommandBytesMax, Math.Max(Raft.AppendBytesMax, Raft.SnapshotPieceBytes))
            > RaftTransportOptions.MessageBytesMax
            ? $"Raft.CommandBytesMax ({Raft.CommandBytesMax}), Raft.AppendBytesMax ({Raft.AppendBytesMax}) and "
                + $"Raft.SnapshotPieceBytes ({Raft.SnapshotPieceBytes}) must be at most "
                + $"{RaftTransportOptions.MessageBytesMax}: no frame carries more, so it would never be replicated."
        : null;
}
