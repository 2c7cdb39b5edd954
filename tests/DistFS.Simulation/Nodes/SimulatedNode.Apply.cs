using DistFS.Metaserver.Consensus;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>The state machine: applying, being restored, and its own durability where it has one.</summary>
public sealed partial class SimulatedNode
{
    private readonly Queue<ApplyWork> _toApply = new();
    private IReplicatedMachine? _machine;
    private ReplicatedMachineAdapter? _adapter;
    private Checkpoint? _checkpoint;
    private bool _applyBusy;

    void IReadyHost.QueueApply(ApplyWork work)
    {
        if (work.Restore != null)
        {
            _toApply.Enqueue(work);
            return;
        }

        // In parts, so that the process can die or pause between any two entries.
        for (var from = 0; from < work.Entries.Count;)
        {
            var count = Math.Min(work.Entries.Count - from, 1 + _prng.NextInt32(_world.Options.ApplyBatchMax));
            _toApply.Enqueue(new ApplyWork([.. work.Entries.Skip(from).Take(count)], null));
            from += count;
        }
    }

    void IReadyHost.QueueApplied(LogIndex index) => Post(Turn(), () => _executor!.Applied(index));

    void IReadyHost.OnApplied(RaftEntry entry, ReadOnlyMemory<byte> reply)
    {
        _world.Trace.Add(5, (Id.Value << 56) ^ (_machine!.Hash ?? 0));
        _world.Invariants.Tell(invariant => invariant.OnApplied(Shadow, entry, _machine.Hash));
        var known = _adapter!.LastReply;
        if (known != null)
        {
            _world.Invariants.Tell(invariant => invariant.OnExecuted(Shadow, entry.Index, known));
        }

        AnswerProposal(entry, known);
        if (_world.Options.MachineIsDurable && _prng.Chance(0.05))
        {
            _checkpoint = new Checkpoint(entry.Index, _machine.Snapshot());
        }

        Boundary();
    }

    void IReadyHost.OnRestored(SnapshotMeta meta)
    {
        _world.Trace.Line($"{Id} restores {meta}");
        _world.Invariants.Tell(invariant => invariant.OnRestored(Shadow, AppliedIndex, StateHash));
        if (_checkpoint != null)
        {
            _checkpoint = new Checkpoint(AppliedIndex, _machine!.Snapshot());
        }

        AnswerReads();
        Boundary();
    }

    private void ResetApply()
    {
        _toApply.Clear();
        _applyBusy = false;
    }

    /// <summary>With what it kept itself, which may be older than the log, or with nothing.</summary>
    private ReplicatedMachineAdapter NewMachine()
    {
        _machine = _world.Workload.NewMachine(this, out var applied);
        if (_checkpoint is { } kept)
        {
            applied = kept.Applied;
            _machine.Restore(kept.State, applied);
        }

        return _adapter = new ReplicatedMachineAdapter(_machine, applied);
    }

    private void KickApply()
    {
        if (!_applyBusy && _toApply.Count > 0)
        {
            _applyBusy = true;
            Post((long)DiskFaults.Exponential(_prng, _world.Options.ApplyMicroseconds), RunApply);
        }
    }

    private void RunApply()
    {
        _applyBusy = false;
        _executor!.Apply(_toApply.Dequeue());
        AnswerReads();
        AskForSnapshot();
    }

    private sealed record Checkpoint(LogIndex Applied, byte[] State);
}
