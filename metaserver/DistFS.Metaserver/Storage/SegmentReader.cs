namespace DistFS.Metaserver.Storage;

/// <summary>
/// Reads a file of the log from front to back through a window. What the disk cannot read is no damage: it throws.
/// </summary>
internal sealed class SegmentReader(StoreFile file, uint salt)
{
    private const int WindowBytes = 1 << 20;
    private const int BlockBytes = 4096;

    private byte[] _window = [];
    private long _start;
    private int _count;

    public int Length { get; } = (int)Math.Min(file.Length, int.MaxValue);

    /// <summary>So many bytes, or what is left of the file.</summary>
    public ReadOnlySpan<byte> At(int offset, int count)
    {
        if (offset >= Length)
        {
            return [];
        }

        count = Math.Min(Length - offset, count);
        if (offset < _start || offset + count > _start + _count)
        {
            Fill(offset, count);
        }

        return _window.AsSpan((int)(offset - _start), Math.Min(count, _count - (int)(offset - _start)));
    }

    /// <summary>A record whose CRC is right, at that place.</summary>
    public bool TryRecord(int offset, out LogRecordHeader header)
    {
        var head = At(offset, LogRecordCodec.HeaderBytes);
        if (!LogRecordCodec.TryReadHeader(head, out header)
            || header.Length > Length - offset - LogRecordCodec.HeaderBytes)
        {
            return false;
        }

        var record = At(offset, LogRecordCodec.HeaderBytes + header.Length);
        return record.Length == LogRecordCodec.HeaderBytes + header.Length
            && LogRecordCodec.IsIntact(record, header, salt);
    }

    /// <summary>The first place at or after an offset that is not zero, rounded down to 8; the length if there is
    /// none.</summary>
    public int SkipZeros(int offset)
    {
        while (offset < Length)
        {
            var bytes = At(offset, BlockBytes);
            if (bytes.IsEmpty)
            {
                break;
            }

            var place = bytes.IndexOfAnyExcept((byte)0);
            if (place >= 0)
            {
                return offset + (place & ~7);
            }

            offset += bytes.Length;
        }

        return Length;
    }

    private void Fill(int offset, int count)
    {
        var wanted = Math.Min(Math.Max(count, WindowBytes), Length - offset);
        if (_window.Length < wanted)
        {
            _window = new byte[wanted];
        }

        _start = offset;
        _count = 0;
        _count = file.Read(offset, _window.AsSpan(0, wanted));
    }
}
