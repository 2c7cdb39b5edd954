namespace DistFS.Native.Tests;

/// <summary>Damages blocks in the ways of disks, networks and attackers.</summary>
internal static class Lz4Mutation
{
    /// <summary>Changes the block at the start of a buffer that has room; returns its new length.</summary>
    public static int Apply(Prng random, byte[] block, int size)
    {
        for (var change = random.NextInt32(0, 4); change > 0 && size > 0; change--)
        {
            var at = random.NextInt32(size);
            switch (random.NextInt32(5))
            {
                case 0:
                    block[at] ^= (byte)(1 << random.NextInt32(8));
                    break;
                case 1:
                    block[at] = (byte)random.NextInt32(256);
                    break;
                case 2:
                    block[at] = random.Chance(0.5) ? (byte)255 : (byte)0; // Long lengths, offsets of zero.
                    break;
                case 3:
                    size = at; // Cut off.
                    break;
                default:
                    block.AsSpan(at, size - at).CopyTo(block.AsSpan(at + 1)); // One byte too many.
                    size++;
                    break;
            }
        }

        return size;
    }
}

/// <summary>Reads the structure of a sound block.</summary>
internal static class Lz4Walk
{
    /// <summary>The number of last literals, and where in the content the last match begins.</summary>
    public static (int LastLiterals, int? LastMatch) End(ReadOnlySpan<byte> block)
    {
        var at = 0;
        var position = 0;
        int? lastMatch = null;
        while (true)
        {
            int token = block[at++];
            var literals = Length(block, ref at, token >> 4);
            at += literals;
            position += literals;
            if (at == block.Length)
            {
                return (literals, lastMatch);
            }

            at += 2;
            lastMatch = position;
            position += 4 + Length(block, ref at, token & 15);
        }
    }

    private static int Length(ReadOnlySpan<byte> block, ref int at, int nibble)
    {
        var length = nibble;
        for (var more = nibble == 15; more; more = block[at++] == 255)
        {
            length += block[at];
        }

        return length;
    }
}
