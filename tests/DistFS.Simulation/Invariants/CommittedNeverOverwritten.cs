using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>
/// A member takes another entry than the committed one only while its term is below that of the leader that committed
/// it: then it was no part of the quorum, and whoever sends it the other one was deposed without knowing. That holds
/// also if it already had the committed entry, from before (raft paper, figure 8: an old entry on a majority is not
/// committed before one of the leader's own term is). From that term on every leader has the committed entry.
/// </summary>
public sealed class CommittedNeverOverwritten(Oracle oracle) : Invariant
{
    /// <inheritdoc/>
    public override string Name => "committed entries are never overwritten";

    /// <inheritdoc/>
    public override void OnAppend(MemberShadow member, RaftEntry entry)
    {
        if (oracle.At(entry.Index) is { } committed && committed.Id != entry.Id)
        {
            Must(
                member.Term < committed.Leader,
                $"{member} of {member.Term} takes {entry.Id} where {committed.Id} was committed in {committed.Leader}");
        }
    }

    /// <inheritdoc/>
    public override void OnApplied(MemberShadow member, RaftEntry entry, ulong? stateHash)
    {
        var committed = oracle.At(entry.Index);
        Must(committed != null, $"{member} applies {entry.Id}, which no leader has committed");
        Must(
            committed.Id == entry.Id && committed.Hash == ShadowLog.HashOf(entry),
            $"{member} applies {entry.Id}, committed is {committed.Id}");
    }
}
