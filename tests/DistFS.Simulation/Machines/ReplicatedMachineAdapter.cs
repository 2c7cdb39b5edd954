using DistFS.Metaserver.Consensus;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>An <see cref="IReplicatedMachine"/> as the product's shell wants it.</summary>
public sealed class ReplicatedMachineAdapter(IReplicatedMachine machine, LogIndex applied) : IReplicatedStateMachine
{
    /// <inheritdoc/>
    public LogIndex AppliedIndex { get; private set; } = applied;

    /// <summary>What the last entry gave; null after a no-op, a configuration or a snapshot.</summary>
    public MachineReply? LastReply { get; private set; }

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> Apply(RaftEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        LastReply = null;
        if (entry.Kind == EntryKind.Command)
        {
            LastReply = machine.Apply(entry);
        }
        else
        {
            machine.Skip(entry);
        }

        AppliedIndex = entry.Index;
        return LastReply?.Reply ?? [];
    }

    /// <inheritdoc/>
    public void Publish() => machine.Publish();

    /// <inheritdoc/>
    public ISnapshotSource BeginSnapshot() => new View(machine.Snapshot());

    /// <inheritdoc/>
    public void Restore(Stream snapshot, SnapshotMeta meta)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        ArgumentNullException.ThrowIfNull(meta);
        var bytes = new byte[meta.SizeBytes];
        snapshot.ReadExactly(bytes);
        machine.Restore(bytes, meta.Last.Index);
        LastReply = null;
        AppliedIndex = meta.Last.Index;
    }

    private sealed class View(byte[] bytes) : ISnapshotSource
    {
        public void WriteTo(Stream destination)
        {
            // Not in one go, as no machine of some size would.
            destination.Write(bytes.AsSpan(0, bytes.Length / 3));
            destination.Write(bytes.AsSpan(bytes.Length / 3));
        }

        public void Dispose()
        {
            // Only memory.
        }
    }
}
