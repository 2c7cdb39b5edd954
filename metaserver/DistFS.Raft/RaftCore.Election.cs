using DistFS.Primitives;

namespace DistFS.Raft;

/// <summary>Terms, votes and time-outs (thesis, 3.4, 3.6.1, 4.2.3, 9.6).</summary>
public sealed partial class RaftCore
{
    private readonly Dictionary<MemberId, bool> _votes = [];
    private int _electionElapsed;
    private int _electionTimeout;
    private bool _wasWhole;

    // Who has no configuration was never a member; who stands in it with another data folder lost that one; who lost
    // part of its log cannot tell whose log has all that it acknowledged; who is about to put its log to a snapshot
    // does not know where it ends.
    private bool MayVote => !Configuration.IsEmpty && IsWhole && _install == null
        && !(Configuration.Find(_options.Self) is { Store.Value: not 0 } self && self.Store != _options.Store);

    // Who is no voter any more must still campaign until that is committed: it may be the only one that has the new
    // configuration, and then nobody else can win (thesis, 4.2.2, figure 4.6).
    private bool MayCampaign => MayVote
        && _configurations.Exists(known => known.Configuration.IsVoter(_options.Self));

    // Heard from a leader within the shortest time-out (thesis, 4.2.3). A leader counts as hearing itself; that it
    // hears others is the matter of CheckQuorum.
    private bool HearsLeader => IsLeader || (_leader.Value != 0 && _electionElapsed < _options.ElectionTicks);

    private void TickElection()
    {
        _electionElapsed++;
        if (_electionElapsed >= _electionTimeout)
        {
            ResetElectionTimer();
            if (MayCampaign)
            {
                PreCampaign();
            }
            else if (_role == RaftRole.Follower)
            {
                // Who cannot campaign forgets the silent leader too: it may be asked for its vote (4.2.3).
                BecomeFollower(_term, leader: default);
            }
        }
    }

    private void ResetElectionTimer()
    {
        _electionElapsed = 0;
        _electionTimeout = _options.ElectionTicks + _prng.NextInt32(_options.ElectionTicks);
    }

    /// <summary>
    /// There is no leader: a follower campaigns after a random part of a heartbeat, unless it has just voted for
    /// somebody.
    /// </summary>
    private void CampaignSoon()
    {
        if (_role == RaftRole.Follower && (_vote.Value == 0 || _leader.Value != 0))
        {
            // Not a shorter time-out, which the leader's next heartbeat would not make long again.
            var soon = _electionTimeout - 1 - _prng.NextInt32(_options.HeartbeatTicks);
            _electionElapsed = Math.Max(_electionElapsed, Math.Max(_options.ElectionTicks, soon));
        }
    }

    /// <summary>The only place where term and vote change.</summary>
    private void SetTermAndVote(Term term, MemberId vote)
    {
        Check.That(term > _term || (term == _term && (_vote.Value == 0 || _vote == vote)));
        if (term > _term)
        {
            _term = term;
            Note(RaftEventKind.TermChanged);
        }

        _vote = vote;
        _dirty = true;
    }

    private void BecomeFollower(Term term, MemberId leader)
    {
        if (IsLeader)
        {
            StopLeading();
        }

        var changed = _role != RaftRole.Follower || _leader != leader || term > _term;
        if (term > _term)
        {
            SetTermAndVote(term, vote: default);
        }

        // A time-out drawn anew: two candidates that met once should not meet again.
        if (_role != RaftRole.Follower)
        {
            ResetElectionTimer();
        }

        _role = RaftRole.Follower;
        if (_leader != leader)
        {
            RefuseForwardedReads();
        }

        _leader = leader;
        _votes.Clear();
        if (changed)
        {
            Note(RaftEventKind.Follower, leader);
        }
    }

    private void PreCampaign()
    {
        _role = RaftRole.PreCandidate;
        _leader = default;
        RefuseForwardedReads();
        _votes.Clear();
        Note(RaftEventKind.PreCandidate);

        // Nothing changes before a quorum would vote for it, so a member that was cut off cannot disturb (9.6).
        foreach (var voter in OtherVoters())
        {
            Send(new VoteRequest
            {
                From = _options.Self,
                To = voter.Id,
                Term = new Term(_term.Value + 1),
                IsPreVote = true,
                Last = _log.Last,
            });
        }

        CountVote(_options.Self, granted: true);
    }

    private void Campaign(bool isTransfer)
    {
        Check.That(MayCampaign && !IsLeader);
        _role = RaftRole.Candidate;
        _leader = default;
        RefuseForwardedReads();
        _votes.Clear();
        ResetElectionTimer();
        SetTermAndVote(new Term(_term.Value + 1), _options.Self);
        Note(RaftEventKind.Candidate);

        // After its own vote is on disk, and with it the log that the request boasts of: were they lost in a crash,
        // a second candidacy in this term could collect the votes for the first with a shorter log.
        foreach (var voter in OtherVoters())
        {
            SendAfterPersist(new VoteRequest
            {
                From = _options.Self,
                To = voter.Id,
                Term = _term,
                Last = _log.Last,
                IsTransfer = isTransfer,
            });
        }

        // Its own vote counts once it is on disk: see Persisted.
    }

    private void CountVote(MemberId voter, bool granted)
    {
        _votes.TryAdd(voter, granted);
        if (Configuration.HasQuorum(id => _votes.TryGetValue(id, out var vote) && vote))
        {
            if (_role == RaftRole.Candidate)
            {
                BecomeLeader();
            }
            else if (MayCampaign)
            {
                Campaign(isTransfer: false);
            }
        }
        else if (Configuration.IsLost(id => _votes.TryGetValue(id, out var vote) && !vote))
        {
            BecomeFollower(_term, leader: default);
        }
    }

    private void StepVoteRequest(VoteRequest request)
    {
        var isUpToDate = request.Last.IsAtLeastAsCompleteAs(_log.Last);
        if (request.IsPreVote)
        {
            var would = request.Term > _term && MayVote && isUpToDate && !HearsLeader;
            Reply(new VoteReply
            {
                From = _options.Self,
                To = request.From,
                Term = would ? request.Term : _term,
                IsPreVote = true,
                Granted = would,
            });

            // Who asks cannot win against this log: no need to wait until that is understood.
            if (!isUpToDate && !HearsLeader)
            {
                CampaignSoon();
            }

            return;
        }

        Check.That(request.Term == _term);
        var isFree = _vote == request.From || (_vote.Value == 0 && _leader.Value == 0);
        var granted = isFree && MayVote && isUpToDate;
        var reply = new VoteReply { From = _options.Self, To = request.From, Term = _term, Granted = granted };
        if (!granted)
        {
            Reply(reply);
            return;
        }

        SetTermAndVote(_term, request.From);
        ResetElectionTimer();
        if (Teeth.Has(PlantedBug.VoteReplyBeforeFsync))
        {
            Send(reply);
        }
        else
        {
            SendAfterPersist(reply);
        }
    }

    private void StepVoteReply(VoteReply reply)
    {
        var awaited = reply.IsPreVote ? RaftRole.PreCandidate : RaftRole.Candidate;
        var term = reply.IsPreVote && reply.Granted ? new Term(_term.Value + 1) : _term;
        if (_role == awaited && reply.Term == term)
        {
            CountVote(reply.From, reply.Granted);
        }
    }

    private void StepTimeoutNow(TimeoutNow message)
    {
        if (message.From == _leader && _role == RaftRole.Follower && MayCampaign)
        {
            Campaign(isTransfer: true);
        }
    }

    private void Healed()
    {
        if (!_wasWhole && IsWhole)
        {
            _wasWhole = true;
            Note(RaftEventKind.Healed, index: _log.Last.Index);
        }
    }

    private IEnumerable<RaftMember> OtherVoters() =>
        Configuration.Voters.Where(voter => voter.Id != _options.Self);
}
