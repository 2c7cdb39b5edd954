using System.Buffers.Binary;
using DistFS.Primitives;

namespace DistFS.Blocks;

/// <summary>What a piece does to its block.</summary>
public enum PieceKind : byte
{
    /// <summary>Is the whole content of the block: its bytes from offset 0, and zeros behind them.</summary>
    Block = 0,

    /// <summary>Replaces some bytes of the block.</summary>
    Patch = 1,

    /// <summary>Replaces some bytes of the block by zeros; has no stored bytes.</summary>
    Zeros = 2,
}

/// <summary>How the bytes of a piece are stored.</summary>
public enum PieceCodec : byte
{
    /// <summary>As they are.</summary>
    Raw = 0,

    /// <summary>As one LZ4 block.</summary>
    Lz4 = 1,
}

/// <summary>What is wrong with bytes that should be a piece.</summary>
public enum PieceFault
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>They end too early, or go on after the piece.</summary>
    Length,

    /// <summary>They are no piece.</summary>
    NotAPiece,

    /// <summary>A piece of a later format.</summary>
    Format,

    /// <summary>A field is out of its range, or contradicts another.</summary>
    Field,

    /// <summary>The checksum is wrong.</summary>
    Checksum,

    /// <summary>The stored bytes do not decode to the length.</summary>
    Content,

    /// <summary>A piece of another block.</summary>
    Misplaced,
}

/// <summary>
/// The first 24 bytes of a piece, all numbers little-endian (docs/design/chunk-store.md; golden bytes in the tests).
/// </summary>
/// <param name="Kind">What the piece does.</param>
/// <param name="Codec">How its bytes are stored.</param>
/// <param name="Block">Where in the chunk; below 1,024.</param>
/// <param name="Offset">Where in the block; 0 for a block.</param>
/// <param name="Length">Bytes before compression, 1 to 65,536; with the offset within the block.</param>
/// <param name="StoredLength">
/// Bytes behind the header: the length when raw, less when compressed, 0 for zeros.
/// </param>
/// <param name="Checksum">CRC-32C of the first 20 bytes of the header and the stored bytes.</param>
public readonly record struct PieceHeader(
    PieceKind Kind, PieceCodec Codec, BlockIndex Block, int Offset, int Length, int StoredLength, uint Checksum)
{
    /// <summary>Its length in bytes.</summary>
    public const int Bytes = 24;

    internal const int ChecksumOffset = 20;
    private const byte Magic = 0xDB;
    private const byte Format = 1;

    /// <summary>Header and stored bytes.</summary>
    public int TotalBytes => Bytes + StoredLength;

    /// <summary>The byte of the chunk behind the last one of this piece.</summary>
    public uint End => (Block.Value * ChunkLayout.BlockBytes) + (uint)(Offset + Length);

    /// <summary>Whether nothing that lies below this piece shows.</summary>
    public bool CoversBlock => Kind == PieceKind.Block || Length == ChunkLayout.BlockBytes;

    /// <summary>Reads a header, and checks all of it but the checksum.</summary>
    public static PieceFault Read(ReadOnlySpan<byte> bytes, out PieceHeader header)
    {
        header = default;
        if (bytes.Length < Bytes)
        {
            return PieceFault.Length;
        }

        if (bytes[0] != Magic)
        {
            return PieceFault.NotAPiece;
        }

        if (bytes[1] != Format)
        {
            return PieceFault.Format;
        }

        var offset = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        var length = BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]);
        var stored = BinaryPrimitives.ReadUInt32LittleEndian(bytes[16..]);
        var block = BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]);
        if (bytes[6] != 0 || bytes[7] != 0 || block >= ChunkLayout.BlocksMax
            || length is 0 or > ChunkLayout.BlockBytes || offset > ChunkLayout.BlockBytes - length)
        {
            return PieceFault.Field;
        }

        var isConsistent = ((PieceKind)bytes[2], (PieceCodec)bytes[3]) switch
        {
            (PieceKind.Block, PieceCodec.Raw) => offset == 0 && stored == length,
            (PieceKind.Block, PieceCodec.Lz4) => offset == 0 && stored > 0 && stored < length,
            (PieceKind.Patch, PieceCodec.Raw) => stored == length,
            (PieceKind.Patch, PieceCodec.Lz4) => stored > 0 && stored < length,
            (PieceKind.Zeros, PieceCodec.Raw) => stored == 0,
            _ => false,
        };
        if (!isConsistent)
        {
            return PieceFault.Field;
        }

        header = new PieceHeader(
            (PieceKind)bytes[2], (PieceCodec)bytes[3], new BlockIndex(block), (int)offset, (int)length, (int)stored,
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[ChecksumOffset..]));
        return PieceFault.None;
    }

    /// <summary>Writes the header in front of stored bytes that are in place, with their checksum.</summary>
    internal static int Seal(
        Span<byte> piece, PieceKind kind, PieceCodec codec, BlockIndex block, int offset, int length, int stored)
    {
        WriteFields(piece, kind, codec, block, offset, length, stored);
        BinaryPrimitives.WriteUInt32LittleEndian(piece[ChecksumOffset..], ChecksumOf(piece[..(Bytes + stored)]));
        return Bytes + stored;
    }

    /// <summary>
    /// Writes the header of a raw patch in front of bytes that are in place, and that should have a checksum: if they
    /// have another one, whoever gets the patch finds it wrong.
    /// </summary>
    internal static int SealPatch(Span<byte> piece, BlockIndex block, int offset, int length, uint checksum)
    {
        WriteFields(piece, PieceKind.Patch, PieceCodec.Raw, block, offset, length, length);
        BinaryPrimitives.WriteUInt32LittleEndian(
            piece[ChecksumOffset..], Crc32C.Combine(Crc32C.Compute(piece[..ChecksumOffset]), checksum, length));
        return Bytes + length;
    }

    /// <summary>
    /// The checksum so far, of a piece that comes bit by bit: to be continued with its stored bytes, and then compared
    /// with <see cref="Checksum"/>.
    /// </summary>
    /// <param name="header">The first 24 bytes of a piece.</param>
    public static uint BeginChecksum(ReadOnlySpan<byte> header) => Crc32C.Compute(header[..ChecksumOffset]);

    internal static uint ChecksumOf(ReadOnlySpan<byte> piece) =>
        Crc32C.Append(Crc32C.Compute(piece[..ChecksumOffset]), piece[Bytes..]);

    /// <summary>As <see cref="ChecksumOf"/>, and copies the stored bytes.</summary>
    internal static uint ChecksumAndCopy(ReadOnlySpan<byte> piece, Span<byte> destination) =>
        Crc32C.AppendAndCopy(Crc32C.Compute(piece[..ChecksumOffset]), piece[Bytes..], destination);

    private static void WriteFields(
        Span<byte> piece, PieceKind kind, PieceCodec codec, BlockIndex block, int offset, int length, int stored)
    {
        piece[0] = Magic;
        piece[1] = Format;
        piece[2] = (byte)kind;
        piece[3] = (byte)codec;
        BinaryPrimitives.WriteUInt16LittleEndian(piece[4..], (ushort)block.Value);
        BinaryPrimitives.WriteUInt16LittleEndian(piece[6..], 0);
        BinaryPrimitives.WriteInt32LittleEndian(piece[8..], offset);
        BinaryPrimitives.WriteInt32LittleEndian(piece[12..], length);
        BinaryPrimitives.WriteInt32LittleEndian(piece[16..], stored);
    }
}
