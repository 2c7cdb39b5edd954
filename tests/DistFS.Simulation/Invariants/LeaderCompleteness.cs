using DistFS.Primitives;

namespace DistFS.Simulation;

/// <summary>What was committed in a term is in the logs of the leaders of all later terms (thesis, figure
/// 3.2).</summary>
public sealed class LeaderCompleteness(Oracle oracle) : Invariant
{
    /// <inheritdoc/>
    public override string Name => "leader completeness";

    /// <inheritdoc/>
    public override void OnLeader(MemberShadow member, Term term)
    {
        for (var index = oracle.Commit; index > member.Log.Base.Index; index = index.Previous)
        {
            var committed = oracle.At(index)!;

            // A candidate of an old term may win after a later leader has already committed.
            if (committed.Leader < term)
            {
                Must(
                    member.Log.Covers(committed.Id),
                    $"{member}, leading {term}, lacks {committed.Id} of {committed.Leader}, ends at {member.Log.Last}");
            }
        }
    }
}
