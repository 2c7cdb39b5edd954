using DistFS.Primitives;

namespace DistFS.Raft;

/// <summary>Messages: who may speak, which term counts (thesis, 3.3), and where each kind goes.</summary>
public sealed partial class RaftCore
{
    /// <summary>
    /// Terms and indexes beyond are nonsense: no cluster lives so long, and sums of them must not overflow.
    /// </summary>
    private const ulong Absurd = 1UL << 62;

    private const int OnTheWayMax = 4096;

    /// <summary>Takes a message from a peer. Never throws for what is in it.</summary>
    public void Step(RaftMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (WhyRefused(message) is { } reason)
        {
            Note(RaftEventKind.MessageRefused, message.From, text: reason);
            return;
        }

        if (message.Term > _term)
        {
            if (!FollowNewerTerm(message))
            {
                return;
            }
        }
        else if (message.Term < _term)
        {
            AnswerOlderTerm(message);
            return;
        }

        switch (message)
        {
            case VoteRequest request: StepVoteRequest(request); break;
            case VoteReply reply: StepVoteReply(reply); break;
            case AppendRequest or Heartbeat or SnapshotPiece: StepFromLeader(message); break;
            case AppendReply reply: StepAppendReply(reply); break;
            case HeartbeatReply reply: StepHeartbeatReply(reply); break;
            case SnapshotReply reply: StepSnapshotReply(reply); break;
            case ReadIndexRequest request: StepReadIndexRequest(request); break;
            case ReadIndexReply reply: StepReadIndexReply(reply); break;
            case TimeoutNow now: StepTimeoutNow(now); break;
            default: Check.Fail($"{message.GetType().Name} has no place here"); break;
        }
    }

    /// <summary>Messages to that member may be lost: it is asked again where the logs agree.</summary>
    public void Unreachable(MemberId member)
    {
        if (IsLeader && ProgressOf(member) is { } progress)
        {
            progress.Unreachable();
            _dirty = true;
        }
    }

    /// <summary>
    /// That member's process has ended. If it led, its silence need not last for a time-out. A false alarm costs a
    /// pre-vote, which those refuse who hear the leader; one that a quorum raises costs an election.
    /// </summary>
    public void Gone(MemberId member)
    {
        Unreachable(member);
        if (member.Value != 0 && member == _leader)
        {
            CampaignSoon();
        }
    }

    private string? WhyRefused(RaftMessage message)
    {
        if (message.To != _options.Self)
        {
            return $"for {message.To}";
        }

        if (message.From == _options.Self || message.From.Value == 0)
        {
            return "from itself or nobody";
        }

        if (Configuration.Find(message.From) is { Store.Value: not 0 } member && member.Store != message.FromStore)
        {
            return $"from the data folder {message.FromStore}, but {message.From} has {member.Store}";
        }

        return IsAbsurd(message) ? "its term or an index is absurd" : null;
    }

    private static bool IsAbsurd(RaftMessage message) => message.Term.Value >= Absurd || message switch
    {
        VoteRequest request => request.Last.Index.Value >= Absurd || request.Last.Term >= request.Term,
        AppendRequest request => request.Previous.Index.Value >= Absurd || request.Commit.Value >= Absurd,
        AppendReply reply => reply.Index.Value >= Absurd || reply.Hint.Index.Value >= Absurd,
        Heartbeat beat => beat.Commit.Value >= Absurd,
        HeartbeatReply reply => reply.LastIndex.Value >= Absurd,
        SnapshotPiece piece => piece.Snapshot.Last.Index.Value is 0 or >= Absurd || piece.Snapshot.SizeBytes < 0
            || piece.Offset < 0 || piece.Length < 0 || piece.Length != piece.Data.Length
            || piece.Offset > piece.Snapshot.SizeBytes - piece.Length,
        SnapshotReply reply => reply.NextOffset < 0 || reply.Match.Value >= Absurd,
        ReadIndexReply reply => reply.Index.Value >= Absurd,
        _ => false,
    };

    /// <summary>Returns whether the message is to be handled.</summary>
    private bool FollowNewerTerm(RaftMessage message)
    {
        switch (message)
        {
            case VoteRequest { IsPreVote: true }:
            case VoteReply { IsPreVote: true, Granted: true }:
                return true;

            // While there is a leader, nobody helps to depose it, unless it wants that itself (4.2.3, 3.10).
            case VoteRequest { IsTransfer: false } when HearsLeader:
                return false;
            case AppendRequest or Heartbeat or SnapshotPiece:
                BecomeFollower(message.Term, message.From);
                return true;
            case VoteRequest:
                BecomeFollower(message.Term, leader: default);
                return true;

            // An answer, or a request to a leader, of a term that it never led.
            default:
                if (Configuration.Find(message.From) != null)
                {
                    BecomeFollower(message.Term, leader: default);
                }

                return false;
        }
    }

    private void AnswerOlderTerm(RaftMessage message)
    {
        switch (message)
        {
            // So that a leader that was deposed learns it, and a member that is ahead in terms, perhaps because a vote
            // went wrong, draws the cluster after it instead of being unreachable for ever.
            case AppendRequest or Heartbeat or SnapshotPiece:
                Reply(NewHeartbeatReply(message.From, readRound: 0));
                break;
            case VoteRequest request:
                Reply(new VoteReply
                {
                    From = _options.Self,
                    To = request.From,
                    Term = _term,
                    IsPreVote = request.IsPreVote,
                    Granted = false,
                });
                break;
            default:
                break;
        }
    }

    private void StepFromLeader(RaftMessage message)
    {
        if (IsLeader || (_leader.Value != 0 && _leader != message.From))
        {
            var leader = IsLeader ? _options.Self : _leader;
            Note(RaftEventKind.PeerAtFault, message.From, text: $"leads {_term}, as {leader} does");
            return;
        }

        BecomeFollower(_term, message.From);
        _electionElapsed = 0;
        switch (message)
        {
            case AppendRequest request: StepAppend(request); break;
            case Heartbeat beat: StepHeartbeat(beat); break;
            case SnapshotPiece piece: StepSnapshotPiece(piece); break;
            default: break;
        }
    }

    private void Send(RaftMessage message)
    {
        message.Sign(_options.Store);
        _now.Add(message);
        _dirty = true;
    }

    private void SendAfterPersist(RaftMessage message)
    {
        // Messages may be lost: behind a disk that hangs they must not pile up.
        if (_onTheWay.Count < OnTheWayMax)
        {
            message.Sign(_options.Store);
            _afterPersist.Add(message);
            _dirty = true;
        }
    }

    /// <summary>
    /// An answer that promises no more than the term, which must be on disk before it is told (figure 3.1).
    /// </summary>
    private void Reply(RaftMessage message)
    {
        if (_durableHard.Term == _term && _durableHard.Vote == _vote)
        {
            Send(message);
        }
        else
        {
            SendAfterPersist(message);
        }
    }
}
