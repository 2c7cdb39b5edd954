using System.Buffers;
using System.Buffers.Binary;
using DistFS.Primitives;

namespace DistFS.Blocks;

/// <summary>Puts the pieces of a block together into one.</summary>
internal static class BlockFolder
{
    /// <summary>
    /// Verifies the pieces, lays them over each other, and encodes the result, which is decoded again and compared.
    /// </summary>
    /// <param name="block">Their block.</param>
    /// <param name="pieces">In their order.</param>
    /// <param name="destination">At least <see cref="BlockCodec.PieceBytesMax"/>.</param>
    /// <param name="written">The length of the new piece; 0 when the block is all zeros, or a piece is damaged.</param>
    public static PieceFault Fold(
        BlockIndex block, ReadOnlySpan<StoredPiece> pieces, Span<byte> destination, out int written)
    {
        written = 0;
        var content = ArrayPool<byte>.Shared.Rent(ChunkLayout.BlockBytes);
        var again = ArrayPool<byte>.Shared.Rent(ChunkLayout.BlockBytes);
        try
        {
            var whole = content.AsSpan(0, ChunkLayout.BlockBytes);
            var fault = BlockCodec.Merge(block, pieces, whole);
            if (fault != PieceFault.None)
            {
                return fault;
            }

            var length = LengthOf(pieces);
            if (length == 0)
            {
                return PieceFault.None;
            }

            var piece = BlockCodec.EncodeBlock(block, whole[..length], destination);

            // The new checksum vouches for bytes that no client has seen like this: so it is of what they decode to.
            fault = BlockCodec.Decode(destination[..piece], again, out _);
            Check.That(fault == PieceFault.None && again.AsSpan(0, length).SequenceEqual(whole[..length]));
            written = piece;
            return PieceFault.None;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(content);
            ArrayPool<byte>.Shared.Return(again);
        }
    }

    /// <summary>The checksum that stands for the pieces of a block in a <c>BlockDigest</c>.</summary>
    public static uint Digest(uint soFar, uint checksum)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, checksum);
        return Crc32C.Append(soFar, bytes);
    }

    /// <summary>The end of what is not known to be zeros.</summary>
    private static int LengthOf(ReadOnlySpan<StoredPiece> pieces)
    {
        var length = 0;
        foreach (var piece in pieces)
        {
            var end = piece.Header.Offset + piece.Header.Length;
            length = piece.Header.Kind switch
            {
                PieceKind.Block => end,
                PieceKind.Patch => Math.Max(length, end),
                _ => end >= length ? Math.Min(length, piece.Header.Offset) : length,
            };
        }

        return length;
    }
}
