using System.Diagnostics;
using DistFS.Metaserver.Storage;
using DistFS.Raft;

namespace DistFS.Metaserver.Consensus;

/// <content>
/// Own snapshots: the apply lane takes a view, the disk lane makes the file, a thread of the pool writes it, the disk
/// lane gives it its name, the core's thread stops looking at what it covers, and the disk lane removes that.
/// </content>
public sealed partial class RaftDriver
{
    private Task _snapshotTask = Task.CompletedTask;
    private ulong _entriesSinceSnapshot;
    private long _bytesSinceSnapshot;
    private volatile bool _snapshotIsDamaged;
    private int _snapshotUnderWay;
    private long _snapshotDueSince;

    void IReadyHost.OnSnapshotDamaged(SnapshotCorruptException error)
    {
        LogSnapshotDamaged(_options.Logger, error, Self);
        _snapshotIsDamaged = true;
    }

    /// <summary>Apply lane.</summary>
    private void AskForSnapshot()
    {
        var isDue = _entriesSinceSnapshot >= _options.SnapshotEntries || _bytesSinceSnapshot >= _options.SnapshotBytes
            || (_snapshotIsDamaged && _entriesSinceSnapshot > 0);
        if (isDue && Interlocked.CompareExchange(ref _snapshotUnderWay, 1, 0) == 0)
        {
            _core.Add(new CoreInput(CoreInputKind.SnapshotDue, null, default, 0));
        }
    }

    /// <summary>Core lane.</summary>
    private void HandleSnapshotDue()
    {
        var now = Stopwatch.GetTimestamp();
        _snapshotDueSince = _snapshotDueSince == 0 ? now : _snapshotDueSince;
        if (!_snapshotIsDamaged && Stopwatch.GetElapsedTime(_snapshotDueSince, now) < _options.SnapshotWait
            && _executor.Core.Status.SnapshotsInTransfer)
        {
            // One that is on its way to somebody stays the newest for a while, or that transfer would never end. The
            // apply lane asks again.
            Volatile.Write(ref _snapshotUnderWay, 0);
            return;
        }

        _snapshotDueSince = 0;
        _apply.Add(new ApplyItem(default, BeginSnapshot));
    }

    /// <summary>Apply lane.</summary>
    private void BeginSnapshot()
    {
        var snapshot = _executor.BeginSnapshot();
        (_entriesSinceSnapshot, _bytesSinceSnapshot) = (0, 0);
        LogSnapshotBegun(_options.Logger, Self, snapshot.Last);
        if (!_disk.Add(new DiskItem(null, () => OpenSnapshot(snapshot))))
        {
            snapshot.Dispose();
        }
    }

    /// <summary>Disk lane.</summary>
    private void OpenSnapshot(OwnSnapshot snapshot)
    {
        if (!_executor.OpenSnapshot(snapshot))
        {
            snapshot.Dispose();
            _core.Add(new CoreInput(CoreInputKind.SnapshotMade, null, default, 0));
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
            ReadyExecutor.WriteSnapshot(snapshot);
            if (!_disk.Add(new DiskItem(null, () => CommitSnapshot(snapshot))))
            {
                snapshot.Dispose();
            }
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
        using (snapshot)
        {
            var meta = ReadyExecutor.CommitSnapshot(snapshot);
            _snapshotIsDamaged = false;
            _core.Add(new CoreInput(CoreInputKind.SnapshotMade, meta, default, 0));
        }
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
