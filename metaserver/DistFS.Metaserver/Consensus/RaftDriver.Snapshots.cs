using System.Diagnostics;
using DistFS.Metaserver.Storage;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Consensus;

/// <content>
/// Own snapshots: the apply lane takes a view, the disk lane makes the file, a thread of the pool writes it, the disk
/// lane gives it its name, the core's thread stops looking at what it covers, and the disk lane removes that.
/// </content>
public sealed partial class RaftDriver
{
    private Task _snapshotTask = Task.CompletedTask;

    /// <summary>The one that is being made; of whichever lane has it in hand. Whoever ends it clears this, and a stop
    /// does it in the end.</summary>
    private OwnSnapshot? _ownSnapshot;

    private ulong _entriesSinceSnapshot;
    private long _bytesSinceSnapshot;
    private volatile bool _snapshotIsDamaged;
    private volatile bool _snapshotHasFailed;
    private TimeSpan _snapshotDelay;
    private long _snapshotRetryAt;
    private int _snapshotUnderWay;

    void IReadyHost.OnSnapshotDamaged(DistFsException error)
    {
        // Once: until a new one is made, every piece that is asked for tells the same.
        if (!_snapshotIsDamaged)
        {
            LogSnapshotDamaged(_options.Logger, error, Self);
            _snapshotIsDamaged = true;
        }
    }

    /// <summary>Any lane: the apply lane behind what it applied, and the core's now and then, since a group that is
    /// idle applies nothing.</summary>
    private void AskForSnapshot()
    {
        var entries = Volatile.Read(ref _entriesSinceSnapshot);
        var bytes = Volatile.Read(ref _bytesSinceSnapshot);
        var isDue = ((entries >= _options.SnapshotEntries || bytes >= _options.SnapshotBytes)
                && bytes >= _options.SnapshotShareMin * (_store.Snapshot?.SizeBytes ?? 0))
            || (_snapshotIsDamaged && entries > 0)
            || _snapshotHasFailed;

        // One of a state machine that is ahead of a damaged log would come to nothing until that has caught up.
        if (isDue && Stopwatch.GetTimestamp() >= Volatile.Read(ref _snapshotRetryAt) && Applied <= _store.Last.Index
            && Interlocked.CompareExchange(ref _snapshotUnderWay, 1, 0) == 0)
        {
            _core.Add(new CoreInput(CoreInputKind.SnapshotDue, null, default, 0));
        }
    }

    /// <summary>Core lane.</summary>
    private void HandleSnapshotDue()
    {
        if (!_snapshotIsDamaged && _transfers.Moves(Stopwatch.GetTimestamp(), _options.SnapshotWait)
            && _executor.Core.Status.SnapshotsInTransfer)
        {
            // One that is on its way to somebody stays the newest while it gets on, or that transfer would never end,
            // however long the next one waited: it would begin anew. It is asked for again.
            Volatile.Write(ref _snapshotUnderWay, 0);
            return;
        }

        _apply.Add(new ApplyItem(default, BeginSnapshot));
    }

    /// <summary>Apply lane.</summary>
    private void BeginSnapshot()
    {
        var snapshot = _executor.BeginSnapshot();
        (_entriesSinceSnapshot, _bytesSinceSnapshot) = (0, 0);
        LogSnapshotBegun(_options.Logger, Self, snapshot.Last);
        _ownSnapshot = snapshot;
        _disk.Add(new DiskItem(null, () => OpenSnapshot(snapshot)));
    }

    /// <summary>Disk lane.</summary>
    private void OpenSnapshot(OwnSnapshot snapshot)
    {
        try
        {
            if (!_executor.OpenSnapshot(snapshot))
            {
                EndOwnSnapshot();
                _snapshotHasFailed = false;
                _core.Add(new CoreInput(CoreInputKind.SnapshotMade, null, default, 0));
                return;
            }
        }
        catch (SnapshotFailedException error)
        {
            SnapshotFailed(error);
            return;
        }

        _snapshotTask = Task.Factory.StartNew(
            () => WriteSnapshot(snapshot),
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
    }

    /// <summary>Snapshot lane.</summary>
    private void WriteSnapshot(OwnSnapshot snapshot)
    {
        try
        {
            ReadyExecutor.WriteSnapshot(snapshot, _stop.Token);
            _disk.Add(new DiskItem(null, () => CommitSnapshot(snapshot)));
        }
        catch (OperationCanceledException) when (_isStopping)
        {
            LogSnapshotGivenUp(_options.Logger, Self, snapshot.Last);
        }
        catch (SnapshotFailedException error)
        {
            _disk.Add(new DiskItem(null, () => SnapshotFailed(error)));
        }
        catch (Exception error)
        {
            // The disk failed, or the state machine cannot be read: neither may go on.
            Fail(error);
        }
    }

    /// <summary>Disk lane.</summary>
    private void CommitSnapshot(OwnSnapshot snapshot)
    {
        var meta = ReadyExecutor.CommitSnapshot(snapshot);
        EndOwnSnapshot();
        (_snapshotIsDamaged, _snapshotHasFailed, _snapshotDelay) = (false, false, default);
        _core.Add(new CoreInput(CoreInputKind.SnapshotMade, meta, default, 0));
    }

    /// <summary>
    /// Disk lane: there is no room for it, or the disk does not take it. Nothing rests on it, and the log only gets
    /// longer: another one is tried when some time has passed, after each failure twice as much.
    /// </summary>
    private void SnapshotFailed(SnapshotFailedException error)
    {
        EndOwnSnapshot();
        var longer = _snapshotDelay == default ? _options.SnapshotRetryMin : 2 * _snapshotDelay;
        _snapshotDelay = longer < _options.SnapshotRetryMax ? longer : _options.SnapshotRetryMax;
        LogSnapshotFailed(_options.Logger, error, Self, _snapshotDelay);
        Volatile.Write(
            ref _snapshotRetryAt,
            Stopwatch.GetTimestamp() + (long)(_snapshotDelay.TotalSeconds * Stopwatch.Frequency));
        _snapshotHasFailed = true;
        _core.Add(new CoreInput(CoreInputKind.SnapshotMade, null, default, 0));
    }

    /// <summary>Disk lane, or after all lanes have ended.</summary>
    private void EndOwnSnapshot()
    {
        var ended = _ownSnapshot;
        _ownSnapshot = null;
        ended?.Dispose();
    }

    /// <summary>Core lane.</summary>
    private void HandleSnapshotMade(SnapshotMeta? meta)
    {
        if (meta != null)
        {
            LogSnapshotMade(_options.Logger, Self, meta.Last, meta.SizeBytes);
            if (_executor.HideBefore(meta, _options.KeepEntries) is { } index)
            {
                _disk.Add(new DiskItem(null, () => _executor.Compact(index)));
            }
        }

        Volatile.Write(ref _snapshotUnderWay, 0);
    }

    private ulong EntriesSince(SnapshotMeta? snapshot) =>
        _executor.AppliedId.Index.Value - Math.Min(
            _executor.AppliedId.Index.Value, snapshot?.Last.Index.Value ?? 0);
}
