using DistFS.Primitives;

namespace DistFS.Raft;

/// <summary>The leader's side of replication (thesis, 3.5, 3.6.2, 10.2.1).</summary>
public sealed partial class RaftCore
{
    private readonly List<Progress> _members = [];
    private int _heartbeatElapsed;

    /// <summary>Ticks as a leader.</summary>
    private long _ticks;

    /// <summary>A leader's own entries that are not committed or not on its own disk.</summary>
    private readonly Queue<(LogIndex Index, long Bytes)> _uncommitted = new();
    private readonly Func<MemberId, ulong> _matchOf;
    private long _uncommittedBytes;

    /// <summary>The first entry of the leader's own term: its no-op.</summary>
    private LogIndex _ownFirst;

    // Before, a leader does not know what is committed (thesis, 6.4).
    private bool IsEstablished => IsLeader && _commit >= _ownFirst;

    private void TickLeader()
    {
        _ticks++;
        _electionElapsed++;
        if (_electionElapsed >= _options.ElectionTicks)
        {
            _electionElapsed = 0;
            StopTransfer();
            if (!Configuration.HasQuorum(id => id == _options.Self || ProgressOf(id) is { IsActive: true }))
            {
                Note(RaftEventKind.QuorumLost);
                BecomeFollower(_term, leader: default);
                return;
            }

            foreach (var member in _members)
            {
                if (!member.IsActive)
                {
                    // So that no snapshot is kept for who will not come back, and who does is asked at once.
                    member.Rest();
                }

                member.NextPeriod();
            }
        }

        TickSnapshots();
        _heartbeatElapsed++;
        if (_heartbeatElapsed >= _options.HeartbeatTicks)
        {
            SendHeartbeats();
        }
    }

    private void BecomeLeader()
    {
        Check.That(_role == RaftRole.Candidate);
        _role = RaftRole.Leader;
        _leader = _options.Self;
        _votes.Clear();
        _electionElapsed = 0;
        _members.Clear();
        FollowConfiguration();
        Note(RaftEventKind.Leader);
        _ownFirst = AppendOwn(EntryKind.NoOp, ReadOnlyMemory<byte>.Empty).Index;
        SendHeartbeats();
    }

    private void StopLeading()
    {
        _members.Clear();
        _transferTarget = default;
        _uncommitted.Clear();
        _uncommittedBytes = 0;
        RefuseOwnReads();
    }

    private Progress? ProgressOf(MemberId id)
    {
        foreach (var member in _members)
        {
            if (member.Id == id)
            {
                return member;
            }
        }

        return null;
    }

    private void SendHeartbeats()
    {
        _heartbeatElapsed = 0;
        foreach (var member in _members)
        {
            SendHeartbeat(member);
        }
    }

    private void SendHeartbeat(Progress member)
    {
        // Not more than it surely has: what is after that in its log may be another leader's.
        member.CommitSent = Min(_commit, member.Match);
        Send(new Heartbeat
        {
            From = _options.Self,
            To = member.Id,
            Term = _term,
            Commit = member.CommitSent,
            ReadRound = _readRound,
        });
    }

    /// <summary>Everything that may leave: all proposals since the last time go in one append.</summary>
    private void SendAppends()
    {
        foreach (var member in _members)
        {
            if (member.TakeQuestion() && !SendAppend(member, asksOnly: true))
            {
                continue;
            }

            while (member.MayAppend(_options)
                && (member.Next <= _log.Last.Index || member.State == ProgressState.Probe))
            {
                if (!SendAppend(member))
                {
                    break;
                }
            }

            if (member.State == ProgressState.Snapshot)
            {
                SendPieces(member);
            }
            else if (member.CommitSent < Min(_commit, member.Match))
            {
                SendHeartbeat(member);
            }
        }
    }

    /// <param name="member">To whom.</param>
    /// <param name="asksOnly">Without entries: does it have what was sent?</param>
    private bool SendAppend(Progress member, bool asksOnly = false)
    {
        var previous = member.Next.Previous;
        IReadOnlyList<RaftEntry>? entries = [];
        if (_log.TermAt(previous) is not { } term
            || (!asksOnly && member.Next <= _log.Last.Index
                && (entries = _log.Read(member.Next, _log.Last.Index, _options.AppendBytesMax)) == null))
        {
            StartSnapshot(member);
            return false;
        }

        Send(new AppendRequest
        {
            From = _options.Self,
            To = member.Id,
            Term = _term,
            Previous = new EntryId(term, previous),
            Entries = entries,
            Commit = _commit,
        });
        if (asksOnly)
        {
            return true;
        }

        var last = entries.Count == 0 ? previous : entries[^1].Index;
        var bytes = 0L;
        foreach (var entry in entries)
        {
            bytes += entry.SizeBytes;
        }

        member.Sent(last, bytes);
        member.CommitSent = Max(member.CommitSent, Min(_commit, last));
        return true;
    }

    private void StepAppendReply(AppendReply reply)
    {
        if (!IsLeader || ProgressOf(reply.From) is not { } member)
        {
            return;
        }

        member.IsActive = true;
        _dirty = true;
        if (reply.Rejected)
        {
            member.Rejected(reply.Index, _log.LastNotAfter(reply.Hint.Index, reply.Hint.Term).Index);
            return;
        }

        if (reply.Index > _log.Last.Index)
        {
            Note(RaftEventKind.PeerAtFault, reply.From, reply.Index, $"acknowledged beyond {_log.Last}");
            return;
        }

        member.Accepted(reply.Index);
        if (member.State == ProgressState.Probe
            || (member.State == ProgressState.Snapshot && member.Match >= member.Transfer!.Meta.Last.Index))
        {
            member.BecomeReplicate();
        }

        AdvanceCommit();
        ContinueTransfer(member);
    }

    private void StepHeartbeatReply(HeartbeatReply reply)
    {
        if (!IsLeader || ProgressOf(reply.From) is not { } member)
        {
            return;
        }

        member.IsActive = true;
        _dirty = true;
        if (!reply.IsWhole)
        {
            member.Lost(reply.LastIndex);
        }

        if (_ticks >= member.BeatDueAt)
        {
            // Heartbeats of reads and of commits follow each other much faster than an append reaches a disk: their
            // answers must not count as its loss, nor send a probe again each.
            member.BeatDueAt = _ticks + _options.HeartbeatTicks;
            member.Beat(reply.LastIndex);
        }

        ConfirmReads(member, reply.ReadRound);
    }

    /// <summary>
    /// What a quorum has on disk is committed, if the last of it is of the leader's own term (thesis, 3.6.2); what is
    /// before it is then committed too (Log Matching).
    /// </summary>
    private void AdvanceCommit()
    {
        var index = new LogIndex(Configuration.QuorumValue(_matchOf));
        var isOwn = index >= _ownFirst;
        if (index <= _commit || (!isOwn && !Teeth.Has(PlantedBug.OldTermCommittedByCount)))
        {
            return;
        }

        CommitTo(index);
        if (isOwn)
        {
            Established();
        }

        LeaveJointOrStepDown();
    }

    private ulong MatchOf(MemberId id) =>
        id == _options.Self ? _log.Stable.Value : ProgressOf(id)?.Match.Value ?? 0;

    private void ReleaseUncommitted()
    {
        var settled = Min(_commit, _log.Stable);
        while (_uncommitted.TryPeek(out var first) && first.Index <= settled)
        {
            _uncommittedBytes -= _uncommitted.Dequeue().Bytes;
        }

        Check.That(_uncommittedBytes >= 0);
    }
}
