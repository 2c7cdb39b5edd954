using DistFS.Primitives;

namespace DistFS.Raft;

/// <summary>
/// What members say to each other. Messages may be lost, repeated, late and out of order; the receiver trusts nothing
/// but the sender's identity, which the transport vouches for.
/// </summary>
public abstract record RaftMessage
{
    private StoreId _fromStore;

    /// <summary>Who speaks.</summary>
    public required MemberId From { get; init; }

    /// <summary>The speaker's data folder.</summary>
    public StoreId FromStore
    {
        get => _fromStore;
        init => _fromStore = value;
    }

    /// <summary>To whom.</summary>
    public required MemberId To { get; init; }

    /// <summary>The speaker's term; in a pre-vote request the term that it would campaign in.</summary>
    public required Term Term { get; init; }

    /// <summary>Signs a message that nobody else has seen yet.</summary>
    internal void Sign(StoreId fromStore) => _fromStore = fromStore;
}

/// <summary>A vote is asked for (thesis, 3.4), or with <see cref="IsPreVote"/>, whether one would be given
/// (9.6).</summary>
public sealed record VoteRequest : RaftMessage
{
    /// <summary>Only a question: neither side changes its term or vote.</summary>
    public bool IsPreVote { get; init; }

    /// <summary>Where the candidate's log ends.</summary>
    public required EntryId Last { get; init; }

    /// <summary>The leader asked for this election (thesis, 3.10), so hearing from that leader is no reason to refuse
    /// (4.2.3).</summary>
    public bool IsTransfer { get; init; }
}

/// <summary>The answer to a <see cref="VoteRequest"/>.</summary>
public sealed record VoteReply : RaftMessage
{
    /// <summary>Of a pre-vote. Then <see cref="RaftMessage.Term"/> is that of the request if granted, else the
    /// voter's.</summary>
    public bool IsPreVote { get; init; }

    /// <summary>Whether the vote is, or would be, given.</summary>
    public required bool Granted { get; init; }
}

/// <summary>Entries for a follower's log (thesis, 3.5); without entries a probe.</summary>
public sealed record AppendRequest : RaftMessage
{
    /// <summary>The entry before the first of <see cref="Entries"/>.</summary>
    public required EntryId Previous { get; init; }

    /// <summary>Consecutive entries after <see cref="Previous"/>.</summary>
    public required IReadOnlyList<RaftEntry> Entries { get; init; }

    /// <summary>How far the leader has committed.</summary>
    public required LogIndex Commit { get; init; }
}

/// <summary>The answer to an <see cref="AppendRequest"/>.</summary>
public sealed record AppendReply : RaftMessage
{
    /// <summary>Whether the follower lacks <see cref="AppendRequest.Previous"/>.</summary>
    public required bool Rejected { get; init; }

    /// <summary>Accepted: the follower's log equals the leader's up to here, on disk. Rejected: the index that it
    /// lacks.</summary>
    public required LogIndex Index { get; init; }

    /// <summary>Rejected: where the logs may still agree, with its term, to pass over a whole term in one step
    /// (thesis, 3.5, end).</summary>
    public EntryId Hint { get; init; }
}

/// <summary>The leader lives. Apart from appends, so that a large entry delays no heartbeat.</summary>
public sealed record Heartbeat : RaftMessage
{
    /// <summary>How far the leader has committed of what this follower surely has.</summary>
    public required LogIndex Commit { get; init; }

    /// <summary>The round of reads that this beat confirms (thesis, 6.4).</summary>
    public required ulong ReadRound { get; init; }
}

/// <summary>The answer to a <see cref="Heartbeat"/>.</summary>
public sealed record HeartbeatReply : RaftMessage
{
    /// <summary>That of the heartbeat.</summary>
    public required ulong ReadRound { get; init; }

    /// <summary>Where the follower's log ends, on disk or not, so that a leader sees that appends were lost.</summary>
    public required LogIndex LastIndex { get; init; }

    /// <summary>Whether the follower has all that it ever acknowledged; if not, the leader must not rely on what it
    /// knew of it.</summary>
    public bool IsWhole { get; init; } = true;
}

/// <summary>A piece of a snapshot for a follower whose next entry was compacted (thesis, 5.3).</summary>
public sealed record SnapshotPiece : RaftMessage
{
    /// <summary>Of which snapshot.</summary>
    public required SnapshotMeta Snapshot { get; init; }

    /// <summary>Where the piece starts.</summary>
    public required long Offset { get; init; }

    /// <summary>Bytes of the piece.</summary>
    public required int Length { get; init; }

    /// <summary>The bytes: empty when the core hands the message out, filled by the shell when it is sent.</summary>
    public ReadOnlyMemory<byte> Data { get; init; }
}

/// <summary>The answer to a <see cref="SnapshotPiece"/>.</summary>
public sealed record SnapshotReply : RaftMessage
{
    /// <summary>That of the snapshot.</summary>
    public required ulong SnapshotId { get; init; }

    /// <summary>
    /// The follower wants the bytes from here; those before were handed to its disk, and if that refused one of them,
    /// the checksum of the whole fails and the transfer begins again at 0.
    /// </summary>
    public required long NextOffset { get; init; }

    /// <summary>The follower's log now starts at the snapshot or later: the transfer is over.</summary>
    public required bool Installed { get; init; }

    /// <summary>With <see cref="Installed"/>: the last entry known to equal the leader's.</summary>
    public LogIndex Match { get; init; }
}

/// <summary>A follower wants to read (thesis, 6.4).</summary>
public sealed record ReadIndexRequest : RaftMessage
{
    /// <summary>The follower's number of the batch of reads.</summary>
    public required ulong ReadId { get; init; }
}

/// <summary>The answer to a <see cref="ReadIndexRequest"/>.</summary>
public sealed record ReadIndexReply : RaftMessage
{
    /// <summary>That of the request.</summary>
    public required ulong ReadId { get; init; }

    /// <summary>What must be applied before the reads are answered.</summary>
    public required LogIndex Index { get; init; }
}

/// <summary>The leader wants the receiver to take over at once (thesis, 3.10).</summary>
public sealed record TimeoutNow : RaftMessage;
