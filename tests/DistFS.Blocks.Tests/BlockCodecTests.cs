namespace DistFS.Blocks.Tests;

/// <summary>Pieces: their bytes, and what happens to those that are none.</summary>
public sealed class BlockCodecTests
{
    private static readonly BlockIndex Block = new(0x0123);

    [Fact]
    public void Golden_bytes_of_a_patch_that_is_raw()
    {
        var piece = new byte[PieceHeader.Bytes + 3];
        Assert.Equal(27, BlockCodec.EncodePatch(Block, 0x4567, "abc"u8, piece));
        Assert.Equal("DB01010023010000674500000300000003000000CD38C687616263", Convert.ToHexString(piece));
    }

    [Fact]
    public void Golden_bytes_of_zeros()
    {
        var piece = new byte[PieceHeader.Bytes];
        Assert.Equal(24, BlockCodec.EncodeZeros(Block, 1, 65_535, piece));
        Assert.Equal("DB0102002301000001000000FFFF0000000000003250F7BF", Convert.ToHexString(piece));
    }

    [Fact]
    public void A_block_that_compresses_is_stored_as_LZ4_and_other_blocks_raw()
    {
        var piece = new byte[BlockCodec.PieceBytesMax];
        var zeros = BlockCodec.EncodeBlock(Block, new byte[ChunkLayout.BlockBytes], piece);
        Assert.InRange(zeros, 25, 400);
        Assert.Equal(PieceFault.None, BlockCodec.Verify(piece.AsSpan(0, zeros), out var header));
        Assert.Equal(PieceCodec.Lz4, header.Codec);
        Assert.Equal(ChunkLayout.BlockBytes, header.Length);

        var random = Content.Random(1, ChunkLayout.BlockBytes);
        Assert.Equal(BlockCodec.PieceBytesMax, BlockCodec.EncodeBlock(Block, random, piece));
        Assert.Equal(PieceFault.None, BlockCodec.Verify(piece, out header));
        Assert.Equal(PieceCodec.Raw, header.Codec);

        // What saves a twentieth is not worth it, what saves an eighth is.
        random.AsSpan(0, ChunkLayout.BlockBytes / 20).Clear();
        Assert.Equal(BlockCodec.PieceBytesMax, BlockCodec.EncodeBlock(Block, random, piece));
        random.AsSpan(0, ChunkLayout.BlockBytes / 8).Clear();
        Assert.InRange(BlockCodec.EncodeBlock(Block, random, piece), 50_000, 60_000);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(255)]
    [InlineData(4096)]
    [InlineData(65_536)]
    public void What_is_encoded_is_decoded(int length)
    {
        var piece = new byte[BlockCodec.PieceBytesMax];
        var decoded = new byte[length];
        foreach (var content in (byte[][])[Content.Random(2, length), Content.Text(3, length), new byte[length]])
        {
            var written = BlockCodec.EncodeBlock(Block, content, piece);
            Assert.Equal(PieceFault.None, BlockCodec.Decode(piece.AsSpan(0, written), decoded, out var header));
            Assert.Equal(new PieceHeader(
                PieceKind.Block, header.Codec, Block, 0, length, written - 24, header.Checksum), header);
            Assert.Equal(content, decoded);
            Assert.Equal(PieceFault.Length, BlockCodec.Decode(piece.AsSpan(0, written), decoded.AsSpan(1), out _));
            Assert.Equal(PieceFault.Length, BlockCodec.Verify(piece.AsSpan(0, written - 1), out _));
        }
    }

    [Fact]
    public void Every_bit_is_under_the_checksum_or_checked()
    {
        var content = Content.Text(4, 700);
        var piece = new byte[724];
        var whole = piece.AsSpan(0, BlockCodec.EncodePatch(Block, 5, content, piece)).ToArray();
        for (var bit = 0; bit < whole.Length * 8; bit++)
        {
            whole[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.NotEqual(PieceFault.None, BlockCodec.Verify(whole, out _));
            whole[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void Whatever_the_bytes_are_nothing_is_written_outside()
    {
        const byte Guard = 0xA5;
        var random = new Prng(5);
        var piece = new byte[BlockCodec.PieceBytesMax];
        var room = new byte[ChunkLayout.BlockBytes + 128];
        var found = new HashSet<PieceFault>();
        for (var round = 0; round < 20_000; round++)
        {
            var content = Content.Text((ulong)round, 1 + random.NextInt32(2_000));
            var length = BlockCodec.EncodePatch(new BlockIndex(1), random.NextInt32(60_000), content, piece);
            for (var n = random.NextInt32(4); n > 0; n--)
            {
                piece[random.NextInt32(length)] = (byte)random.NextUInt64();
            }

            if (random.Chance(0.8) && PieceHeader.Read(piece.AsSpan(0, length), out var header) == PieceFault.None
                && header.TotalBytes <= length)
            {
                // As an adversary would: with the right checksum.
                length = PieceHeader.Seal(
                    piece, header.Kind, header.Codec, header.Block, header.Offset, header.Length, header.StoredLength);
            }

            Array.Fill(room, Guard);
            var size = random.NextInt32(ChunkLayout.BlockBytes + 1);
            found.Add(BlockCodec.Apply(new BlockIndex(1), piece.AsSpan(0, length), room.AsSpan(64, size)));
            Assert.Equal(-1, room.AsSpan(0, 64).IndexOfAnyExcept(Guard));
            Assert.Equal(-1, room.AsSpan(64 + size).IndexOfAnyExcept(Guard));
        }

        Assert.Superset(
            new HashSet<PieceFault> { PieceFault.None, PieceFault.Field, PieceFault.Checksum, PieceFault.Content },
            found);
    }

    [Fact]
    public void Pieces_lie_over_each_other_in_their_order()
    {
        var content = new byte[ChunkLayout.BlockBytes];
        StoredPiece[] pieces =
        [
            Content.Block(7, Content.Random(6, 40_000)),
            Content.Patch(7, 39_000, Content.Text(7, 3_000)),
            Content.Zeros(7, 100, 50),
            Content.Patch(7, 120, "xyz"u8),
        ];
        var expected = new byte[ChunkLayout.BlockBytes];
        Content.Random(6, 40_000).CopyTo(expected, 0);
        Content.Text(7, 3_000).CopyTo(expected, 39_000);
        expected.AsSpan(100, 50).Clear();
        "xyz"u8.CopyTo(expected.AsSpan(120));
        foreach (var length in (int[])[65_536, 40_500, 40_000, 121, 100, 1])
        {
            Array.Fill(content, (byte)0xEE);
            Assert.Equal(PieceFault.None, BlockCodec.Merge(new BlockIndex(7), pieces, content.AsSpan(0, length)));
            Assert.True(expected.AsSpan(0, length).SequenceEqual(content.AsSpan(0, length)), $"{length}");
        }

        Assert.Equal(PieceFault.Misplaced, BlockCodec.Merge(new BlockIndex(8), pieces, content));
        Array.Fill(content, (byte)0xEE);
        Assert.Equal(PieceFault.None, BlockCodec.Merge(new BlockIndex(7), [], content));
        Assert.Equal(-1, content.AsSpan().IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void Part_of_a_block_is_told_as_a_patch()
    {
        StoredPiece[] pieces = [Content.Block(7, Content.Text(8, 9_000)), Content.Patch(7, 4_000, "xyz"u8)];
        var piece = new byte[PieceHeader.Bytes + 4_096];
        Assert.Equal(
            PieceFault.None, BlockCodec.EncodeRange(new BlockIndex(7), pieces, 3_000, 4_096, piece, out var written));
        var whole = new byte[ChunkLayout.BlockBytes];
        Assert.Equal(PieceFault.None, BlockCodec.Merge(new BlockIndex(7), pieces, whole));
        var part = new byte[4_096];
        Assert.Equal(PieceFault.None, BlockCodec.Decode(piece.AsSpan(0, written), part, out var header));
        Assert.Equal((PieceKind.Patch, 3_000), (header.Kind, header.Offset));
        Assert.True(part.AsSpan().SequenceEqual(whole.AsSpan(3_000, 4_096)));
    }

    [Fact]
    public void Folding_gives_the_same_content_in_one_piece()
    {
        var folded = new byte[BlockCodec.PieceBytesMax];
        StoredPiece[] pieces =
        [
            Content.Block(7, Content.Text(9, 30_000)), Content.Patch(7, 29_000, Content.Random(10, 9_000)),
            Content.Zeros(7, 35_000, 30_536),
        ];
        Assert.Equal(PieceFault.None, BlockFolder.Fold(new BlockIndex(7), pieces, folded, out var written));
        Assert.Equal(PieceFault.None, BlockCodec.Verify(folded.AsSpan(0, written), out var header));
        Assert.Equal((PieceKind.Block, 35_000), (header.Kind, header.Length));
        Assert.Equal(Content.Merge(7, pieces), Content.Merge(7, [Content.Piece(folded[..written])]));

        pieces = [Content.Patch(7, 5, "abc"u8), Content.Zeros(7, 0, 60_000)];
        Assert.Equal(PieceFault.None, BlockFolder.Fold(new BlockIndex(7), pieces, folded, out written));
        Assert.Equal(0, written);

        var damaged = Content.Patch(7, 5, "abc"u8).Bytes.ToArray();
        damaged[^1] ^= 1;
        pieces = [new StoredPiece(pieces[0].Header, damaged)];
        Assert.Equal(PieceFault.Checksum, BlockFolder.Fold(new BlockIndex(7), pieces, folded, out _));
    }

    [Fact]
    public void A_run_of_pieces_is_taken_apart_and_ends_at_what_is_none()
    {
        byte[] run = [.. Content.Patch(1, 0, "a"u8).Bytes.Span, .. Content.Zeros(2, 0, 9).Bytes.Span];
        Assert.Equal(PieceFault.None, PieceReader.Verify(run, out _));
        Assert.Equal(PieceFault.Length, PieceReader.Verify(run.AsSpan(0, run.Length - 1), out _));
        Assert.Equal(PieceFault.NotAPiece, PieceReader.Verify((byte[])[.. run, .. new byte[24]], out _));
        run[^1] ^= 1;
        Assert.Equal(PieceFault.Checksum, PieceReader.Verify(run, out var block));
        Assert.Equal(new BlockIndex(2), block);
    }

    [Fact]
    public void Encoding_refuses_what_is_out_of_a_block()
    {
        var piece = new byte[BlockCodec.PieceBytesMax];
        Assert.ThrowsAny<ArgumentException>(() => BlockCodec.EncodeBlock(new BlockIndex(1_024), "a"u8, piece));
        Assert.ThrowsAny<ArgumentException>(() => BlockCodec.EncodeBlock(Block, [], piece));
        Assert.ThrowsAny<ArgumentException>(() => BlockCodec.EncodePatch(Block, 65_536, "a"u8, piece));
        Assert.ThrowsAny<ArgumentException>(() => BlockCodec.EncodePatch(Block, 0, "a"u8, piece.AsSpan(0, 24)));
        Assert.ThrowsAny<ArgumentException>(() => BlockCodec.EncodeZeros(Block, 1, 65_536, piece));
    }
}
