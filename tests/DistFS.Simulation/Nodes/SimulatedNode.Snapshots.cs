using DistFS.Metaserver.Consensus;
using DistFS.Metaserver.Storage;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>
/// Own snapshots, lane by lane as in the product's driver: the apply lane takes a view, the disk lane makes the file,
/// the snapshot lane writes it, the disk lane names it, the core's lane stops looking at what it covers, and the disk
/// lane removes that.
/// </summary>
public sealed partial class SimulatedNode
{
    private bool _snapshotUnderWay;
    private bool _snapshotIsDamaged;
    private LogIndex _snapshotAt;

    void IReadyHost.QueuePiece(SnapshotPiece piece) => Post(0, () => _executor!.SendPiece(piece));

    void IReadyHost.OnSnapshotDamaged(DistFsException error)
    {
        if (error is SnapshotCorruptException)
        {
            RefuseUndamaged(error);
        }

        _world.Trace.Line($"{Id} has a rotten snapshot and makes a new one");
        _snapshotIsDamaged = true;
    }

    private void ResetSnapshot()
    {
        _snapshotUnderWay = false;
        _snapshotIsDamaged = false;
        _snapshotAt = _store!.Snapshot?.Last.Index ?? default;
    }

    /// <summary>Apply lane.</summary>
    private void AskForSnapshot()
    {
        var isDue = AppliedIndex.Value >= _snapshotAt.Value + _world.Options.SnapshotEvery
            || (_snapshotIsDamaged && AppliedIndex > _snapshotAt);
        if (!isDue || _snapshotUnderWay)
        {
            return;
        }

        // One that is on its way to somebody stays the newest for a while, or that transfer would never end.
        if (!_snapshotIsDamaged && _status!.SnapshotsInTransfer && !_prng.Chance(0.05))
        {
            return;
        }

        _snapshotUnderWay = true;
        var snapshot = _executor!.BeginSnapshot();
        _snapshotAt = snapshot.Last.Index;
        OnDiskLane(() => OpenSnapshot(snapshot));
    }

    private void OnDiskLane(Action action)
    {
        _toDisk.Enqueue(action);
        KickDisk();
    }

    /// <summary>Disk lane.</summary>
    private void OpenSnapshot(OwnSnapshot snapshot)
    {
        if (!_executor!.OpenSnapshot(snapshot))
        {
            snapshot.Dispose();
            Post(Turn(), () => _snapshotUnderWay = false);
            return;
        }

        Post(1 + (long)DiskFaults.Exponential(_prng, 3 * _world.Options.SyncMicroseconds), () =>
        {
            ReadyExecutor.WriteSnapshot(snapshot);
            OnDiskLane(() => CommitSnapshot(snapshot));
        });
    }

    /// <summary>Disk lane.</summary>
    private void CommitSnapshot(OwnSnapshot snapshot)
    {
        SnapshotMeta? meta;
        using (snapshot)
        {
            meta = ReadyExecutor.CommitSnapshot(snapshot);
        }

        _snapshotIsDamaged = false;
        Boundary();
        Post(Turn(), () => SnapshotMade(meta));
    }

    /// <summary>Core lane.</summary>
    private void SnapshotMade(SnapshotMeta? meta)
    {
        _snapshotUnderWay = false;
        if (meta == null)
        {
            return;
        }

        _world.Trace.Line($"{Id} made {meta}");
        _world.Snapshots++;
        var keep = _prng.NextBelow(_world.Options.KeepEntriesMax + 1);
        if (_executor!.HideBefore(meta, keep) is { } index)
        {
            OnDiskLane(() => _executor!.Compact(index));
        }
    }
}
