using DistFS.Primitives;

namespace DistFS.Raft;

/// <summary>
/// What a step of the core wants done. The order is in the type: <see cref="SendNow"/> at once; then
/// <see cref="HardState"/>, <see cref="Pieces"/>, <see cref="Install"/> and <see cref="Append"/> to disk, in this order
/// and synced if <see cref="MustSync"/>; only then <see cref="SendAfterPersist"/> and <see cref="RaftCore.Persisted"/>.
/// <see cref="Apply"/> may run beside all that, after the <see cref="Install"/> of this or an earlier one.
/// </summary>
/// <remarks>
/// Several may be on their way to the disk at once; they are persisted in the order of <see cref="Sequence"/>, and one
/// sync may serve many.
/// </remarks>
public sealed class RaftReady
{
    /// <summary>
    /// Grows by one with every value for which <see cref="PassesDisk"/> holds; else that of the last such value.
    /// </summary>
    public required ulong Sequence { get; init; }

    /// <summary>
    /// The new hard state, or null if it is as before but for the commit index, which alone is not worth a write.
    /// </summary>
    public HardState? HardState { get; init; }

    /// <summary>Consecutive bytes of an incoming snapshot to store; a piece at offset 0 starts it anew.</summary>
    public IReadOnlyList<SnapshotPiece> Pieces { get; init; } = [];

    /// <summary>
    /// An incoming snapshot whose bytes are all stored: check it, make it the newest, put the state machine to it, and
    /// let the log start after it, empty unless it has the snapshot's last entry. If its checksum is wrong it is thrown
    /// away and nothing else changes: after <see cref="RaftCore.Persisted"/> the core sees in
    /// <see cref="IRaftStorage.Compacted"/> what became of it.
    /// </summary>
    public SnapshotMeta? Install { get; init; }

    /// <summary>
    /// Entries for the log. If the first one's index is not after the end of the log, the log is first cut off before
    /// it.
    /// </summary>
    public IReadOnlyList<RaftEntry> Append { get; init; } = [];

    /// <summary>Messages that promise nothing about this member's disk.</summary>
    public IReadOnlyList<RaftMessage> SendNow { get; init; } = [];

    /// <summary>Messages that are true only once everything above is on disk.</summary>
    public IReadOnlyList<RaftMessage> SendAfterPersist { get; init; } = [];

    /// <summary>Committed entries, in order, each handed out once, all of them on this member's disk.</summary>
    public IReadOnlyList<RaftEntry> Apply { get; init; } = [];

    /// <summary>Reads that may be answered once their index is applied.</summary>
    public IReadOnlyList<ReadGranted> Reads { get; init; } = [];

    /// <summary>Requests for reads that got no answer in time or lost their leader; the client asks again.</summary>
    public IReadOnlyList<ulong> ReadsRefused { get; init; } = [];

    /// <summary>What happened, for the log of the shell and the trace of the simulator.</summary>
    public IReadOnlyList<RaftEvent> Events { get; init; } = [];

    /// <summary>Whether the disk must be synced: everything but a new commit index alone.</summary>
    public bool MustSync => Append.Count > 0 || Pieces.Count > 0 || Install != null || TermOrVoteChanged;

    /// <summary>Whether <see cref="HardState"/> differs in term or vote from the last one.</summary>
    public bool TermOrVoteChanged { get; init; }

    /// <summary>Whether there is anything for the disk.</summary>
    public bool HasDiskWork => HardState != null || Pieces.Count > 0 || Install != null || Append.Count > 0;

    /// <summary>
    /// Whether it takes its turn behind the values before it on the way to the disk: because it has something for the
    /// disk, or messages that are true only when those before it are persisted.
    /// </summary>
    public bool PassesDisk => HasDiskWork || SendAfterPersist.Count > 0;

    /// <summary>Whether there is nothing to do.</summary>
    public bool IsEmpty => !HasDiskWork && SendNow.Count == 0 && SendAfterPersist.Count == 0 && Apply.Count == 0
        && Reads.Count == 0 && ReadsRefused.Count == 0 && Events.Count == 0;
}

/// <summary>A read may be answered.</summary>
/// <param name="Context">That of <see cref="RaftCore.RequestRead"/>.</param>
/// <param name="Index">What must be applied first.</param>
public readonly record struct ReadGranted(ulong Context, LogIndex Index);

/// <summary>What a trace event is about. The values are written to traces; new ones go at the end.</summary>
public enum RaftEventKind : byte
{
    /// <summary>The term grew.</summary>
    TermChanged,

    /// <summary>It asks whether it would win an election.</summary>
    PreCandidate,

    /// <summary>It campaigns.</summary>
    Candidate,

    /// <summary>It leads.</summary>
    Leader,

    /// <summary>It follows; <see cref="RaftEvent.Member"/> is the leader, or zero.</summary>
    Follower,

    /// <summary>It led, and heard from no quorum for an election time-out.</summary>
    QuorumLost,

    /// <summary>Entries of the log were replaced by those of another leader, from <see cref="RaftEvent.Index"/>
    /// on.</summary>
    Truncated,

    /// <summary>A configuration came into force.</summary>
    ConfigurationChanged,

    /// <summary>It led, and the configuration without it is committed.</summary>
    Removed,

    /// <summary>A member needs a snapshot.</summary>
    SnapshotStarted,

    /// <summary>A snapshot was received, or by a leader: delivered.</summary>
    SnapshotInstalled,

    /// <summary>Leadership was offered to <see cref="RaftEvent.Member"/>.</summary>
    TransferStarted,

    /// <summary>The transfer did not happen in time.</summary>
    TransferFailed,

    /// <summary>A message was refused; <see cref="RaftEvent.Text"/> says why.</summary>
    MessageRefused,

    /// <summary>A message that only an equal could send was wrong; <see cref="RaftEvent.Text"/> says how.</summary>
    PeerAtFault,

    /// <summary>The log is whole again.</summary>
    Healed,
}

/// <summary>Something that a person who looks for a cause wants to see.</summary>
/// <param name="Kind">What.</param>
/// <param name="Term">The term then.</param>
/// <param name="Member">About whom; zero is nobody.</param>
/// <param name="Index">About which place in the log.</param>
/// <param name="Text">More, or null.</param>
public readonly record struct RaftEvent(
    RaftEventKind Kind, Term Term, MemberId Member = default, LogIndex Index = default, string? Text = null)
{
    /// <inheritdoc/>
    public override string ToString()
    {
        var member = Member.Value == 0 ? "" : $" {Member}";
        var index = Index.Value == 0 ? "" : $" {Index}";
        return $"{Kind} {Term}{member}{index}{(Text == null ? "" : $" {Text}")}";
    }
}
