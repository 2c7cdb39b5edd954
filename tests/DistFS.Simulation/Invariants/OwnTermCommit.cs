using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>
/// A leader commits by counting only entries of its own term (thesis, 3.6.2, figure 3.7): what it counts last is its
/// own.
/// </summary>
public sealed class OwnTermCommit : Invariant
{
    /// <inheritdoc/>
    public override string Name => "no commit of an old term by counting";

    /// <inheritdoc/>
    public override void OnCounted(MemberShadow leader, RaftStatus now, LogIndex before)
    {
        var term = leader.Log.TermAt(now.Commit);
        Must(term == now.Term, $"{leader}, leader of {now.Term}, commits {now.Commit} of {term}");
    }
}
