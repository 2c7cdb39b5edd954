using FsCheck;
using FsCheck.Fluent;

namespace DistFS.Primitives.Tests;

/// <summary>The checksum of RFC 3720, against its vectors and against a form that is too simple to be wrong.</summary>
public sealed class Crc32CTests
{
    /// <summary>RFC 3720, appendix B.4; the bytes there are in the order of the wire, so reversed here.</summary>
    public static TheoryData<string, uint> Vectors => new()
    {
        { new string('0', 64), 0x8A9136AA },
        { new string('F', 64), 0x62A8AB43 },
        { Convert.ToHexString([.. Enumerable.Range(0, 32).Select(i => (byte)i)]), 0x46DD794E },
        { Convert.ToHexString([.. Enumerable.Range(0, 32).Select(i => (byte)(31 - i))]), 0x113FDB5C },
        {
            "01C0000000000000000000000000000014000000000004000000001400000018"
                + "28000000000000000200000000000000",
            0xD9963A56
        },
        { Convert.ToHexString("123456789"u8), 0xE3069283 },
        { "", 0 },
    };

    [Theory]
    [MemberData(nameof(Vectors))]
    public void Vectors_of_RFC_3720(string hex, uint expected)
    {
        var data = Convert.FromHexString(hex);
        Assert.Equal(expected, Crc32C.Compute(data));
        Assert.Equal(expected, Crc32C.ComputeSoftware(data));
        Assert.Equal(expected, BitByBit(data));
    }

    [Fact]
    public void Instructions_and_tables_agree_at_every_short_length()
    {
        var data = Bytes(1100, seed: 1);
        for (var length = 0; length <= data.Length; length++)
        {
            var expected = BitByBit(data.AsSpan(0, length));
            Assert.Equal(expected, Crc32C.Compute(data.AsSpan(0, length)));
            Assert.Equal(expected, Crc32C.ComputeSoftware(data.AsSpan(0, length)));
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Instructions_and_tables_agree_at_random_places(ulong seed)
    {
        // Around the strides of the lanes (3 x 256 and 3 x 4096) and well beyond.
        var random = new Prng(seed);
        var data = Bytes(200_000, seed);
        foreach (var near in new[] { 768, 1536, 12_288, 13_056, 24_576, 65_536, 190_000 })
        {
            for (var i = 0; i < 40; i++)
            {
                var piece = data.AsSpan(random.NextInt32(64), near + random.NextInt32(-20, 21));
                Assert.True(
                    Crc32C.Compute(piece) == Crc32C.ComputeSoftware(piece), $"seed {seed}, {piece.Length} bytes");
            }
        }
    }

    [Fact]
    public void Appending_pieces_gives_the_whole() => Prop.ForAll(
        (byte[] first, byte[] second, byte[] third) =>
        {
            var crc = Crc32C.Append(Crc32C.Append(Crc32C.Compute(first), second), third);
            return crc == Crc32C.Compute([.. first, .. second, .. third]);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Combining_checksums_gives_that_of_the_whole()
    {
        var random = new Prng(4);
        var data = Bytes(100_000, seed: 4);
        for (var i = 0; i < 300; i++)
        {
            var split = random.NextInt32(data.Length + 1);
            var second = data.AsSpan(split);
            Assert.Equal(
                Crc32C.Compute(data), Crc32C.Combine(
                    Crc32C.Compute(data.AsSpan(0, split)), Crc32C.Compute(second), second.Length));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4_096)]
    [InlineData(12_288)]
    [InlineData(12_289)]
    [InlineData(65_536)]
    [InlineData(69_632)]
    [InlineData(100_000)]
    public void Copying_and_combining_give_the_same(int length)
    {
        var data = Bytes(length + 10, seed: 5);
        var copy = new byte[length];
        var head = Crc32C.Compute(data.AsSpan(0, 10));
        var whole = Crc32C.Compute(data);
        Assert.Equal(whole, Crc32C.AppendAndCopy(head, data.AsSpan(10), copy));
        Assert.Equal(data[10..], copy);
        Assert.Equal(whole, Crc32C.Combine(head, Crc32C.Compute(copy), length));
    }

    [Fact]
    public void Combining_works_with_lengths_that_nobody_could_compute()
    {
        // Over n zero bytes and then m more is over n + m; 2^40 bytes would take minutes.
        var piece = Crc32C.Compute("abc"u8);
        var zeros = Crc32C.Compute(new byte[1 << 20]);
        var large = zeros;
        for (var power = 20; power < 40; power++)
        {
            large = Crc32C.Combine(large, large, 1L << power);
        }

        var once = Crc32C.Combine(piece, large, 1L << 40);
        var twice = Crc32C.Combine(
            Crc32C.Combine(piece, zeros, 1 << 20), Rest(zeros), (1L << 40) - (1 << 20));
        Assert.Equal(once, twice);
        Assert.Throws<ArgumentOutOfRangeException>(() => Crc32C.Combine(1, 2, -1));
    }

    [Fact]
    public void The_machine_says_how_it_computes() =>
        Assert.Contains(Crc32C.Implementation, new[] { "sse4.2", "armv8", "software" });

    /// <summary>2^40 - 2^20 zero bytes, as a sum of powers of two.</summary>
    private static uint Rest(uint zeros)
    {
        var power = zeros;
        var sum = zeros;
        for (var bit = 20; bit < 39; bit++)
        {
            if (bit > 20)
            {
                sum = Crc32C.Combine(sum, power, 1L << bit);
            }

            power = Crc32C.Combine(power, power, 1L << bit);
        }

        return Crc32C.Combine(sum, power, 1L << 39);
    }

    private static byte[] Bytes(int length, ulong seed)
    {
        var data = new byte[length];
        new Prng(seed).Fill(data);
        return data;
    }

    private static uint BitByBit(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        foreach (var value in data)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
            }
        }

        return ~crc;
    }
}
