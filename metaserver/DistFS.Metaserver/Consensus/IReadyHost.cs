using DistFS.Metaserver.Storage;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Consensus;

/// <summary>
/// What carries a <see cref="ReadyExecutor"/>: five lanes (core, disk, apply, piece, snapshot), each running one thing
/// at a time, with queues in between that keep their order. Threads in the <see cref="RaftDriver"/>, events in the
/// simulator.
/// </summary>
public interface IReadyHost
{
    /// <summary>Sends a message, or loses it; never blocks. Called on the core, the disk and the piece
    /// lane.</summary>
    void Send(RaftMessage message);

    /// <summary>
    /// Core lane: to be sent by <see cref="ReadyExecutor.SendPiece"/> on the piece lane, in the order of the calls, or
    /// lost.
    /// </summary>
    void QueuePiece(SnapshotPiece piece);

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

    /// <summary>Apply lane: the state machine was put to that snapshot. Of older ones nothing more is
    /// told.</summary>
    void OnRestored(SnapshotMeta meta);

    /// <summary>Piece lane: a piece of the own snapshot cannot be read, or reads wrongly; a new snapshot is
    /// needed.</summary>
    void OnSnapshotDamaged(DistFsException error);
}

/// <summary>Work of the apply lane: entries, or a snapshot to put the state machine to.</summary>
/// <param name="Entries">Committed entries, in order; empty with <paramref name="Restore"/>.</param>
/// <param name="Restore">A snapshot that the store has installed.</param>
public readonly record struct ApplyWork(IReadOnlyList<RaftEntry> Entries, SnapshotMeta? Restore);

/// <summary>A snapshot of the own state machine on its way to the disk.</summary>
/// <param name="Last">The last entry that it contains; its term is zero if the state machine is ahead of a damaged
/// log and nobody could tell.</param>
/// <param name="Source">The view.</param>
public sealed record OwnSnapshot(EntryId Last, ISnapshotSource Source) : IDisposable
{
    private bool _isDisposed;
    private bool _isViewEnded;

    /// <summary>Where its bytes go; null before it was opened.</summary>
    internal SnapshotWriter? Writer { get; set; }

    /// <summary>Ends the view, and drops what was written unless it was committed. A second time does
    /// nothing.</summary>
    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        EndView();
        Writer?.Dispose();
    }

    /// <summary>
    /// Ends the view: all of it is written. By whoever has the snapshot in hand; a second time does nothing.
    /// </summary>
    internal void EndView()
    {
        if (!_isViewEnded)
        {
            _isViewEnded = true;
            Source.Dispose();
        }
    }
}
