namespace DistFS.Vfs;

/// <summary>
/// The content of a file that was made here: all of it, until it is sent, or too long to be kept. Bounded together with
/// that of others (<see cref="VfsOptions.UnsentBytesMax"/>). Under the turn of its file.
/// </summary>
internal sealed class NewContent(VfsMount mount) : IDisposable
{
    /// <summary>Longer ones are sent while they are written.</summary>
    private const int BytesMax = 256 << 10;
    private const int BytesMin = 512;

    private byte[] _bytes = [];

    /// <summary>Of the file.</summary>
    public int Length { get; private set; }

    /// <summary>How much of it was sent: what is cut off of that has to be cut there too.</summary>
    public int SentLength { get; private set; }

    /// <summary>All of it.</summary>
    public ReadOnlyMemory<byte> Bytes => _bytes.AsMemory(0, Length);

    /// <summary>Writes bytes; false: they do not fit, and nothing is written.</summary>
    public bool TryWrite(long offset, ReadOnlySpan<byte> bytes)
    {
        if (offset > BytesMax - bytes.Length || !TryGrow((int)offset + bytes.Length))
        {
            return false;
        }

        bytes.CopyTo(_bytes.AsSpan((int)offset));
        Length = Math.Max(Length, (int)offset + bytes.Length);
        return true;
    }

    /// <summary>Cuts it, or adds zeros; false: they do not fit.</summary>
    public bool TryResize(long length)
    {
        if (length > BytesMax || !TryGrow((int)length))
        {
            return false;
        }

        // What was cut off never comes back.
        _bytes.AsSpan(Math.Min(Length, (int)length)).Clear();
        Length = (int)length;
        return true;
    }

    /// <summary>Reads from an offset on; 0: there is no more.</summary>
    public int Read(long offset, Span<byte> into)
    {
        if (offset >= Length)
        {
            return 0;
        }

        var count = (int)Math.Min(into.Length, Length - offset);
        _bytes.AsSpan((int)offset, count).CopyTo(into);
        return count;
    }

    /// <summary>All of it was sent.</summary>
    public void Sent() => SentLength = Length;

    /// <inheritdoc/>
    public void Dispose()
    {
        mount.Sent(_bytes.Length);
        _bytes = [];
    }

    private bool TryGrow(int length)
    {
        if (length <= _bytes.Length)
        {
            return true;
        }

        var capacity = Math.Max(BytesMin, Math.Max(length, Math.Min(BytesMax, _bytes.Length * 2)));
        if (!mount.TryKeep(capacity - _bytes.Length))
        {
            return false;
        }

        Array.Resize(ref _bytes, capacity);
        return true;
    }
}
