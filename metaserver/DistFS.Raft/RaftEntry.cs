using DistFS.Primitives;

namespace DistFS.Raft;

/// <summary>What an entry means to Raft itself. The values are on disk and on the wire.</summary>
public enum EntryKind : byte
{
    /// <summary>A command of the state machine.</summary>
    Command = 0,

    /// <summary>Nothing: a new leader's first entry, which commits what earlier terms left (thesis, 3.6.2).</summary>
    NoOp = 1,

    /// <summary>A <see cref="RaftConfiguration"/>, in force from the moment it is in the log (thesis, 4.1).</summary>
    Configuration = 2,
}

/// <summary>The name of an entry: no two entries that differ share one (Log Matching, thesis, 3.5).</summary>
/// <param name="Term">The term of the leader that made it.</param>
/// <param name="Index">Its place in the log.</param>
public readonly record struct EntryId(Term Term, LogIndex Index)
{
    /// <summary>Whether a log that ends here is at least as complete as one that ends at <paramref name="other"/>
    /// (thesis, 3.6.1).</summary>
    public bool IsAtLeastAsCompleteAs(EntryId other) =>
        Term > other.Term || (Term == other.Term && Index >= other.Index);

    /// <inheritdoc/>
    public override string ToString() => $"{Index}@{Term}";
}

/// <summary>One entry of the log; never changed once made.</summary>
public sealed record RaftEntry
{
    /// <summary>What an entry takes beside its data, in every bound that counts bytes.</summary>
    public const int OverheadBytes = 48;

    /// <summary>Its name.</summary>
    public required EntryId Id { get; init; }

    /// <summary>What it is.</summary>
    public EntryKind Kind { get; init; }

    /// <summary>The command or the encoded configuration; empty in a no-op. Owned by the entry.</summary>
    public ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>Its place.</summary>
    public LogIndex Index => Id.Index;

    /// <summary>Its term.</summary>
    public Term Term => Id.Term;

    /// <summary>What it counts in bounds of bytes.</summary>
    public long SizeBytes => Data.Length + OverheadBytes;

    /// <inheritdoc/>
    public override string ToString() => $"{Id} {Kind} {Data.Length}B";
}

/// <summary>What a member must remember over a restart, beside the log (thesis, figure 3.1).</summary>
/// <param name="Term">The latest term it has seen; only grows.</param>
/// <param name="Vote">Whom it voted for in that term; zero is nobody. Set at most once per term.</param>
/// <param name="Commit">A lower bound of what is committed; a hint, so it alone need not be synced.</param>
public readonly record struct HardState(Term Term, MemberId Vote, LogIndex Commit)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Term} vote {Vote} commit {Commit}";
}

/// <summary>What a snapshot is, without its bytes.</summary>
public sealed record SnapshotMeta
{
    /// <summary>Random: two snapshots at one index can differ in bytes, and pieces of them must never be
    /// mixed.</summary>
    public required ulong Id { get; init; }

    /// <summary>The last entry that the snapshot contains.</summary>
    public required EntryId Last { get; init; }

    /// <summary>The configuration in force at <see cref="Last"/>.</summary>
    public required RaftConfiguration Configuration { get; init; }

    /// <summary>The bytes of the whole.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>CRC-32C of the whole.</summary>
    public required uint Checksum { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"snapshot {Last} {SizeBytes}B";
}
