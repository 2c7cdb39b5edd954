using System.Text;

namespace DistFS.Native.Tests;

/// <summary>Bytes of the kinds that a codec treats differently, from a seed.</summary>
internal static class Lz4Content
{
    public static readonly string[] Kinds = ["random", "zeros", "text", "half", "short-period", "far"];

    /// <summary>
    /// Around every limit of the format and of the implementation (12, 13, 64 KiB, 64 KiB + 11), and in between.
    /// </summary>
    public static readonly int[] Lengths =
    [
        0, 1, 4, 5, 6, 11, 12, 13, 14, 15, 16, 17, 18, 19, 31, 32, 33, 64, 100, 254, 255, 256, 269, 270, 271, 272, 300,
        524, 525, 526, 1000, 4095, 4096, 4097, 10_000, 65_534, 65_535, 65_536, 65_546, 65_547, 65_548, 65_600, 131_072,
        300_000,
    ];

    public static byte[] Make(string kind, int length, ulong seed)
    {
        var random = new Prng(seed);
        var content = new byte[length];
        switch (kind)
        {
            case "random":
                random.Fill(content);
                break;
            case "text":
                FillText(content, random);
                break;
            case "half":
                random.Fill(content);
                for (var i = 0; i + 512 <= length; i += 1024)
                {
                    FillText(content.AsSpan(i, 512), random);
                }

                break;
            case "short-period":
                var period = random.NextInt32(1, 40);
                for (var i = 0; i < length; i++)
                {
                    content[i] = (byte)(i % period * 7);
                }

                break;
            case "far":
                // Repeats itself right at the edge of the window.
                random.Fill(content.AsSpan(0, Math.Min(length, 65_535 + random.NextInt32(-3, 4))));
                for (var i = 65_535; i < length; i++)
                {
                    content[i] = content[i - 65_535];
                }

                break;
        }

        return content;
    }

    private static void FillText(Span<byte> content, Prng random)
    {
        var text = new StringBuilder();
        while (text.Length < content.Length)
        {
            text.Append("{\"level\":\"info\",\"chunk\":").Append(random.NextInt32(100_000))
                .Append(",\"server\":\"cs").Append(random.NextInt32(100)).Append("\",\"message\":\"stored\"}\n");
        }

        Encoding.ASCII.GetBytes(text.ToString(0, content.Length), content);
    }
}
