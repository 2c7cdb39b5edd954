using DistFS.Primitives;

namespace DistFS.Simulation;

/// <summary>At most one leader can be elected in a term (Raft thesis, figure 3.2).</summary>
public sealed class ElectionSafety : Invariant
{
    private readonly Dictionary<Term, MemberId> _leaders = [];

    /// <inheritdoc/>
    public override string Name => "election safety";

    /// <summary>Elections that were won.</summary>
    public int Elections => _leaders.Count;

    /// <inheritdoc/>
    public override void OnStatus(MemberShadow member, Raft.RaftStatus before, Raft.RaftStatus now)
    {
        if (now.Role == Raft.RaftRole.Leader && !_leaders.TryAdd(now.Term, member.Id))
        {
            Must(_leaders[now.Term] == member.Id, $"{_leaders[now.Term]} and {member.Id} both lead {now.Term}");
        }
    }
}
