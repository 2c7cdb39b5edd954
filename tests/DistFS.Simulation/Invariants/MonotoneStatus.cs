using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>
/// In one life of a process term, commit index and applied index only grow, and a vote is given once per term; over all
/// lives of a store the same holds for what is on its disk (thesis, figure 3.1).
/// </summary>
public sealed class MonotoneStatus : Invariant
{
    private readonly Dictionary<(StoreId, Term), MemberId> _votes = [];
    private readonly Dictionary<StoreId, Term> _durable = [];

    /// <inheritdoc/>
    public override string Name => "term, vote and commit are monotone";

    /// <inheritdoc/>
    public override void OnStatus(MemberShadow member, RaftStatus before, RaftStatus now)
    {
        Must(now.Term >= before.Term, $"{member} goes from {before.Term} back to {now.Term}");
        Must(now.Commit >= before.Commit, $"{member} goes from commit {before.Commit} back to {now.Commit}");
        Must(now.Applied >= before.Applied, $"{member} goes from applied {before.Applied} back to {now.Applied}");
        Must(
            now.Applied <= now.Commit || member.WasDamaged,
            $"{member} has applied {now.Applied} and committed {now.Commit}");
        Must(
            now.Term > before.Term || before.Vote.Value == 0 || now.Vote == before.Vote,
            $"{member} voted for {before.Vote} and then for {now.Vote} in {now.Term}");
    }

    /// <inheritdoc/>
    public override void OnSend(MemberShadow member, RaftMessage message)
    {
        if (message is not VoteReply { IsPreVote: false, Granted: true })
        {
            return;
        }

        // Over all lives of the store: a vote that was told is never told to another.
        var vote = (member.Store, message.Term);
        if (!_votes.TryAdd(vote, message.To))
        {
            Must(_votes[vote] == message.To, $"{member} votes in {message.Term} for {_votes[vote]} and {message.To}");
        }
    }

    /// <inheritdoc/>
    public override void OnOpened(MemberShadow member, IRaftStorage store)
    {
        var known = member.Life == 0 ? default : _durable.GetValueOrDefault(member.Store);
        Must(store.HardState.Term >= known, $"{member} had {known} on disk and comes back with {store.HardState}");
        _durable[member.Store] = store.HardState.Term;
    }
}
