namespace DistFS.Native.Tests;

/// <summary>The facade.</summary>
public sealed class Lz4Tests
{
    [Fact]
    public void What_is_compressed_comes_back()
    {
        var content = Lz4Content.Make("half", 65_536, seed: 1);
        var block = new byte[Lz4.MaxCompressedLength(content.Length)];
        var size = Lz4.Compress(content, block);
        Assert.InRange(size, 1, content.Length);
        var copy = new byte[content.Length + 10];
        Assert.Equal(content.Length, Lz4.Decompress(block.AsSpan(0, size), copy));
        Assert.Equal(content, copy[..content.Length]);
        Lz4.DecompressExactly(block.AsSpan(0, size), copy.AsSpan(0, content.Length));
        Assert.Throws<Lz4CorruptException>(() => Lz4.DecompressExactly(block.AsSpan(0, size), copy));
    }

    [Fact]
    public void Damage_is_a_typed_error()
    {
        var failure = Assert.Throws<Lz4CorruptException>(() => Lz4.Decompress([0x50, 0x61], new byte[5]));
        Assert.Equal(ErrorCatalog.CompressionCorrupt, failure.Code);
        Assert.Equal(FsStatus.Corrupt, failure.Status);
        Assert.False(Lz4.TryDecompress([0x50, 0x61], new byte[5], out var written));
        Assert.Equal(0, written);
    }

    [Fact]
    public void A_limit_under_the_size_gives_zero()
    {
        var content = Lz4Content.Make("random", 65_536, seed: 2);
        Assert.Equal(0, Lz4.Compress(content, new byte[65_536 - 4096]));
        Assert.Equal(0, Lz4.Compress(content, []));
    }

    /// <summary>LZ4_compressBound and LZ4_MAX_INPUT_SIZE of lz4.h.</summary>
    [Theory]
    [InlineData(0, 16)]
    [InlineData(1, 17)]
    [InlineData(255, 272)]
    [InlineData(65_536, 65_536 + 257 + 16)]
    public void The_bound_is_that_of_the_library(int length, int bound) =>
        Assert.Equal(bound, Lz4.MaxCompressedLength(length));

    [Fact]
    public void Lengths_over_the_limit_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Lz4.MaxCompressedLength(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Lz4.MaxCompressedLength(Lz4.InputBytesMax + 1));
        Assert.Throws<ArgumentOutOfRangeException>(CompressTooMuch);

        // The length is looked at before a byte is, so no such memory is needed.
        static unsafe void CompressTooMuch()
        {
            byte one = 0;
            Lz4.Compress(new ReadOnlySpan<byte>(&one, int.MaxValue), new byte[16]);
        }
    }

    [Fact]
    public void Threads_do_not_share_state()
    {
        Parallel.For(0, 64, index =>
        {
            var content = Lz4Content.Make("text", 20_000 + index, seed: (ulong)index);
            var block = new byte[Lz4.MaxCompressedLength(content.Length)];
            var copy = new byte[content.Length];
            for (var i = 0; i < 20; i++)
            {
                Lz4.DecompressExactly(block.AsSpan(0, Lz4.Compress(content, block)), copy);
                Assert.Equal(content, copy);
            }
        });
    }

    [Fact]
    public void The_library_is_in_use_here()
    {
        Assert.True(Lz4.IsNative);
        Assert.StartsWith("liblz4 1.", Lz4.Implementation, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_allocated_per_block()
    {
        var content = Lz4Content.Make("text", 65_536, seed: 3);
        var block = new byte[Lz4.MaxCompressedLength(content.Length)];
        var copy = new byte[content.Length];
        Allocations.AssertNone(() =>
        {
            var size = Lz4.Compress(content, block);
            Lz4.DecompressExactly(block.AsSpan(0, size), copy);
            size = ManagedLz4.Compress(content, block, 1);
            ManagedLz4.Decompress(block.AsSpan(0, size), copy);
        });
    }
}
