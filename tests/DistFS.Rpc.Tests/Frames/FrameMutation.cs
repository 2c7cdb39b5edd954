using System.Buffers.Binary;

namespace DistFS.Rpc.Tests.Frames;

/// <summary>Damages frames in the ways of networks and attackers.</summary>
internal static class FrameMutation
{
    private static readonly uint[] Edges =
    [
        0, 1, 2, 47, 48, 49, 127, 128, 255, 1023, 1024, 4095, 4096, 8191, 8192, 8193, 16383, 16384, 65535, 65536,
        (4 << 20) - 1, 4 << 20, (4 << 20) + 1, int.MaxValue, (uint)int.MaxValue + 1, uint.MaxValue - 1, uint.MaxValue,
    ];

    /// <summary>A frame with one to four changes; half of them with a checksum that is right again.</summary>
    public static byte[] Apply(Prng random, byte[] frame, byte[] other)
    {
        var mutated = (byte[])frame.Clone();
        for (var change = random.NextInt32(1, 5); change > 0; change--)
        {
            mutated = One(random, mutated, other);
        }

        if (mutated.Length >= FrameHeader.Size && random.Chance(0.7))
        {
            // A body that ends with the frame, so that more than the header's checks are reached.
            if (random.Chance(0.6))
            {
                var rest = (uint)(mutated.Length - FrameHeader.Size);
                BinaryPrimitives.WriteUInt32LittleEndian(mutated, rest);
                var body = random.Chance(0.5) ? rest : (uint)random.NextBelow(rest + 1);
                BinaryPrimitives.WriteUInt32LittleEndian(mutated.AsSpan(4), body);
            }

            FrameBytes.Reseal(mutated);
        }

        return mutated;
    }

    private static byte[] One(Prng random, byte[] frame, byte[] other)
    {
        if (frame.Length == 0)
        {
            return frame;
        }

        var at = random.NextInt32(frame.Length);
        switch (random.NextInt32(8))
        {
            case 0:
                frame[at] ^= (byte)(1 << random.NextInt32(8));
                return frame;
            case 1:
                frame[at] = (byte)random.NextInt32(256);
                return frame;
            case 2:
                return random.Chance(0.3) ? frame[..at] : frame;
            case 3:
                return [.. frame.AsSpan(0, at), .. other.AsSpan(random.NextInt32(other.Length))];
            case 4:
                return [.. frame.AsSpan(0, at), .. frame.AsSpan(random.NextInt32(at + 1))];
            case 5 when frame.Length >= FrameHeader.Size:
                var field = random.NextInt32(2) * 4;
                BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(field), Edges[random.NextInt32(Edges.Length)]);
                return frame;
            case 6 when frame.Length >= FrameHeader.Size:
                // Method, argument and call id: other calls, other methods.
                var word = 16 + (random.NextInt32(4) * 4);
                BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(word), Edges[random.NextInt32(Edges.Length)]);
                return frame;
            case 7 when frame.Length >= FrameHeader.Size:
                frame[12] = (byte)random.NextInt32(12);
                return frame;
            default:
                frame[at] = random.Chance(0.5) ? (byte)0xFF : (byte)0;
                return frame;
        }
    }
}
