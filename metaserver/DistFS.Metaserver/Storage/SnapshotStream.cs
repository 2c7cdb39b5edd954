namespace DistFS.Metaserver.Storage;

/// <summary>Reads a snapshot from front to back; every byte is checked before it is handed out.</summary>
internal sealed class SnapshotStream(SnapshotFile file) : Stream
{
    private readonly byte[] _piece = new byte[SnapshotFile.PieceBytes];
    private int _loaded = -1;
    private int _loadedBytes;
    private long _position;
    private bool _isDisposed;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => file.Meta.SizeBytes;

    public override long Position
    {
        get => _position;
        set => _position = value >= 0 ? value : throw new ArgumentOutOfRangeException(nameof(value));
    }

    public override int Read(Span<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (_position >= Length || buffer.IsEmpty)
        {
            return 0;
        }

        var piece = (int)(_position / SnapshotFile.PieceBytes);
        if (piece != _loaded)
        {
            _loaded = -1;
            _loadedBytes = file.ReadPiece(piece, _piece);
            _loaded = piece;
        }

        var from = (int)(_position % SnapshotFile.PieceBytes);
        var count = Math.Min(buffer.Length, _loadedBytes - from);
        _piece.AsSpan(from, count).CopyTo(buffer);
        _position += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => _position + offset,
        _ => Length + offset,
    };

    public override void Flush()
    {
        // Nothing is ever written.
    }

    public override void SetLength(long value) => throw new NotSupportedException("A snapshot is only read.");

    public override void Write(byte[] buffer, int offset, int count) =>
        throw new NotSupportedException("A snapshot is only read.");

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_isDisposed)
        {
            _isDisposed = true;
            file.Dispose();
        }

        base.Dispose(disposing);
    }
}
