using DistFS.Primitives;

namespace DistFS.Client.Files;

/// <summary>
/// The bytes of a file that fits its metadata row (4 KiB): all of them, and which were changed since they were sent.
/// </summary>
internal sealed class SmallContent
{
    /// <summary>Longest content that stands in the metadata (docs/design/metadata.md, "Content").</summary>
    public const int BytesMax = 4096;

    private readonly byte[] _bytes = new byte[BytesMax];
    private int _from = int.MaxValue;
    private int _to;

    /// <summary>What the metadata has, and how long the file is with it.</summary>
    public SmallContent(ReadOnlySpan<byte> content, int length)
    {
        Check.That(content.Length <= length && length <= BytesMax);
        content.CopyTo(_bytes);
        Length = length;
    }

    /// <summary>Of the file.</summary>
    public int Length { get; private set; }

    /// <summary>All of it.</summary>
    public ReadOnlyMemory<byte> Content => _bytes.AsMemory(0, Length);

    /// <summary>Whether anything is to be sent.</summary>
    public bool IsChanged => _from < _to;

    /// <summary>What is to be sent, and where it stands; it stays to be sent until <see cref="Sent"/>.</summary>
    public (int Offset, ReadOnlyMemory<byte> Bytes) Changed => (_from, _bytes.AsMemory(_from, _to - _from));

    /// <summary>Writes bytes; false: they do not fit.</summary>
    public bool TryWrite(long offset, ReadOnlySpan<byte> bytes)
    {
        if (offset > BytesMax - bytes.Length)
        {
            return false;
        }

        var at = (int)offset;
        bytes.CopyTo(_bytes.AsSpan(at));
        (_from, _to) = (Math.Min(_from, at), Math.Max(_to, at + bytes.Length));
        Length = Math.Max(Length, at + bytes.Length);
        return true;
    }

    /// <summary>The metadata has all of it.</summary>
    public void Sent() => (_from, _to) = (int.MaxValue, 0);

    /// <summary>The file was cut, or grew by zeros, in the metadata too; false: it does not fit any more.</summary>
    public bool TrySetLength(long length)
    {
        if (length > BytesMax)
        {
            return false;
        }

        _bytes.AsSpan((int)length).Clear();
        Length = (int)length;
        return true;
    }
}
