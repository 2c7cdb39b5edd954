using DistFS.Blocks;
using DistFS.Client.Chunks;

namespace DistFS.Client.Tests.Chunks;

/// <summary>Blocks that are put together as they come, against an array.</summary>
public sealed class BlockSinkTests
{
    private const int Block = ChunkLayout.BlockBytes;
    private const int Blocks = 5;
    private const int Guard = 64;
    private const byte Untouched = 0x5A;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Whatever_pieces_a_block_has_and_however_they_come_its_content_is_read(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 150; round++)
        {
            var (pieces, content) = Chunk(random);
            for (var read = 0; read < 6; read++)
            {
                var (offset, length) = Range(random);
                var payload = random.Next(4) == 0 && offset / Block == (offset + length - 1) / Block
                    ? Patch(content, offset, length)
                    : Payload(pieces, offset, length);
                var (fault, bytes) = Receive(random, payload, offset, length);
                Assert.Equal(PieceFault.None, fault);
                Assert.True(
                    bytes.AsSpan().SequenceEqual(content.AsSpan(offset, length)), $"round {round}: {offset}+{length}");
            }
        }
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public void A_damaged_byte_is_found_and_nothing_is_written_beside(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 400; round++)
        {
            var (pieces, _) = Chunk(random);
            var (offset, length) = Range(random);
            var payload = Payload(pieces, offset, length);
            if (payload.Length == 0)
            {
                continue;
            }

            // Headers are few, so they get half of it.
            var at = random.Next(2) == 0 ? random.Next(payload.Length) : HeaderByte(random, payload);
            payload[at] ^= (byte)(1 << random.Next(8));
            var (fault, _) = Receive(random, payload, offset, length);
            Assert.NotEqual(PieceFault.None, fault);
        }
    }

    [Fact]
    public void Garbage_and_ends_anywhere_are_faults_or_fewer_pieces_and_never_more()
    {
        var random = new Random(6);
        for (var round = 0; round < 600; round++)
        {
            var (pieces, _) = Chunk(random);
            var (offset, length) = Range(random);
            var payload = Payload(pieces, offset, length);
            var garbage = new byte[random.Next(1, 100)];
            random.NextBytes(garbage);
            payload = random.Next(3) switch
            {
                0 => garbage,
                1 => payload[..random.Next(payload.Length + 1)],
                _ => [.. payload, .. garbage],
            };
            Receive(random, payload, offset, length);
        }
    }

    [Fact]
    public void Blocks_in_another_order_or_of_elsewhere_are_misplaced()
    {
        var random = new Random(7);
        var zero = PieceOf(random, 0);
        var one = PieceOf(random, 1);
        Assert.Equal(PieceFault.None, Receive(random, [.. zero, .. one], 0, 2 * Block).Fault);
        Assert.Equal(PieceFault.Misplaced, Receive(random, [.. one, .. zero], 0, 2 * Block).Fault);
        Assert.Equal(PieceFault.Misplaced, Receive(random, [.. zero, .. one], 0, Block).Fault);
        Assert.Equal(PieceFault.Misplaced, Receive(random, zero, Block, Block).Fault);
    }

    [Fact]
    public void A_block_that_comes_behind_a_patch_of_it_lies_over_it()
    {
        // The patch is kept, the block could be received in its place: then the patch would come to lie over it.
        var random = new Random(8);
        var patch = new byte[BlockCodec.PieceBytesMax];
        var length = BlockCodec.EncodePatch(new BlockIndex(0), 10, Bytes(random, 500, 0), patch);
        var content = Bytes(random, Block, 0);
        var block = new byte[BlockCodec.PieceBytesMax];
        var blockLength = BlockCodec.EncodeBlock(new BlockIndex(0), content, block);
        var (fault, bytes) = Receive(
            random, [.. patch.AsSpan(0, length), .. block.AsSpan(0, blockLength)], 0, Block);
        Assert.Equal(PieceFault.None, fault);
        Assert.True(bytes.AsSpan().SequenceEqual(content));
    }

    /// <summary>As a connection does: any part of what the sink asks for, until all of the payload is there.</summary>
    private static (PieceFault Fault, byte[] Bytes) Receive(Random random, byte[] payload, int offset, int length)
    {
        var memory = new byte[length + (2 * Guard)];
        memory.AsSpan().Fill(Untouched);
        using var sink = BlockSink.Rent((uint)offset, memory.AsMemory(Guard, length));
        if (payload.Length > 0)
        {
            sink.Begin(payload.Length);
        }

        var isWhole = random.Next(2) == 0;
        for (var at = 0; at < payload.Length;)
        {
            var next = sink.Next();
            Assert.False(next.IsEmpty);
            var most = Math.Min(next.Length, payload.Length - at);
            var count = isWhole ? most : random.Next(1, most + 1);
            payload.AsSpan(at, count).CopyTo(next.Span);
            sink.Advance(count);
            at += count;
        }

        var fault = sink.Finish(out _);
        Assert.Equal(-1, memory.AsSpan(0, Guard).IndexOfAnyExcept(Untouched));
        Assert.Equal(-1, memory.AsSpan(Guard + length).IndexOfAnyExcept(Untouched));
        return (fault, memory[Guard..(Guard + length)]);
    }

    private static (List<byte[]>[] Pieces, byte[] Content) Chunk(Random random)
    {
        var content = new byte[Blocks * Block];
        var pieces = new List<byte[]>[Blocks];
        for (var block = 0u; block < Blocks; block++)
        {
            pieces[block] = [];
            var whole = content.AsSpan((int)block * Block, Block);
            if (random.Next(5) > 0)
            {
                Add(whole, random.Next(3) == 0 ? Bytes(random, random.Next(1, Block + 1), random.Next(2))
                    : Bytes(random, Block, random.Next(2)));
            }

            for (var i = random.Next(2) * random.Next(4); i > 0; i--)
            {
                var at = random.Next(Block);
                var length = random.Next(8) == 0 ? Block - at : Math.Min(Block - at, random.Next(1, 9000));
                var piece = new byte[BlockCodec.PieceBytesMax];
                int used;
                if (random.Next(4) == 0)
                {
                    used = BlockCodec.EncodeZeros(new BlockIndex(block), at, length, piece);
                    whole.Slice(at, length).Clear();
                }
                else
                {
                    var bytes = Bytes(random, length, random.Next(2));
                    used = BlockCodec.EncodePatch(new BlockIndex(block), at, bytes, piece);
                    bytes.CopyTo(whole[at..]);
                }

                pieces[block].Add(piece[..used]);
            }

            void Add(Span<byte> over, byte[] bytes)
            {
                var piece = new byte[BlockCodec.PieceBytesMax];
                var used = BlockCodec.EncodeBlock(new BlockIndex(block), bytes, piece);
                pieces[block].Add(piece[..used]);
                over.Clear();
                bytes.CopyTo(over);
            }
        }

        return (pieces, content);
    }

    private static (int Offset, int Length) Range(Random random)
    {
        var offset = random.Next(3) == 0 ? random.Next(Blocks) * Block : random.Next(Blocks * Block);
        var most = (Blocks * Block) - offset;
        return (offset, random.Next(3) switch
        {
            0 => most,
            1 => Math.Min(most, random.Next(1, 5000)),
            _ => random.Next(1, most + 1),
        });
    }

    private static byte[] Payload(List<byte[]>[] pieces, int offset, int length) =>
        [.. pieces[(offset / Block)..(((offset + length - 1) / Block) + 1)].SelectMany(of => of).SelectMany(p => p)];

    /// <summary>What a server makes for who wants less than a block.</summary>
    private static byte[] Patch(byte[] content, int offset, int length)
    {
        var block = new byte[BlockCodec.PieceBytesMax];
        var index = new BlockIndex((uint)(offset / Block));
        var stored = BlockCodec.EncodeBlock(index, content.AsSpan(offset / Block * Block, Block), block);
        Assert.Equal(PieceFault.None, BlockCodec.Verify(block.AsSpan(0, stored), out var header));
        var range = new byte[length + PieceHeader.Bytes];
        var fault = BlockCodec.EncodeRange(
            index, [new StoredPiece(header, block.AsMemory(0, stored))], offset % Block, length, range, out var used);
        Assert.Equal(PieceFault.None, fault);
        return range[..used];
    }

    private static int HeaderByte(Random random, byte[] payload)
    {
        var starts = new List<int>();
        var at = 0;
        var reader = new PieceReader(payload);
        while (reader.Next(out var header, out _))
        {
            starts.Add(at);
            at += header.TotalBytes;
        }

        return starts[random.Next(starts.Count)] + random.Next(PieceHeader.Bytes);
    }

    private static byte[] PieceOf(Random random, uint block)
    {
        var piece = new byte[BlockCodec.PieceBytesMax];
        return piece[..BlockCodec.EncodeBlock(new BlockIndex(block), Bytes(random, Block, 0), piece)];
    }

    /// <summary>0: what does not compress; 1: what does.</summary>
    private static byte[] Bytes(Random random, int length, int kind)
    {
        var bytes = new byte[length];
        random.NextBytes(kind == 0 ? bytes : bytes.AsSpan(0, (length + 3) / 4));
        return bytes;
    }
}
