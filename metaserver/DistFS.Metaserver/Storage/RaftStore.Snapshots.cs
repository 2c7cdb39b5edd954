using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Storage;

/// <content>Snapshots: the own ones, and those that another member sends.</content>
public sealed partial class RaftStore
{
    /// <inheritdoc/>
    public SnapshotMeta? Snapshot => _snapshots.Newest;

    /// <inheritdoc/>
    public (SnapshotMeta Meta, long ReceivedBytes)? Incoming
    {
        get
        {
            lock (_gate)
            {
                return _received;
            }
        }
    }

    /// <summary>
    /// Why the disk refused a snapshot that was being received, which was dropped then; null after one was installed.
    /// </summary>
    public StoreFailedException? IncomingFailure => _incomingFailure;

    /// <summary>
    /// Starts a snapshot of the own state machine, which has applied the log up to <paramref name="last"/>.
    /// </summary>
    /// <exception cref="SnapshotFailedException">The disk failed or is full. Try again later.</exception>
    /// <exception cref="InvalidOperationException">Another one is being written.</exception>
    /// <exception cref="ArgumentException">The log does not have that entry on disk.</exception>
    public SnapshotWriter BeginSnapshot(EntryId last, RaftConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        _disk.ThrowIfFailed();
        if (last.Index > Last.Index || !_log.Has(last))
        {
            throw new ArgumentException($"The log, {Compacted}..{Last}, does not have {last}.", nameof(last));
        }

        return _snapshots.Begin(_prng.NextUInt64(), last, configuration);
    }

    /// <summary>
    /// Stores a piece of a snapshot that another member sends; durable after <see cref="Sync"/>. Pieces come in order;
    /// one at offset 0 starts its snapshot anew, in the place of any other.
    /// </summary>
    /// <exception cref="StoreFailedException">The store failed; not if only the piece was refused.</exception>
    public PieceOutcome WritePiece(SnapshotPiece piece)
    {
        ArgumentNullException.ThrowIfNull(piece);
        _disk.ThrowIfFailed();
        var meta = piece.Snapshot;
        if (piece.Data.Length != piece.Length || piece.Offset < 0 || meta.SizeBytes < 0
            || meta.SizeBytes > _options.SnapshotBytesMax || piece.Offset > meta.SizeBytes - piece.Length)
        {
            return PieceOutcome.Invalid;
        }

        try
        {
            return Take(piece);
        }
        catch (SnapshotFailedException error)
        {
            DropIncoming(error);
            return PieceOutcome.Failed;
        }
    }

    private PieceOutcome Take(SnapshotPiece piece)
    {
        var meta = piece.Snapshot;
        if (_incoming == null || _incoming.Meta.Id != meta.Id || (piece.Offset == 0 && !Same(_incoming.Meta, meta)))
        {
            if (piece.Offset != 0)
            {
                return PieceOutcome.Foreign;
            }

            _incoming?.Dispose();
            _incoming = null;
            _incoming = IncomingFile.Start(_disk, meta);
        }
        else if (!Same(_incoming.Meta, meta))
        {
            return PieceOutcome.Invalid;
        }

        var outcome = _incoming.Write(piece);
        ShowIncoming();
        return outcome;
    }

    /// <summary>
    /// Makes the received snapshot the newest, durably, and lets the log start after it: empty, unless the log has its
    /// last entry, in which case the entries after it stay. The state machine must then be put to it.
    /// </summary>
    /// <returns>
    /// False if nothing changed: the bytes are not all there, do not match or cannot be stored, and then are thrown
    /// away, or the snapshot is not newer than the store's.
    /// </returns>
    /// <exception cref="StoreFailedException">The disk failed or is full.</exception>
    public bool Install(SnapshotMeta meta)
    {
        ArgumentNullException.ThrowIfNull(meta);
        _disk.ThrowIfFailed();
        var isInstalled = false;
        Change(meta, (store, meta) => { isInstalled = store.InstallIncoming(meta); });
        return isInstalled;
    }

    private bool InstallIncoming(SnapshotMeta meta)
    {
        Sync();
        var isNewer = (meta.Last.Index > Compacted.Index && !(meta.Last.Index <= Snapshot?.Last.Index))
            || Teeth.Has(PlantedBug.OlderSnapshotInstalled);
        if (!isNewer || _incoming == null || !Same(_incoming.Meta, meta))
        {
            return false;
        }

        uint[]? crcs;
        try
        {
            crcs = _incoming.Complete();
        }
        catch (StoreFailedException error) when (!_disk.HasFailed)
        {
            DropIncoming(error);
            return false;
        }

        var incoming = _incoming;
        _incoming = null;
        if (crcs != null)
        {
            // This is the step that counts: whoever opens the store from now on lets the log follow.
            _snapshots.Adopt(StoreFiles.IncomingData, incoming.Adopt(), meta, crcs);
            if (!_log.Has(meta.Last))
            {
                _log.Reset(meta.Last, meta.Configuration);
            }
            else if (meta.Last.Index > Compacted.Index)
            {
                _log.CompactTo(meta.Last.Index);
            }

            _incomingFailure = null;
        }

        incoming.Discard();
        ShowIncoming();
        return crcs != null;
    }

    /// <summary>
    /// Bytes of the newest snapshot, or the one before it, checked; fewer than asked for only at its end. Cheapest at
    /// multiples of 1 MiB.
    /// </summary>
    /// <exception cref="SnapshotGoneException">Newer ones took its place.</exception>
    /// <exception cref="SnapshotCorruptException">The bytes do not match their checksum.</exception>
    public byte[] ReadPiece(ulong snapshotId, long offset, int length) =>
        _snapshots.ReadPiece(snapshotId, offset, length);

    /// <summary>Reads the newest snapshot; every byte is checked before it is handed out.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public Stream OpenSnapshot() => _snapshots.OpenNewest();

    /// <summary>Gives the transfer up: what its file holds is not known.</summary>
    private void DropIncoming(StoreFailedException error)
    {
        _incomingFailure = error;
        _incoming?.Discard();
        _incoming = null;
        ShowIncoming();
    }

    private static bool Same(SnapshotMeta one, SnapshotMeta other) =>
        one.Id == other.Id && one.Last == other.Last && one.SizeBytes == other.SizeBytes
        && one.Checksum == other.Checksum && one.Configuration.Equals(other.Configuration);
}
