using DistFS.Metaserver.Storage;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Consensus;

/// <summary>
/// What carries a <see cref="ReadyExecutor"/>: four lanes (core, disk, apply, snapshot), each running one thing at a
/// time, with queues in between that keep their order. Threads in the <see cref="RaftDriver"/>, events in the
/// simulator.
/// </summary>
public interface IReadyHost
{
    /// <summary>Sends a message, or loses it; never blocks. Called on the core and the disk lane.</summary>
    void Send(RaftMessage message);

    /// <summary>Core lane: to be written by <see cref="ReadyExecutor.Write"/> on the disk lane.</summary>
    void QueueDisk(RaftReady ready);

    /// <summary>
    /// Core and disk lane: to be done by <see cref="ReadyExecutor.Apply"/> on the apply lane, in the order of the
    /// calls.
    /// </summary>
    void QueueApply(ApplyWork work);

    /// <summary>Disk lane: the core lane shall call <see cref="ReadyExecutor.Persisted"/>.</summary>
    void QueuePersisted(ulong sequence);

    /// <summary>Apply lane: the core lane shall call <see cref="ReadyExecutor.Applied"/>.</summary>
    void QueueApplied(LogIndex index);

    /// <summary>Core lane: something happened.</summary>
    void OnEvent(RaftEvent happened);

    /// <summary>Core lane: the read may be answered once its index is applied.</summary>
    void OnReadGranted(ReadGranted read);

    /// <summary>Core lane: the read must be asked for again.</summary>
    void OnReadRefused(ulong context);

    /// <summary>Apply lane: an entry was applied.</summary>
    void OnApplied(RaftEntry entry, ReadOnlyMemory<byte> reply);

    /// <summary>Apply lane: the state machine was put to a snapshot.</summary>
    void OnRestored(SnapshotMeta meta);

    /// <summary>Core lane: a piece of the own snapshot cannot be read; a new snapshot is needed.</summary>
    void OnSnapshotDamaged(SnapshotCorruptException error);
}

/// <summary>Work of the apply lane: entries, or a snapshot to put the state machine to.</summary>
/// <param name="Entries">Committed entries, in order; empty with <paramref name="Restore"/>.</param>
/// <param name="Restore">A snapshot that the store has installed.</param>
public readonly record struct ApplyWork(IReadOnlyList<RaftEntry> Entries, SnapshotMeta? Restore);

/// <summary>A snapshot of the own state machine on its way to the disk.</summary>
/// <param name="Last">The last entry that it contains.</param>
/// <param name="Configuration">In force there.</param>
/// <param name="Source">The view.</param>
public sealed record OwnSnapshot(EntryId Last, RaftConfiguration Configuration, ISnapshotSource Source) : IDisposable
{
    /// <summary>Where its bytes go; null before it was opened.</summary>
    internal SnapshotWriter? Writer { get; set; }

    /// <summary>Ends the view, and drops what was written unless it was committed.</summary>
    public void Dispose()
    {
        Source.Dispose();
        Writer?.Dispose();
    }
}
