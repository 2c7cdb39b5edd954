using System.Buffers.Binary;
using DistFS.Primitives;

namespace DistFS.Chunks;

/// <summary>Keys of the three families; numbers are big-endian, so that keys sort like them.</summary>
internal static class StoreKeys
{
    /// <summary>chunk (8).</summary>
    public const int ChunkBytes = 8;

    /// <summary>chunk (8), part (8), block (4).</summary>
    public const int BlockBytes = 20;

    /// <summary>chunk (8), block (4), ordinal (4).</summary>
    public const int PieceBytes = 16;

    /// <summary>In the place of a block: the checksums of all blocks of the part. Sorts behind them.</summary>
    public const uint Summary = uint.MaxValue;

    public static Span<byte> Chunk(Span<byte> key, ChunkId chunk)
    {
        BinaryPrimitives.WriteUInt64BigEndian(key, chunk.Value);
        return key[..ChunkBytes];
    }

    public static Span<byte> Block(Span<byte> key, ChunkId chunk, ulong part, uint block)
    {
        BinaryPrimitives.WriteUInt64BigEndian(key, chunk.Value);
        BinaryPrimitives.WriteUInt64BigEndian(key[8..], part);
        BinaryPrimitives.WriteUInt32BigEndian(key[16..], block);
        return key[..BlockBytes];
    }

    public static Span<byte> Piece(Span<byte> key, ChunkId chunk, uint block, uint ordinal)
    {
        BinaryPrimitives.WriteUInt64BigEndian(key, chunk.Value);
        BinaryPrimitives.WriteUInt32BigEndian(key[8..], block);
        BinaryPrimitives.WriteUInt32BigEndian(key[12..], ordinal);
        return key[..PieceBytes];
    }

    public static (ChunkId Chunk, ulong Part) PartOf(ReadOnlySpan<byte> blockKey) => (
        new ChunkId(BinaryPrimitives.ReadUInt64BigEndian(blockKey)),
        BinaryPrimitives.ReadUInt64BigEndian(blockKey[8..]));

    public static (uint Block, uint Ordinal) PieceOf(ReadOnlySpan<byte> pieceKey) => (
        BinaryPrimitives.ReadUInt32BigEndian(pieceKey[8..]), BinaryPrimitives.ReadUInt32BigEndian(pieceKey[12..]));
}
