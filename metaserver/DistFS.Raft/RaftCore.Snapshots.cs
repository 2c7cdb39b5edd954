using DistFS.Primitives;

namespace DistFS.Raft;

/// <summary>
/// Snapshots for followers whose next entry was compacted (thesis, 5.3): the leader sends pieces in a window, the
/// follower stores them in order and names the next byte it wants, so a transfer goes on where it broke off. The core
/// never holds more than a piece.
/// </summary>
public sealed partial class RaftCore
{
    private readonly List<SnapshotPiece> _pieces = [];
    private Incoming? _incoming;

    /// <summary>A snapshot that is complete and on its way to take the place of log and state.</summary>
    private Installation? _install;

    private void StartSnapshot(Progress member)
    {
        if (_storage.Snapshot is not { } snapshot)
        {
            // Compacted without a snapshot: the storage's invariant says that it cannot be.
            Check.Fail("the log was compacted, but there is no snapshot");
            return;
        }

        member.BecomeSnapshot(snapshot);
        Note(RaftEventKind.SnapshotStarted, member.Id, snapshot.Last.Index);
    }

    private void SendPieces(Progress member)
    {
        if (_storage.Snapshot!.Id != member.Transfer!.Meta.Id)
        {
            StartSnapshot(member);
        }

        var transfer = member.Transfer!;
        var pieces = transfer.IsAnswered ? _options.SnapshotPiecesInflight : 1;
        var end = Math.Min(
            transfer.Meta.SizeBytes,
            transfer.Acknowledged + ((long)pieces * _options.SnapshotPieceBytes));

        // The last piece, or the only one of an empty snapshot, is also sent when there is nothing left but the answer.
        while (transfer.Sent < end || !transfer.IsStarted)
        {
            var length = (int)Math.Min(_options.SnapshotPieceBytes, transfer.Meta.SizeBytes - transfer.Sent);
            Send(new SnapshotPiece
            {
                From = _options.Self,
                To = member.Id,
                Term = _term,
                Snapshot = transfer.Meta,
                Offset = transfer.Sent,
                Length = length,
            });
            transfer.Sent += length;
            transfer.IsStarted = true;
        }
    }

    private void TickSnapshots()
    {
        foreach (var member in _members)
        {
            if (member.Transfer is { } transfer
                && ++transfer.IdleTicks >= (transfer.IsWantedAgain ? _options.HeartbeatTicks : _options.ElectionTicks))
            {
                transfer.Restart();
                _dirty = true;
            }
        }
    }

    private void StepSnapshotPiece(SnapshotPiece piece)
    {
        var last = piece.Snapshot.Last;
        if (last.Term > piece.Term || last.Term.Value == 0)
        {
            Note(RaftEventKind.PeerAtFault, piece.From, last.Index, $"a snapshot at {last} in {piece.Term}");
            return;
        }

        if (_install != null)
        {
            // The log may be replaced on the disk already, which the core does not know yet.
            return;
        }

        if ((last.Index <= _commit || _log.Has(last)) && !Teeth.Has(PlantedBug.OlderSnapshotInstalled))
        {
            // It has all that the snapshot would bring.
            CommitTo(Max(_commit, last.Index));
            ReplyInstalled(piece, Max(_commit, last.Index));
            return;
        }

        if (_incoming?.Meta != piece.Snapshot)
        {
            // What the storage has of it counts only while nothing else is on its way there.
            var received = _incoming == null && _storage.Incoming is { } stored && stored.Meta == piece.Snapshot
                ? stored.ReceivedBytes
                : 0;
            _pieces.Clear();
            _incoming = new Incoming(piece.Snapshot, received);
        }

        if (piece.Offset == _incoming.Next)
        {
            _pieces.Add(piece);
            _incoming.Next += piece.Length;
        }

        if (_incoming.Next == piece.Snapshot.SizeBytes)
        {
            _install = new Installation(_incoming.Meta);
            _incoming = null;
            _dirty = true;
            return;
        }

        SendAfterPersist(new SnapshotReply
        {
            From = _options.Self,
            To = piece.From,
            Term = _term,
            SnapshotId = piece.Snapshot.Id,
            NextOffset = _incoming.Next,
            Installed = false,
        });
    }

    /// <summary>The shell has tried to install: the storage shows whether it could.</summary>
    private void SnapshotArrived()
    {
        Check.That(_install != null);
        var meta = _install.Meta;
        _install = null;
        var installed = _storage.Compacted == meta.Last;
        if (installed)
        {
            _log.Restart();
            foreach (var way in _onTheWay)
            {
                way.LastAppended = _log.HandedOut;
            }

            _commit = Teeth.Has(PlantedBug.OlderSnapshotInstalled) ? meta.Last.Index : Max(_commit, meta.Last.Index);
            _handedOut = meta.Last.Index;
            _applied = meta.Last.Index;
            _applying.Clear();
            _applyingBytes = 0;
            LoadConfigurations();
            Note(RaftEventKind.SnapshotInstalled, index: meta.Last.Index);
        }

        if (_leader.Value != 0 && _leader != _options.Self)
        {
            Reply(new SnapshotReply
            {
                From = _options.Self,
                To = _leader,
                Term = _term,
                SnapshotId = meta.Id,
                NextOffset = 0,
                Installed = installed,
                Match = installed ? meta.Last.Index : default,
            });
        }
    }

    private void ReplyInstalled(SnapshotPiece piece, LogIndex match)
    {
        var reply = new SnapshotReply
        {
            From = _options.Self,
            To = piece.From,
            Term = _term,
            SnapshotId = piece.Snapshot.Id,
            NextOffset = 0,
            Installed = true,
            Match = match,
        };
        if (match <= _log.Stable)
        {
            Reply(reply);
        }
        else
        {
            SendAfterPersist(reply);
        }
    }

    private void StepSnapshotReply(SnapshotReply reply)
    {
        if (!IsLeader || ProgressOf(reply.From) is not { } member)
        {
            return;
        }

        member.IsActive = true;
        _dirty = true;
        if (member.Transfer is not { } transfer || transfer.Meta.Id != reply.SnapshotId)
        {
            return;
        }

        if (!reply.Installed)
        {
            if (reply.NextOffset <= transfer.Meta.SizeBytes)
            {
                transfer.Wants(reply.NextOffset);
            }

            return;
        }

        if (reply.Match > _log.Last.Index)
        {
            Note(RaftEventKind.PeerAtFault, reply.From, reply.Match, $"acknowledged beyond {_log.Last}");
            return;
        }

        Note(RaftEventKind.SnapshotInstalled, reply.From, transfer.Meta.Last.Index);
        member.Accepted(reply.Match);
        member.BecomeProbe(member.Match.Next);
        AdvanceCommit();
    }

    private sealed class Incoming(SnapshotMeta meta, long next)
    {
        public SnapshotMeta Meta => meta;

        /// <summary>The next byte wanted.</summary>
        public long Next { get; set; } = next;
    }

    private sealed class Installation(SnapshotMeta meta)
    {
        public SnapshotMeta Meta => meta;

        public bool IsHandedOut { get; set; }
    }
}
