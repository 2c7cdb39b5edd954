using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>
/// A vote and an acknowledgement leave only when the sender's disk supports them: the term and vote, and the entries,
/// were synced (thesis, figure 3.1: "updated on stable storage before responding").
/// </summary>
public sealed class DurableBeforeReply : Invariant
{
    /// <inheritdoc/>
    public override string Name => "durable before any reply";

    /// <inheritdoc/>
    public override void OnSend(MemberShadow member, RaftMessage message)
    {
        var disk = member.DurableState;
        switch (message)
        {
            case VoteReply { IsPreVote: false, Granted: true } vote:
                Must(
                    disk.Term > vote.Term || (disk.Term == vote.Term && disk.Vote == vote.To),
                    $"{member} tells its vote for {vote.To} in {vote.Term}; on disk is {disk}");
                break;
            case VoteRequest { IsPreVote: false } request:
                Must(
                    disk.Term >= request.Term && (disk.Term > request.Term || disk.Vote == member.Id),
                    $"{member} campaigns in {request.Term}; on disk is {disk}");
                Must(
                    disk.Term > request.Term || member.DurableLog.Last.IsAtLeastAsCompleteAs(request.Last),
                    $"{member} boasts of {request.Last}; on disk is {member.DurableLog.Last}");
                break;
            case AppendReply { Rejected: false } reply:
                MustHave(member, reply.Index, reply.Term);
                break;
            case SnapshotReply { Installed: true } reply:
                MustHave(member, reply.Match, reply.Term);
                break;
            case VoteReply { IsPreVote: true } or VoteRequest { IsPreVote: true } or ReadIndexRequest:
                break;
            default:
                Must(disk.Term >= message.Term, $"{member} speaks in {message.Term}; on disk is {disk}");
                break;
        }
    }

    private void MustHave(MemberShadow member, LogIndex index, Term term)
    {
        // What was acknowledged in one term may be cut off in the next by the same write: the answer is then as one
        // that was under way for long.
        var isOfBefore = member.DurableState.Term > term && member.Reached(term) >= index;
        Must(
            member.DurableLog.Last.Index >= index || member.WasDamaged || isOfBefore,
            $"{member} acknowledges {index} in {term}; on disk its log ends at {member.DurableLog.Last}");
        Must(
            member.DurableState.Term >= term,
            $"{member} acknowledges in {term}; on disk is {member.DurableState}");
    }
}
