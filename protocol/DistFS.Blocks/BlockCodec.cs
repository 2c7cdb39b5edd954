using System.Buffers;
using DistFS.Native;
using DistFS.Primitives;

namespace DistFS.Blocks;

/// <summary>
/// Makes and reads pieces: what is stored and sent of a block. Allocates nothing; buffers are the caller's. Whatever
/// bytes it is given, it neither fails otherwise than by its result nor writes outside of its destination.
/// </summary>
public static class BlockCodec
{
    /// <summary>The largest piece: a header and a block that does not compress.</summary>
    public const int PieceBytesMax = PieceHeader.Bytes + ChunkLayout.BlockBytes;

    /// <summary>What is compressed has to save one part in so many, or it is stored raw.</summary>
    private const int SavesPart = 16;

    /// <summary>Below this LZ4 saves nothing worth its time.</summary>
    private const int CompressFrom = 256;

    /// <summary>Makes the piece that is the whole content of a block.</summary>
    /// <param name="block">Where in the chunk.</param>
    /// <param name="content">1 to 65,536 bytes; behind them the block is zeros.</param>
    /// <param name="destination">At least the content and 24 bytes; does not overlap it.</param>
    /// <returns>The length of the piece.</returns>
    /// <exception cref="ArgumentException">One of them is out of its range.</exception>
    public static int EncodeBlock(BlockIndex block, ReadOnlySpan<byte> content, Span<byte> destination) =>
        Encode(PieceKind.Block, block, 0, content, destination);

    /// <summary>Makes the piece that replaces some bytes of a block.</summary>
    /// <param name="block">Where in the chunk.</param>
    /// <param name="offset">Where in the block.</param>
    /// <param name="content">1 byte at least; with the offset within the block.</param>
    /// <param name="destination">At least the content and 24 bytes; does not overlap it.</param>
    /// <returns>The length of the piece.</returns>
    /// <exception cref="ArgumentException">One of them is out of its range.</exception>
    public static int EncodePatch(
        BlockIndex block, int offset, ReadOnlySpan<byte> content, Span<byte> destination) =>
        Encode(PieceKind.Patch, block, offset, content, destination);

    /// <summary>Makes the piece that replaces some bytes of a block by zeros.</summary>
    /// <returns>Its length: 24.</returns>
    /// <exception cref="ArgumentException">The range is out of the block, or the destination too short.</exception>
    public static int EncodeZeros(BlockIndex block, int offset, int length, Span<byte> destination)
    {
        Require(block, offset, length, destination.Length, PieceHeader.Bytes);
        return PieceHeader.Seal(destination, PieceKind.Zeros, PieceCodec.Raw, block, offset, length, 0);
    }

    /// <summary>Checks that some bytes are one whole piece, with the right checksum.</summary>
    public static PieceFault Verify(ReadOnlySpan<byte> piece, out PieceHeader header)
    {
        var fault = ReadWhole(piece, out header);
        return fault != PieceFault.None ? fault
            : PieceHeader.ChecksumOf(piece) == header.Checksum ? PieceFault.None
            : PieceFault.Checksum;
    }

    /// <summary>Verifies a piece and decodes its content.</summary>
    /// <param name="piece">One whole piece.</param>
    /// <param name="destination">Gets the content at its start; undefined when there is a fault.</param>
    /// <param name="header">The piece's; its length is what was written.</param>
    public static PieceFault Decode(ReadOnlySpan<byte> piece, Span<byte> destination, out PieceHeader header)
    {
        var fault = ReadWhole(piece, out header);
        if (fault == PieceFault.None && header is { Codec: PieceCodec.Raw, StoredLength: > 0 }
            && destination.Length >= header.Length)
        {
            return PieceHeader.ChecksumAndCopy(piece, destination[..header.Length]) == header.Checksum
                ? PieceFault.None
                : PieceFault.Checksum;
        }

        fault = Verify(piece, out header);
        return fault != PieceFault.None ? fault
            : destination.Length < header.Length ? PieceFault.Length
            : Unpack(header, piece, destination[..header.Length]);
    }

    /// <summary>
    /// Verifies a piece and lays it over the content of its block. A block is whole when its pieces were laid over
    /// zeros in their order.
    /// </summary>
    /// <param name="block">The block that the piece must be of.</param>
    /// <param name="piece">One whole piece.</param>
    /// <param name="destination">
    /// The block's content from its start, up to 65,536 bytes; what the piece has beyond is not looked at. Undefined
    /// when there is a fault.
    /// </param>
    public static PieceFault Apply(BlockIndex block, ReadOnlySpan<byte> piece, Span<byte> destination)
    {
        var fault = ReadWhole(piece, out var header);
        if (fault != PieceFault.None)
        {
            return fault;
        }

        var isCopied = header is { Codec: PieceCodec.Raw, StoredLength: > 0 } && header.Block == block
            && header.Offset + header.Length <= destination.Length;
        var checksum = isCopied
            ? PieceHeader.ChecksumAndCopy(piece, destination.Slice(header.Offset, header.Length))
            : PieceHeader.ChecksumOf(piece);
        if (checksum != header.Checksum)
        {
            return PieceFault.Checksum;
        }

        if (header.Block != block)
        {
            return PieceFault.Misplaced;
        }

        if (header.Kind == PieceKind.Block && destination.Length > header.Length)
        {
            destination[header.Length..].Clear();
        }

        if (isCopied)
        {
            return PieceFault.None;
        }

        if (header.Offset >= destination.Length)
        {
            return PieceFault.None;
        }

        var target = destination[header.Offset..];
        return target.Length >= header.Length
            ? Unpack(header, piece, target[..header.Length])
            : UnpackStart(header, piece, target);
    }

    /// <summary>Puts a block together: its pieces, in their order, over zeros.</summary>
    /// <param name="block">The block that they must be of.</param>
    /// <param name="pieces">Its pieces as a store reads them.</param>
    /// <param name="destination">
    /// Gets the block's content from its start, all of it overwritten; up to 65,536 bytes. Undefined when there is a
    /// fault.
    /// </param>
    public static PieceFault Merge(
        BlockIndex block, ReadOnlySpan<StoredPiece> pieces, Span<byte> destination)
    {
        if (pieces.IsEmpty || pieces[0].Header.Kind != PieceKind.Block)
        {
            destination.Clear();
        }

        foreach (var piece in pieces)
        {
            var fault = Apply(block, piece.Bytes.Span, destination);
            if (fault != PieceFault.None)
            {
                return fault;
            }
        }

        return PieceFault.None;
    }

    /// <summary>
    /// Makes a patch with some bytes of a block, for who wants less than all of it. What it is made from is verified;
    /// its checksum is of this machine.
    /// </summary>
    /// <param name="block">The block.</param>
    /// <param name="pieces">Its pieces as a store reads them.</param>
    /// <param name="offset">Where in the block.</param>
    /// <param name="length">1 byte at least; with the offset within the block.</param>
    /// <param name="destination">At least the length and 24 bytes.</param>
    /// <param name="written">The length of the patch; 0 when there is a fault.</param>
    /// <exception cref="ArgumentException">One of them is out of its range.</exception>
    public static PieceFault EncodeRange(
        BlockIndex block,
        ReadOnlySpan<StoredPiece> pieces,
        int offset,
        int length,
        Span<byte> destination,
        out int written)
    {
        Require(block, offset, length, destination.Length, PieceHeader.Bytes + length);
        written = 0;
        var content = ArrayPool<byte>.Shared.Rent(ChunkLayout.BlockBytes);
        try
        {
            var fault = Merge(block, pieces, content.AsSpan(0, offset + length));
            if (fault != PieceFault.None)
            {
                return fault;
            }

            content.AsSpan(offset, length).CopyTo(destination[PieceHeader.Bytes..]);
            written = PieceHeader.Seal(
                destination, PieceKind.Patch, PieceCodec.Raw, block, offset, length, length);
            return PieceFault.None;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(content);
        }
    }

    private static int Encode(
        PieceKind kind, BlockIndex block, int offset, ReadOnlySpan<byte> content, Span<byte> destination)
    {
        Require(block, offset, content.Length, destination.Length, PieceHeader.Bytes + content.Length);
        var stored = 0;
        var codec = PieceCodec.Lz4;
        if (content.Length >= CompressFrom)
        {
            // The room is the limit: LZ4 gives up as soon as it cannot save enough.
            var limit = content.Length - (content.Length / SavesPart);
            stored = Lz4.Compress(content, destination.Slice(PieceHeader.Bytes, limit));
        }

        if (stored == 0)
        {
            content.CopyTo(destination[PieceHeader.Bytes..]);
            (stored, codec) = (content.Length, PieceCodec.Raw);
        }

        return PieceHeader.Seal(destination, kind, codec, block, offset, content.Length, stored);
    }

    /// <summary>Checks that some bytes are one whole piece; its checksum is not looked at.</summary>
    private static PieceFault ReadWhole(ReadOnlySpan<byte> piece, out PieceHeader header)
    {
        var fault = PieceHeader.Read(piece, out header);
        return fault == PieceFault.None && piece.Length != header.TotalBytes ? PieceFault.Length : fault;
    }

    /// <summary>Decodes a piece that was verified into exactly its length.</summary>
    private static PieceFault Unpack(in PieceHeader header, ReadOnlySpan<byte> piece, Span<byte> destination)
    {
        var stored = piece[PieceHeader.Bytes..];
        if (header.Kind == PieceKind.Zeros)
        {
            destination.Clear();
            return PieceFault.None;
        }

        if (header.Codec == PieceCodec.Raw)
        {
            stored.CopyTo(destination);
            return PieceFault.None;
        }

        return Lz4.TryDecompress(stored, destination, out var written) && written == destination.Length
            ? PieceFault.None
            : PieceFault.Content;
    }

    /// <summary>Decodes the start of a piece that is longer than the destination.</summary>
    private static PieceFault UnpackStart(in PieceHeader header, ReadOnlySpan<byte> piece, Span<byte> destination)
    {
        if (header.Kind == PieceKind.Zeros)
        {
            destination.Clear();
            return PieceFault.None;
        }

        if (header.Codec == PieceCodec.Raw)
        {
            piece.Slice(PieceHeader.Bytes, destination.Length).CopyTo(destination);
            return PieceFault.None;
        }

        var whole = ArrayPool<byte>.Shared.Rent(ChunkLayout.BlockBytes);
        try
        {
            var fault = Unpack(header, piece, whole.AsSpan(0, header.Length));
            whole.AsSpan(0, destination.Length).CopyTo(destination);
            return fault;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(whole);
        }
    }

    private static void Require(BlockIndex block, int offset, int length, int room, int needed)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(block.Value, (uint)ChunkLayout.BlocksMax, nameof(block));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, ChunkLayout.BlockBytes - length);
        ArgumentOutOfRangeException.ThrowIfLessThan(room, needed, "destination");
    }
}
