using DistFS.Primitives;

namespace DistFS.Client.Files;

/// <summary>
/// The bytes of a file that fits its metadata row (16 KiB): all of them, and which were written since they were sent.
/// Only these are sent: what stands between them may be another client's by now.
/// </summary>
internal sealed class SmallContent
{
    /// <summary>Longest content that stands in the metadata (docs/design/metadata.md, "Content").</summary>
    public const int BytesMax = 16 << 10;

    private const int BytesMin = 512;

    // What is behind the length is zeros.
    private byte[] _bytes;

    // By offset; neither overlapping nor touching.
    private readonly List<(int From, int To)> _written = [];

    /// <summary>What the metadata has, and how long the file is with it.</summary>
    public SmallContent(ReadOnlySpan<byte> content, int length)
    {
        Check.That(content.Length <= length && length <= BytesMax);
        _bytes = new byte[Math.Max(BytesMin, length)];
        content.CopyTo(_bytes);
        Length = length;
    }

    /// <summary>Of the file.</summary>
    public int Length { get; private set; }

    /// <summary>All of it.</summary>
    public ReadOnlyMemory<byte> Content => _bytes.AsMemory(0, Length);

    /// <summary>Whether anything is to be sent.</summary>
    public bool IsChanged => _written.Count > 0;

    /// <summary>
    /// What is to be sent, and where it stands, from the front; it stays to be sent until <see cref="Sent"/>.
    /// </summary>
    public IEnumerable<(int Offset, ReadOnlyMemory<byte> Bytes)> Changed =>
        _written.Select(range =>
            (range.From, (ReadOnlyMemory<byte>)_bytes.AsMemory(range.From, range.To - range.From)));

    /// <summary>Writes bytes; none change nothing. False: they do not fit.</summary>
    public bool TryWrite(long offset, ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            return true;
        }

        if (offset > BytesMax - bytes.Length)
        {
            return false;
        }

        var (from, to) = ((int)offset, (int)offset + bytes.Length);
        Grow(to);
        bytes.CopyTo(_bytes.AsSpan(from));
        Length = Math.Max(Length, to);
        var first = _written.FindIndex(range => range.To >= from);
        first = first < 0 ? _written.Count : first;
        var behind = first;
        for (; behind < _written.Count && _written[behind].From <= to; behind++)
        {
            (from, to) = (Math.Min(from, _written[behind].From), Math.Max(to, _written[behind].To));
        }

        _written.RemoveRange(first, behind - first);
        _written.Insert(first, (from, to));
        return true;
    }

    /// <summary>The metadata has all of it.</summary>
    public void Sent() => _written.Clear();

    /// <summary>The file was cut, or grew by zeros, in the metadata too; false: it does not fit any more.</summary>
    public bool TrySetLength(long length)
    {
        if (length > BytesMax)
        {
            return false;
        }

        Grow((int)length);
        _bytes.AsSpan((int)length).Clear();
        Length = (int)length;
        return true;
    }

    private void Grow(int length)
    {
        if (length > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Min(BytesMax, Math.Max(length, _bytes.Length * 2)));
        }
    }
}
