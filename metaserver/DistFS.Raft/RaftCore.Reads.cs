using DistFS.Primitives;

namespace DistFS.Raft;

/// <summary>
/// Linearizable reads without the log (ReadIndex; thesis, 6.4): the leader notes its commit index, learns from a quorum
/// that it still led after the read came in, and the read is answered from a state that has applied that index. A
/// follower asks the leader for the index. All reads between two <see cref="TakeReady"/> share one round.
/// </summary>
public sealed partial class RaftCore
{
    private readonly List<WaitingRead> _unopened = [];
    private readonly Queue<ReadRound> _rounds = new();
    private readonly List<ulong> _toForward = [];
    private readonly List<ForwardedReads> _forwarded = [];
    private readonly List<ReadGranted> _granted = [];
    private readonly List<ulong> _refused = [];

    /// <summary>The latest round of this leadership; grows for as long as the process lives.</summary>
    private ulong _readRound;

    /// <summary>The latest batch that was forwarded. Starts at random.</summary>
    private ulong _readId;

    private int _readsPending;

    /// <summary>Asks for a read. Its context comes back in <see cref="RaftReady.Reads"/> or
    /// <see cref="RaftReady.ReadsRefused"/>.</summary>
    public ProposeStatus RequestRead(ulong context)
    {
        if (!IsLeader && _leader.Value == 0)
        {
            return ProposeStatus.NotLeader;
        }

        if (_readsPending >= _options.PendingReadsMax)
        {
            return ProposeStatus.Busy;
        }

        _readsPending++;
        _dirty = true;
        if (IsLeader)
        {
            _unopened.Add(new WaitingRead(context, default));
        }
        else
        {
            _toForward.Add(context);
        }

        return ProposeStatus.Accepted;
    }

    private void TickReads()
    {
        for (var i = _forwarded.Count - 1; i >= 0; i--)
        {
            if (++_forwarded[i].Age >= _options.ElectionTicks)
            {
                Refuse(_forwarded[i].Contexts);
                _forwarded.RemoveAt(i);
            }
        }
    }

    /// <summary>Starts the round of all reads that came since the last one.</summary>
    private void OpenReadRound()
    {
        if (_toForward.Count > 0)
        {
            _forwarded.Add(new ForwardedReads(++_readId, [.. _toForward]));
            _toForward.Clear();
            Reply(new ReadIndexRequest { From = _options.Self, To = _leader, Term = _term, ReadId = _readId });
        }

        // A new leader does not know yet what earlier ones committed (6.4, step 1).
        if (_unopened.Count == 0 || !(IsEstablished || Teeth.Has(PlantedBug.ReadBeforeOwnNoOp)))
        {
            return;
        }

        _rounds.Enqueue(new ReadRound(++_readRound, _commit, [.. _unopened]));
        _unopened.Clear();
        SendHeartbeats();
        GrantConfirmed();
    }

    // What waits for the first commit of the own term has its round opened now.
    private void Established() => _dirty |= _unopened.Count > 0;

    private void ConfirmReads(Progress member, ulong round)
    {
        if (round > _readRound)
        {
            Note(RaftEventKind.PeerAtFault, member.Id, text: $"confirmed round {round} of {_readRound}");
            return;
        }

        member.ReadRound = Math.Max(member.ReadRound, round);
        GrantConfirmed();
    }

    private void GrantConfirmed()
    {
        if (_rounds.Count == 0)
        {
            return;
        }

        var confirmed = Teeth.Has(PlantedBug.ReadWithoutQuorum)
            ? _readRound
            : Configuration.QuorumValue(id => id == _options.Self ? _readRound : ProgressOf(id)?.ReadRound ?? 0);
        while (_rounds.TryPeek(out var round) && round.Number <= confirmed)
        {
            _rounds.Dequeue();
            foreach (var read in round.Reads)
            {
                Grant(read, round.Index);
            }
        }
    }

    private void Grant(WaitingRead read, LogIndex index)
    {
        _dirty = true;
        if (read.Follower.Value == 0)
        {
            _readsPending--;
            _granted.Add(new ReadGranted(read.Context, index));
        }
        else
        {
            Send(new ReadIndexReply
            {
                From = _options.Self,
                To = read.Follower,
                Term = _term,
                ReadId = read.Context,
                Index = index,
            });
        }
    }

    private void StepReadIndexRequest(ReadIndexRequest request)
    {
        // Not from its own pending reads: a follower asks in batches, and asks again when none comes back.
        if (IsLeader && ProgressOf(request.From) != null && _unopened.Count < _options.PendingReadsMax)
        {
            _unopened.Add(new WaitingRead(request.ReadId, request.From));
            _dirty = true;
        }
    }

    private void StepReadIndexReply(ReadIndexReply reply)
    {
        if (reply.From != _leader)
        {
            return;
        }

        for (var i = 0; i < _forwarded.Count; i++)
        {
            if (_forwarded[i].Id == reply.ReadId)
            {
                foreach (var context in _forwarded[i].Contexts)
                {
                    _granted.Add(new ReadGranted(context, reply.Index));
                }

                _readsPending -= _forwarded[i].Contexts.Length;
                _forwarded.RemoveAt(i);
                _dirty = true;
                return;
            }
        }
    }

    private void RefuseForwardedReads()
    {
        foreach (var batch in _forwarded)
        {
            Refuse(batch.Contexts);
        }

        _forwarded.Clear();
        Refuse([.. _toForward]);
        _toForward.Clear();
    }

    private void RefuseOwnReads()
    {
        foreach (var read in _rounds.SelectMany(static round => round.Reads).Concat(_unopened))
        {
            if (read.Follower.Value == 0)
            {
                Refuse([read.Context]);
            }
        }

        _rounds.Clear();
        _unopened.Clear();
    }

    private void Refuse(ReadOnlySpan<ulong> contexts)
    {
        _refused.AddRange(contexts);
        _readsPending -= contexts.Length;
        _dirty |= contexts.Length > 0;
    }

    /// <param name="Context">The shell's context, or the follower's number of a batch.</param>
    /// <param name="Follower">Who asked; zero is the own shell.</param>
    private readonly record struct WaitingRead(ulong Context, MemberId Follower);

    /// <param name="Number">A follower that answered a heartbeat of this round or a later one confirms it.</param>
    /// <param name="Index">The commit index when it was opened.</param>
    /// <param name="Reads">Who waits.</param>
    private sealed record ReadRound(ulong Number, LogIndex Index, WaitingRead[] Reads);

    private sealed class ForwardedReads(ulong id, ulong[] contexts)
    {
        public ulong Id => id;

        public ulong[] Contexts => contexts;

        public int Age { get; set; }
    }
}
