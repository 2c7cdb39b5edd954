using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>
/// Where the cluster has committed an entry, no member that knows of the commit ever has another one: what a member
/// cuts off may be committed only if it never was in a position to know it.
/// </summary>
public sealed class CommittedNeverOverwritten(Oracle oracle) : Invariant
{
    /// <inheritdoc/>
    public override string Name => "committed entries are never overwritten";

    /// <inheritdoc/>
    public override void OnAppend(MemberShadow member, RaftEntry entry)
    {
        // An entry of an older leader may still arrive after a newer one has committed; one that replaces a committed
        // entry in a log that has it may not.
        if (oracle.At(entry.Index) is { } committed && committed.Id != entry.Id)
        {
            Must(
                !member.Log.Covers(committed.Id) || entry.Index <= member.Log.Base.Index,
                $"{member} replaces {committed.Id} by {entry.Id}");
            Must(
                entry.Term < committed.Leader,
                $"{member} takes {entry.Id} where {committed.Id} was committed in {committed.Leader}");
        }
    }

    /// <inheritdoc/>
    public override void OnApplied(MemberShadow member, RaftEntry entry, ulong stateHash)
    {
        var committed = oracle.At(entry.Index);
        Must(committed != null, $"{member} applies {entry.Id}, which no leader has committed");
        Must(
            committed.Id == entry.Id && committed.Hash == ShadowLog.HashOf(entry),
            $"{member} applies {entry.Id}, committed is {committed.Id}");
    }
}
