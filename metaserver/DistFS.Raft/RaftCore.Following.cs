using DistFS.Primitives;

namespace DistFS.Raft;

/// <summary>The follower's side of replication (thesis, 3.5).</summary>
public sealed partial class RaftCore
{
    private void StepAppend(AppendRequest request)
    {
        if (_install != null)
        {
            // The log is about to be replaced.
            return;
        }

        if (WhyWrong(request) is { } wrong)
        {
            Note(RaftEventKind.PeerAtFault, request.From, request.Previous.Index, wrong);
            return;
        }

        // What is committed here equals the leader's log (Leader Completeness): compare only what comes after.
        var known = (int)Math.Min(
            (ulong)request.Entries.Count,
            _commit > request.Previous.Index ? _commit.Value - request.Previous.Index.Value : 0);
        var previous = known > 0 ? request.Entries[known - 1].Id : request.Previous;
        if (previous.Index < _commit)
        {
            ReplyAppended(request, _commit);
            return;
        }

        if (!_log.Has(previous))
        {
            Reply(new AppendReply
            {
                From = _options.Self,
                To = request.From,
                Term = _term,
                Rejected = true,
                Index = request.Previous.Index,
                Hint = _log.LastNotAfter(request.Previous.Index.Previous, request.Previous.Term),
            });
            return;
        }

        TakeEntries(request, known);
        var last = new LogIndex(request.Previous.Index.Value + (ulong)request.Entries.Count);
        CommitTo(Max(_commit, Min(request.Commit, last)));
        ReplyAppended(request, last);
    }

    private string? WhyWrong(AppendRequest request)
    {
        var before = request.Previous;
        if (before.Term > request.Term || (before.Index.Value == 0) != (before.Term.Value == 0))
        {
            return "an entry before those of an append that cannot be";
        }

        foreach (var entry in request.Entries)
        {
            if (entry.Index != before.Index.Next || entry.Term < before.Term || entry.Term > request.Term)
            {
                return $"{entry.Id} follows {before} in an append of {request.Term}";
            }

            if (entry.Data.Length > _options.EntryBytesMax)
            {
                return $"{entry.Id} has {entry.Data.Length} bytes, and this log takes {_options.EntryBytesMax} at most";
            }

            if (entry.Kind == EntryKind.Configuration && !RaftCodec.TryDecode(entry.Data.Span, out _, out var fault))
            {
                // Of a newer version. Taken into the log and not understood, it would let two quorums be disjoint.
                return $"the configuration at {entry.Id} cannot be read: {fault}";
            }

            before = entry.Id;
        }

        return null;
    }

    private void TakeEntries(AppendRequest request, int known)
    {
        if (Teeth.Has(PlantedBug.DuplicateAppendTruncates))
        {
            var end = new LogIndex(request.Previous.Index.Value + (ulong)request.Entries.Count);
            if (end < _log.Last.Index && end >= _commit)
            {
                Truncate(end.Next);
            }
        }

        for (var i = known; i < request.Entries.Count; i++)
        {
            var entry = request.Entries[i];
            if (_log.TermAt(entry.Index) is { } term)
            {
                if (term == entry.Term)
                {
                    // An append may be old: what follows in the log may be newer than it, and stays.
                    continue;
                }

                Truncate(entry.Index);
            }

            _log.Append(entry);
            _dirty = true;
            if (entry.Kind == EntryKind.Configuration)
            {
                TakeConfiguration(entry);
            }
        }
    }

    private void Truncate(LogIndex from)
    {
        Check.That(from > _commit);
        Note(RaftEventKind.Truncated, index: from);
        _log.TruncateBefore(from);
        foreach (var way in _onTheWay)
        {
            way.LastAppended = Min(way.LastAppended, from.Previous);
        }

        ForgetConfigurationsFrom(from);
    }

    private void ReplyAppended(AppendRequest request, LogIndex index)
    {
        var reply = new AppendReply
        {
            From = _options.Self,
            To = request.From,
            Term = _term,
            Rejected = false,
            Index = index,
        };
        if (index <= _log.Stable || Teeth.Has(PlantedBug.AppendReplyBeforeFsync))
        {
            Reply(reply);
        }
        else
        {
            SendAfterPersist(reply);
        }
    }

    private void StepHeartbeat(Heartbeat beat)
    {
        if (IsWhole && _install == null)
        {
            CommitTo(Max(_commit, Min(beat.Commit, _log.Last.Index)));
        }

        Reply(NewHeartbeatReply(beat.From, beat.ReadRound));
    }

    private HeartbeatReply NewHeartbeatReply(MemberId to, ulong readRound) => new()
    {
        From = _options.Self,
        To = to,
        Term = _term,
        ReadRound = readRound,
        LastIndex = _log.Last.Index,
        IsWhole = IsWhole,
    };
}
