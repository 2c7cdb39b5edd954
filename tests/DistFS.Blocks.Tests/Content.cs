namespace DistFS.Blocks.Tests;

/// <summary>Bytes to write, and what they are as pieces.</summary>
internal static class Content
{
    /// <summary>Bytes that do not compress.</summary>
    public static byte[] Random(ulong seed, int length)
    {
        var bytes = new byte[length];
        new Prng(seed).Fill(bytes);
        return bytes;
    }

    /// <summary>Bytes that compress.</summary>
    public static byte[] Text(ulong seed, int length)
    {
        var bytes = Random(seed, length);
        for (var i = 0; i < length; i++)
        {
            bytes[i] = (byte)('a' + (bytes[i] % 4));
        }

        return bytes;
    }

    public static StoredPiece Block(uint block, ReadOnlySpan<byte> content)
    {
        var piece = new byte[PieceHeader.Bytes + content.Length];
        return Piece(piece[..BlockCodec.EncodeBlock(new BlockIndex(block), content, piece)]);
    }

    public static StoredPiece Patch(uint block, int offset, ReadOnlySpan<byte> content)
    {
        var piece = new byte[PieceHeader.Bytes + content.Length];
        return Piece(piece[..BlockCodec.EncodePatch(new BlockIndex(block), offset, content, piece)]);
    }

    public static StoredPiece Zeros(uint block, int offset, int length)
    {
        var piece = new byte[PieceHeader.Bytes];
        BlockCodec.EncodeZeros(new BlockIndex(block), offset, length, piece);
        return Piece(piece);
    }

    public static StoredPiece Piece(byte[] piece)
    {
        Assert.Equal(PieceFault.None, BlockCodec.Verify(piece, out var header));
        return new StoredPiece(header, piece);
    }

    /// <summary>The whole content of a block.</summary>
    public static byte[] Merge(uint block, ReadOnlySpan<StoredPiece> pieces)
    {
        var content = new byte[ChunkLayout.BlockBytes];
        Assert.Equal(PieceFault.None, BlockCodec.Merge(new BlockIndex(block), pieces, content));
        return content;
    }
}
