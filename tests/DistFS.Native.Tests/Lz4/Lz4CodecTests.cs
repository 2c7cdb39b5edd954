using System.Globalization;
using FsCheck;
using FsCheck.Fluent;

namespace DistFS.Native.Tests;

/// <summary>
/// Both codecs against the block format (github.com/lz4/lz4, doc/lz4_Block_format.md), each other, and memory that ends
/// at a guard page.
/// </summary>
public sealed class NativeLz4CodecTests : Lz4CodecTests
{
    [Fact]
    public void The_library_is_there_and_tells_its_version() =>
        Assert.Matches("^1\\.[0-9]+\\.[0-9]+$", NativeLz4.Version);

    private protected override Compressor Compress => NativeLz4.Compress;

    private protected override Decompressor Decompress => NativeLz4.Decompress;

    private protected override Decompressor OtherDecompress => ManagedLz4.Decompress;

    // liblz4 decodes an offset of zero to bytes of its choice; nothing outside the buffers is touched.
    private protected override bool RefusesOffsetZero => false;
}

/// <summary>The codec without a library.</summary>
public sealed class ManagedLz4CodecTests : Lz4CodecTests
{
    private protected override Compressor Compress => ManagedLz4.Compress;

    private protected override Decompressor Decompress => ManagedLz4.Decompress;

    private protected override Decompressor OtherDecompress => NativeLz4.Decompress;

    private protected override bool RefusesOffsetZero => true;
}

/// <summary>What holds for both.</summary>
public abstract class Lz4CodecTests
{
    private protected delegate int Compressor(ReadOnlySpan<byte> source, Span<byte> destination, int acceleration);

    private protected delegate int Decompressor(ReadOnlySpan<byte> source, Span<byte> destination);

    private protected abstract Compressor Compress { get; }

    private protected abstract Decompressor Decompress { get; }

    private protected abstract Decompressor OtherDecompress { get; }

    private protected abstract bool RefusesOffsetZero { get; }

    public static TheoryData<string, string, string> Golden => new()
    {
        // "An empty block": one token, no literals.
        { "empty", "00", string.Empty },
        { "literals only", "50 68656C6C6F", "68656C6C6F" },
        { "15 literals: the length goes on with a zero", "F0 00" + Repeat("41", 15), Repeat("41", 15) },
        { "270 literals: 15 + 255 + 0", "F0 FF 00" + Repeat("42", 270), Repeat("42", 270) },
        { "273 literals: 15 + 255 + 3", "F0 FF 03" + Repeat("42", 273), Repeat("42", 273) },
        { "525 literals: 15 + 255 + 255 + 0", "F0 FF FF 00" + Repeat("43", 525), Repeat("43", 525) },

        // "offset 1": the last byte repeated (a match that overlaps what it produces).
        { "offset 1", "16 61 0100 50 6263646566", Repeat("61", 11) + "6263646566" },
        { "offset 2", "28 6162 0200 50 7172737475", Repeat("6162", 7) + "7172737475" },
        { "offset 3, 7 bytes", "33 616263 0300 80 7172737475767778", "6162636162636162636171727374" + "75767778" },
        { "match of 19: 4 + 15 + 0", "1F 61 0100 00 50 6263646566", Repeat("61", 20) + "6263646566" },
        { "match of 284: 4 + 15 + 255 + 10", "1F 61 0100 FF 0A 50 6263646566", Repeat("61", 285) + "6263646566" },
        { "sequence without literals", "16 61 0100 04 0500 50 6263646566", Repeat("61", 19) + "6263646566" },
        {
            "offset of 9 and of 16, past one word",
            "C8 000102030405060708090A0B 0900 50 F0F1F2F3F4",
            "000102030405060708090A0B" + "030405060708090A0B030405" + "F0F1F2F3F4"
        },
    };

    public static TheoryData<string, string> Damaged => new()
    {
        { "no token", string.Empty },
        { "literals cut off", "50 68656C6C" },
        { "length cut off", "F0" },
        { "length of only 255s", "F0 FF FF FF" },
        { "offset cut off", "10 61 01" },
        { "offset before the start", "16 61 0200 50 6263646566" },
        { "offset far before the start", "16 61 FFFF 50 6263646566" },
        { "no last literals", "16 61 0100" },
        { "match length cut off", "1F 61 0100 FF" },
        { "literals beyond the content", "F0 FF FF FF FF FF FF FF FF 00 61" },
        { "match beyond the content", "1F 61 0100 FF FF FF FF FF FF FF FF FF 00 50 6263646566" },
    };

    [Theory]
    [MemberData(nameof(Golden))]
    public void Golden_blocks_decode(string what, string block, string content)
    {
        var expected = FromHex(content);
        var destination = new byte[expected.Length];
        Assert.True(Decompress(FromHex(block), destination) == expected.Length, what);
        Assert.Equal(expected, destination);

        // The reference agrees, so that it can be trusted with the rest.
        Assert.Equal(expected, Lz4Reference.Decode(FromHex(block), expected.Length));
    }

    [Theory]
    [MemberData(nameof(Golden))]
    public void Golden_blocks_do_not_decode_into_one_byte_less(string what, string block, string content)
    {
        var length = FromHex(content).Length;
        Assert.True(length == 0 || Decompress(FromHex(block), new byte[length - 1]) < 0, what);
    }

    [Theory]
    [MemberData(nameof(Damaged))]
    public void Damaged_blocks_are_refused(string what, string block) =>
        Assert.True(Decompress(FromHex(block), new byte[1000]) < 0, what);

    [Fact]
    public void An_offset_of_zero_is_damage()
    {
        var result = Decompress(FromHex("16 61 0000 50 6263646566"), new byte[16]);
        Assert.Equal(RefusesOffsetZero, result < 0);
    }

    [Fact]
    public void Nothing_compresses_to_an_empty_block()
    {
        var block = new byte[16];
        Assert.Equal(1, Compress([], block, 1));
        Assert.Equal(0, block[0]);
        Assert.Equal(0, Decompress([0], []));
    }

    [Fact]
    public void Every_kind_and_length_is_read_by_both_codecs_and_the_reference()
    {
        using var source = new GuardedMemory(300_000);
        using var packed = new GuardedMemory(Lz4.MaxCompressedLength(300_000));
        using var unpacked = new GuardedMemory(300_000);
        foreach (var kind in Lz4Content.Kinds)
        {
            foreach (var length in Lz4Content.Lengths)
            {
                var content = source.AtEnd(length);
                Lz4Content.Make(kind, length, seed: (ulong)length).CopyTo(content);
                var bound = packed.AtEnd(Lz4.MaxCompressedLength(length));
                var size = Compress(content, bound, 1);
                Assert.InRange(size, 1, bound.Length);

                // As the bytes would come from a disk: nothing readable follows them.
                var block = packed.AtEnd(size);
                bound[..size].ToArray().CopyTo(block);
                var copy = unpacked.AtEnd(length);
                copy.Clear();
                Assert.Equal(length, Decompress(block, copy));
                Assert.True(copy.SequenceEqual(content), $"{kind} {length}");
                copy.Clear();
                Assert.Equal(length, OtherDecompress(block, copy));
                Assert.True(copy.SequenceEqual(content), $"{kind} {length}, other codec");
                Assert.True(content.SequenceEqual(Lz4Reference.Decode(block, length)), $"{kind} {length}, reference");
            }
        }
    }

    [Fact]
    public void A_block_fits_its_own_length_and_no_less()
    {
        using var packed = new GuardedMemory(70_000);
        foreach (var kind in Lz4Content.Kinds)
        {
            foreach (var length in new[] { 0, 1, 12, 13, 20, 100, 271, 5000, 65_536 })
            {
                var content = Lz4Content.Make(kind, length, seed: 9);
                var size = Compress(content, packed.AtEnd(Lz4.MaxCompressedLength(length)), 1);
                Assert.Equal(size, Compress(content, packed.AtEnd(size), 1));
                for (var less = 1; less <= Math.Min(size, 40); less++)
                {
                    Assert.Equal(0, Compress(content, packed.AtEnd(size - less), 1));
                }

                Assert.Equal(0, Compress(content, packed.AtEnd(size / 2), 1));
            }
        }
    }

    [Fact]
    public void Acceleration_trades_size_and_is_read_all_the_same()
    {
        var content = Lz4Content.Make("text", 65_536, seed: 4);
        var block = new byte[Lz4.MaxCompressedLength(content.Length)];
        var copy = new byte[content.Length];
        var best = Compress(content, block, 1);
        var fast = Compress(content, block, 64);
        Assert.True(best < fast);
        Assert.Equal(content.Length, OtherDecompress(block.AsSpan(0, fast), copy));
        Assert.Equal(content, copy);
    }

    /// <summary>End of block conditions 1 and 2 of the format.</summary>
    [Fact]
    public void Blocks_keep_the_rules_at_their_end() =>
        Prop.ForAll(
            ArbMap.Default.ArbFor<int>(),
            seed =>
            {
                var random = new Prng((ulong)seed);
                var kind = Lz4Content.Kinds[random.NextInt32(Lz4Content.Kinds.Length)];
                var content = Lz4Content.Make(kind, random.NextInt32(0, 3000), (ulong)seed);
                var block = new byte[Lz4.MaxCompressedLength(content.Length)];
                var size = Compress(content, block, 1);
                var (lastLiterals, lastMatch) = Lz4Walk.End(block.AsSpan(0, size));
                return lastMatch is null
                    ? lastLiterals == content.Length
                    : lastLiterals >= 5 && content.Length - lastMatch >= 12;
            }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(1UL)]
    [InlineData(2UL)]
    public void Mutated_blocks_never_leave_the_buffers_and_agree_with_the_reference(ulong seed)
    {
        const int Mutations = 12_000; // Per seed and codec.
        var random = new Prng(seed);
        using var packed = new GuardedMemory(8192);
        using var unpacked = new GuardedMemory(8192);
        var scratch = new byte[8192];
        var refused = 0;
        for (var i = 0; i < Mutations; i++)
        {
            var kind = Lz4Content.Kinds[random.NextInt32(Lz4Content.Kinds.Length)];
            var content = Lz4Content.Make(kind, random.NextInt32(0, 600), random.NextUInt64());
            var size = Lz4Mutation.Apply(random, scratch, Compress(content, scratch, 1));
            var capacity = random.Chance(0.5) ? content.Length : random.NextInt32(0, 1200);
            var block = packed.AtEnd(size);
            scratch.AsSpan(0, size).CopyTo(block);
            var destination = i % 2 == 0 ? unpacked.AtEnd(capacity) : unpacked.AtStart(capacity);
            var result = Decompress(block, destination);
            var expected = Lz4Reference.Decode(block, capacity);
            Assert.True(result <= capacity);
            if (result < 0)
            {
                refused++;
                continue; // A decoder may also refuse what only breaks the rules at the end.
            }

            if (expected is not null)
            {
                Assert.True(expected.AsSpan().SequenceEqual(destination[..result]), $"seed {seed}, mutation {i}");
            }
            else
            {
                Assert.False(RefusesOffsetZero, $"seed {seed}, mutation {i}: accepted what the format forbids");
            }
        }

        // The mutations must have bitten, and must not have destroyed everything.
        Assert.InRange(refused, Mutations / 10, Mutations * 9 / 10);
    }

    [Fact]
    public void Truncated_blocks_are_refused_or_shorter()
    {
        var content = Lz4Content.Make("text", 2000, seed: 6);
        var block = new byte[Lz4.MaxCompressedLength(content.Length)];
        var size = Compress(content, block, 1);
        var copy = new byte[content.Length];
        for (var length = 0; length < size; length++)
        {
            Assert.True(Decompress(block.AsSpan(0, length), copy) < content.Length);
        }
    }

    private static string Repeat(string hex, int count) => string.Concat(Enumerable.Repeat(hex, count));

    private static byte[] FromHex(string text) =>
        Convert.FromHexString(text.Replace(" ", string.Empty, false, CultureInfo.InvariantCulture));
}
