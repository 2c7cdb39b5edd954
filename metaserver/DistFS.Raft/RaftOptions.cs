using DistFS.Primitives;

namespace DistFS.Raft;

/// <summary>How a member behaves. Times are in ticks, whose length the shell decides.</summary>
public sealed record RaftOptions
{
    /// <summary>Who this is.</summary>
    public required MemberId Self { get; init; }

    /// <summary>Its data folder.</summary>
    public StoreId Store { get; init; }

    /// <summary>
    /// The shortest election time-out. A follower campaigns after a random time in
    /// [<see cref="ElectionTicks"/>, 2 x <see cref="ElectionTicks"/>) without a leader; within the shortest one it
    /// helps nobody to depose a leader that it hears (thesis, 4.2.3).
    /// </summary>
    public int ElectionTicks { get; init; } = 100;

    /// <summary>Between heartbeats; well below <see cref="ElectionTicks"/>.</summary>
    public int HeartbeatTicks { get; init; } = 10;

    /// <summary>Most bytes of entries in one append; a larger entry goes alone.</summary>
    public long AppendBytesMax { get; init; } = 1 << 20;

    /// <summary>Most appends on the way to one follower.</summary>
    public int InflightAppendsMax { get; init; } = 256;

    /// <summary>Most bytes of appends on the way to one follower; one append may exceed it.</summary>
    public long InflightBytesMax { get; init; } = 8 << 20;

    /// <summary>Largest command, in bytes.</summary>
    public int CommandBytesMax { get; init; } = 4 << 20;

    /// <summary>Largest data of an entry that this member's log takes: an append with more is refused.</summary>
    public int EntryBytesMax { get; init; } = 16 << 20;

    /// <summary>
    /// Most bytes of entries that are not yet committed, or not on the leader's own disk; beyond, proposals are refused
    /// until some are.
    /// </summary>
    public long UncommittedBytesMax { get; init; } = 64 << 20;

    /// <summary>Most bytes handed out at once to be applied; one entry may exceed it.</summary>
    public long ApplyBytesMax { get; init; } = 4 << 20;

    /// <summary>Bytes of a piece of a snapshot.</summary>
    public int SnapshotPieceBytes { get; init; } = 1 << 20;

    /// <summary>Pieces of a snapshot on the way to one follower.</summary>
    public int SnapshotPiecesInflight { get; init; } = 4;

    /// <summary>A learner that lacks more entries than this is not promoted.</summary>
    public ulong PromotionLagMax { get; init; } = 1000;

    /// <summary>Reads that wait for the leader; beyond, they are refused.</summary>
    public int PendingReadsMax { get; init; } = 65536;

    /// <summary>What is wrong, with what to set; null when nothing is.</summary>
    public string? Fault() =>
        Self.Value == 0 ? "Self must not be zero."
        : HeartbeatTicks < 1 ? "HeartbeatTicks must be at least 1."
        : ElectionTicks < 3 * HeartbeatTicks ? "ElectionTicks must be at least 3 x HeartbeatTicks."
        : AppendBytesMax < 1 || InflightAppendsMax < 1 || InflightBytesMax < 1 || ApplyBytesMax < 1
            ? "The bounds of appends must be positive."
        : CommandBytesMax < 1 || UncommittedBytesMax < CommandBytesMax
            ? "UncommittedBytesMax must be at least CommandBytesMax, and that positive."
        : SnapshotPieceBytes < 1 || SnapshotPiecesInflight < 1 ? "The bounds of snapshot pieces must be positive."
        : PendingReadsMax < 1 ? "PendingReadsMax must be positive."
        : null;
}
