namespace DistFS.Native.Tests;

/// <summary>
/// The block format read naively, byte by byte, from lz4_Block_format.md: slow and obviously bounded. The oracle for
/// both codecs. Does not enforce the rules at the end of a block, which bind encoders.
/// </summary>
internal static class Lz4Reference
{
    /// <summary>
    /// The content, or null when the block is damaged or its content longer than <paramref name="capacity"/>.
    /// </summary>
    public static byte[]? Decode(ReadOnlySpan<byte> block, int capacity)
    {
        var content = new List<byte>();
        var at = 0;
        while (at < block.Length)
        {
            int token = block[at++];
            if (ReadLength(block, ref at, token >> 4) is not { } literals
                || literals > block.Length - at || literals > capacity - content.Count)
            {
                return null;
            }

            content.AddRange(block.Slice(at, literals));
            at += literals;
            if (at == block.Length)
            {
                return [.. content];
            }

            if (block.Length - at < 2)
            {
                return null;
            }

            var offset = block[at] | (block[at + 1] << 8);
            at += 2;
            if (ReadLength(block, ref at, token & 15) is not { } more
                || offset == 0 || offset > content.Count || more + 4 > capacity - content.Count)
            {
                return null;
            }

            for (var i = 0; i < more + 4; i++)
            {
                content.Add(content[^offset]);
            }
        }

        return null;
    }

    private static int? ReadLength(ReadOnlySpan<byte> block, ref int at, int nibble)
    {
        var length = nibble;
        if (nibble < 15)
        {
            return length;
        }

        while (at < block.Length)
        {
            length += block[at];
            if (block[at++] < 255)
            {
                return length;
            }
        }

        return null;
    }
}
