using DistFS.Primitives;

namespace DistFS.Metaserver.Consensus;

/// <summary>What became of a call to the <see cref="RaftDriver"/>.</summary>
public enum CallStatus
{
    /// <summary>A proposal was applied here; a read may be answered from the state machine now.</summary>
    Done,

    /// <summary>Nothing was done: another member leads, or none is known to.</summary>
    NotLeader,

    /// <summary>Nothing was done: too much is under way. Later.</summary>
    Busy,

    /// <summary>Nothing was done: the command is larger than a command may be.</summary>
    TooLarge,

    /// <summary>Nothing was done: not allowed; the reason says why.</summary>
    Refused,

    /// <summary>Nothing was done, and never will be: another leader's entry took the place of this one.</summary>
    Replaced,

    /// <summary>
    /// It may have been done, may yet be, or may never be: the leader changed, or the time was over. Repeating it is
    /// safe only if it carries a request id.
    /// </summary>
    Unknown,
}

/// <summary>The end of a proposal.</summary>
/// <param name="Status">What became of it.</param>
/// <param name="Id">If done: the entry.</param>
/// <param name="Reply">If done: the state machine's reply.</param>
/// <param name="Reason">If not: perhaps why.</param>
public readonly record struct ProposalOutcome(
    CallStatus Status, Raft.EntryId Id = default, ReadOnlyMemory<byte> Reply = default, string? Reason = null);

/// <summary>The end of a request for a read. Never <see cref="CallStatus.Unknown"/> in effect: a read does
/// nothing.</summary>
/// <param name="Status">Done: what the state machine has now is at least as new as any answer given before the
/// request.</param>
/// <param name="Index">If done: the state machine is at this entry or later.</param>
public readonly record struct ReadOutcome(CallStatus Status, LogIndex Index = default);
