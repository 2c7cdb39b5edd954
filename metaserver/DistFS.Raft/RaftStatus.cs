using DistFS.Primitives;

namespace DistFS.Raft;

/// <summary>What a member is at the moment.</summary>
public enum RaftRole
{
    /// <summary>It follows, or waits for a leader.</summary>
    Follower,

    /// <summary>It asks whether it would be elected (thesis, 9.6).</summary>
    PreCandidate,

    /// <summary>It campaigns.</summary>
    Candidate,

    /// <summary>It leads.</summary>
    Leader,
}

/// <summary>What became of a request to the core.</summary>
public enum ProposeStatus
{
    /// <summary>It is in this leader's log, or the read waits; not yet committed, and perhaps never.</summary>
    Accepted,

    /// <summary>Only the leader can; <see cref="RaftStatus.Leader"/> may know who that is.</summary>
    NotLeader,

    /// <summary>Too much is under way; later.</summary>
    Busy,

    /// <summary>Larger than <see cref="RaftOptions.CommandBytesMax"/>.</summary>
    TooLarge,

    /// <summary>Not allowed; the reason says why.</summary>
    Refused,
}

/// <summary>The answer to a proposal.</summary>
/// <param name="Status">What became of it.</param>
/// <param name="Id">If accepted, the entry: when one of that very name is applied, the proposal was; when another of
/// that index is, the proposal never will be.</param>
/// <param name="Reason">If not accepted, perhaps why.</param>
public readonly record struct ProposeResult(ProposeStatus Status, EntryId Id = default, string? Reason = null);

/// <summary>What a leader knows of a member.</summary>
/// <param name="Id">Who.</param>
/// <param name="State">How it is fed.</param>
/// <param name="Match">It has everything up to here on disk.</param>
/// <param name="Next">What is sent next.</param>
/// <param name="Inflight">Appends on the way to it.</param>
/// <param name="IsActive">Whether it was heard in this election time-out or the one before.</param>
public readonly record struct MemberProgress(
    MemberId Id, ProgressState State, LogIndex Match, LogIndex Next, int Inflight, bool IsActive);

/// <summary>A look at a member.</summary>
public sealed record RaftStatus
{
    /// <summary>What it is.</summary>
    public required RaftRole Role { get; init; }

    /// <summary>Its term.</summary>
    public required Term Term { get; init; }

    /// <summary>Whom it voted for in this term; zero is nobody.</summary>
    public required MemberId Vote { get; init; }

    /// <summary>The leader of this term, if known; else zero.</summary>
    public required MemberId Leader { get; init; }

    /// <summary>Committed up to here.</summary>
    public required LogIndex Commit { get; init; }

    /// <summary>Applied up to here.</summary>
    public required LogIndex Applied { get; init; }

    /// <summary>The end of the log.</summary>
    public required EntryId Last { get; init; }

    /// <summary>On disk up to here.</summary>
    public required LogIndex Stable { get; init; }

    /// <summary>The configuration in force: the latest in the log.</summary>
    public required RaftConfiguration Configuration { get; init; }

    /// <summary>Whether that configuration is committed.</summary>
    public required bool ConfigurationCommitted { get; init; }

    /// <summary>Whether its log has all it ever acknowledged.</summary>
    public required bool IsWhole { get; init; }

    /// <summary>A leader that has committed an entry of its own term: its commit index is the newest there
    /// is.</summary>
    public required bool IsEstablished { get; init; }

    /// <summary>To whom leadership is on its way; zero is nobody.</summary>
    public required MemberId TransferTarget { get; init; }

    /// <summary>A leader whose snapshot is on its way to somebody: it must stay as it is.</summary>
    public required bool SnapshotsInTransfer { get; init; }

    /// <summary>Bytes of a leader's entries that are not committed, or not on its own disk.</summary>
    public required long UncommittedBytes { get; init; }

    /// <summary>Of a leader: the others.</summary>
    public required IReadOnlyList<MemberProgress> Progress { get; init; }
}

public sealed partial class RaftCore
{
    /// <summary>A look at this member.</summary>
    public RaftStatus Status => new()
    {
        Role = _role,
        Term = _term,
        Vote = _vote,
        Leader = _leader,
        Commit = _commit,
        Applied = _applied,
        Last = _log.Last,
        Stable = _log.Stable,
        Configuration = Configuration,
        ConfigurationCommitted = ConfigurationIndex <= _commit,
        IsWhole = IsWhole,
        IsEstablished = IsEstablished,
        TransferTarget = _transferTarget,
        SnapshotsInTransfer = _members.Exists(static member => member.Transfer != null),
        UncommittedBytes = _uncommittedBytes,
        Progress = [.. _members.Select(static member => new MemberProgress(
            member.Id, member.State, member.Match, member.Next, member.InflightCount, member.IsAlive))],
    };

    /// <summary>The role, without the cost of a whole <see cref="Status"/>.</summary>
    public RaftRole Role => _role;

    /// <summary>The term that this member is in.</summary>
    public Term Term => _term;

    /// <summary>The leader, if known, else zero; without the cost of a whole <see cref="Status"/>.</summary>
    public MemberId Leader => _leader;
}
