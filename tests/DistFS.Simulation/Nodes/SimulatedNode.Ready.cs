using System.Buffers;
using DistFS.Metaserver.Consensus;
using DistFS.Metaserver.Storage;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>
/// The shipped <see cref="ReadyExecutor"/>, its lanes as events: the core's lane is whatever runs, the disk's and the
/// apply's have one thing at a time each.
/// </summary>
public sealed partial class SimulatedNode : IReadyHost
{
    // Ready values, and what is done on the disk's lane beside them.
    private readonly Queue<object> _toDisk = new();
    private bool _diskBusy;

    /// <summary>A message arrived.</summary>
    public void Receive(RaftMessage message) => Post(0, () => Core.Step(message));

    /// <summary>The transport noticed that a message was lost, or that the process there has ended.</summary>
    public void NoticeLoss(MemberId to, bool isGone) => Post(0, () =>
    {
        if (isGone)
        {
            Core.Gone(to);
        }
        else
        {
            Core.Unreachable(to);
        }
    });

    void IReadyHost.Send(RaftMessage message)
    {
        Boundary();
        _world.Invariants.Tell(invariant => invariant.OnSend(Shadow, message));
        var bytes = new ArrayBufferWriter<byte>();
        RaftCodec.WriteMessage(message, bytes);
        _world.Network.Send(Id.Value, message.To.Value, bytes.WrittenMemory, call: null);
    }

    void IReadyHost.QueueDisk(RaftReady ready)
    {
        Shadow.HandedOut(ready);
        foreach (var entry in ready.Append)
        {
            _world.Trace.Add(4, (Id.Value << 56) ^ (entry.Term.Value << 32) ^ entry.Index.Value);
            _world.Invariants.Tell(invariant => invariant.OnAppend(Shadow, entry));
            Shadow.Log.Append(entry);
            _world.Planner.Note(entry);
        }

        _toDisk.Enqueue(ready);
        Boundary();
    }

    void IReadyHost.QueuePersisted(ulong sequence) => Post(Turn(), () => _executor!.Persisted(sequence));

    void IReadyHost.OnEvent(RaftEvent happened)
    {
        _world.Trace.Line($"{Id} {happened}");
        _world.Happened(happened);
    }

    private void ResetLanes()
    {
        _toDisk.Clear();
        _diskBusy = false;
        ResetApply();
        ResetCalls();
        ResetSnapshot();
    }

    private void Pump()
    {
        Observe();
        while (Core.HasReady)
        {
            _executor!.Advance();
            Observe();
        }

        KickDisk();
        KickApply();
    }

    // Between two threads of a process.
    private long Turn() => _prng.Chance(0.5) ? 0 : (long)DiskFaults.Exponential(_prng, 100);

    private void RefuseUndamaged(DistFsException error)
    {
        if (!Shadow.WasDamaged)
        {
            throw new InvariantException("what was synced stays readable", $"{Id}: {error.Message}");
        }
    }

    private void KickDisk()
    {
        if (_diskBusy || _toDisk.Count == 0)
        {
            return;
        }

        _diskBusy = true;
        if (_toDisk.Peek() is RaftReady { HasDiskWork: false })
        {
            Post(Turn(), RunDisk);
            return;
        }

        var wait = Math.Max(0, Disk.Faults.HangsUntil - Now);
        var turn = Disk.Faults.Slowed(DiskFaults.Exponential(_prng, Disk.Faults.SyncMicroseconds / 2));
        Post(wait + turn, RunDisk);
    }

    private void RunDisk()
    {
        Boundary();
        if (_toDisk.Peek() is Action other)
        {
            _toDisk.Dequeue();
            other();
            Post(Disk.TakeCost(), () => _diskBusy = false);
            return;
        }

        var batch = new List<RaftReady>();
        var most = 1 + _prng.NextInt32(_world.Options.DiskBatchMax);
        while (_toDisk.TryPeek(out var next) && next is RaftReady ready && (most > 0 || !ready.HasDiskWork))
        {
            // What needs no disk only waits its turn.
            most -= ready.HasDiskWork ? 1 : 0;
            batch.Add(ready);
            _toDisk.Dequeue();
        }

        _executor!.Write(batch);
        Boundary();
        Post(Disk.TakeCost(), () => Release(batch));
    }

    private void Release(List<RaftReady> batch)
    {
        // In parts, or all at once.
        var parts = _prng.Chance(0.5) ? batch.Select(ready => new List<RaftReady> { ready }) : [batch];
        foreach (var part in parts)
        {
            foreach (var ready in part)
            {
                Shadow.Persisted(ready, ready.Install is { } meta && _store!.Compacted.Index >= meta.Last.Index);
            }

            Boundary();
            _executor!.Release(part);
        }

        _diskBusy = false;
        Audit(batch);
    }

    /// <summary>Now and then: would a crash that loses all that is unsynced lose what was declared durable?</summary>
    private void Audit(List<RaftReady> batch)
    {
        if (!_prng.Chance(_world.Options.AuditProbability) || !batch.Exists(ready => ready.MustSync))
        {
            return;
        }

        try
        {
            using var store = RaftStore.Open(
                Disk.CloneDurable(), _world.Options.Store(), new Prng(0), new Identity(_world.Cluster, Id, Store));
            foreach (var finding in store.Findings)
            {
                _world.Trace.Line($"{Id} audit finds: {finding}");
            }

            _world.Invariants.Tell(invariant => invariant.OnOpened(Shadow, store));
        }
        catch (DistFsException error) when (IsOfDisk(error))
        {
            RefuseUndamaged(error);
        }
    }
}
