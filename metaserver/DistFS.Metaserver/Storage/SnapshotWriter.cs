using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Storage;

/// <summary>
/// Makes a snapshot of the own state machine. <see cref="Write"/> and <see cref="Finish"/> may run on another thread
/// than the log's; <see cref="Commit"/> and <see cref="Dispose"/> run on the log's. Disposed without a commit, it
/// leaves nothing. After a <see cref="SnapshotFailedException"/> it can only be disposed; the store goes on.
/// </summary>
public sealed class SnapshotWriter : IDisposable
{
    private readonly SnapshotFiles _owner;
    private readonly StoreFile _file;
    private readonly byte[] _piece = new byte[SnapshotFile.PieceBytes];
    private readonly List<uint> _crcs = [];
    private SnapshotMeta _meta;
    private int _filled;
    private bool _isFinished;
    private bool _isDone;

    internal SnapshotWriter(SnapshotFiles owner, StoreFile file, SnapshotMeta meta) =>
        (_owner, _file, _meta) = (owner, file, meta);

    /// <summary>Adds bytes.</summary>
    /// <exception cref="SnapshotFailedException">The disk failed or is full.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        ObjectDisposedException.ThrowIf(_isDone, this);
        if (_isFinished)
        {
            throw new InvalidOperationException("The snapshot is finished.");
        }

        while (!bytes.IsEmpty)
        {
            var count = Math.Min(bytes.Length, _piece.Length - _filled);
            bytes[..count].CopyTo(_piece.AsSpan(_filled));
            _filled += count;
            bytes = bytes[count..];
            if (_filled == _piece.Length)
            {
                Flush();
            }
        }
    }

    /// <summary>Ends the bytes and makes them durable. <see cref="Commit"/> does it if nobody has.</summary>
    /// <exception cref="SnapshotFailedException">The disk failed or is full.</exception>
    public void Finish()
    {
        ObjectDisposedException.ThrowIf(_isDone, this);
        if (_isFinished)
        {
            return;
        }

        Flush();
        _file.Write(_meta.SizeBytes, SnapshotTrailer.Encode(_meta, _crcs.ToArray()));
        _file.Sync();
        _isFinished = true;
    }

    /// <summary>
    /// Makes it the store's newest snapshot, durably; null if a newer one was installed meanwhile: then this one is
    /// dropped.
    /// </summary>
    /// <exception cref="SnapshotFailedException">The disk failed or is full.</exception>
    /// <exception cref="StoreFailedException">The snapshot could not get its name: the store failed.</exception>
    public SnapshotMeta? Commit()
    {
        Finish();
        _isDone = true;
        return _owner.Commit(_file, _meta, _crcs.ToArray()) ? _meta : null;
    }

    /// <summary>Drops the snapshot unless it was committed.</summary>
    public void Dispose()
    {
        if (!_isDone)
        {
            _isDone = true;
            _owner.Abandon(_file);
        }
    }

    private void Flush()
    {
        if (_filled == 0)
        {
            return;
        }

        var bytes = _piece.AsSpan(0, _filled);
        _file.Write(_meta.SizeBytes, bytes);
        _crcs.Add(Crc32C.Compute(bytes));
        _meta = _meta with
        {
            SizeBytes = _meta.SizeBytes + _filled,
            Checksum = Crc32C.Append(_meta.Checksum, bytes),
        };
        _filled = 0;
    }
}
