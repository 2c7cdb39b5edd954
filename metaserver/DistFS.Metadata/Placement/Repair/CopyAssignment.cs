using System.Buffers.Binary;
using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata.Placement.Repair;

/// <summary>
/// A copy under way, which is all of repair that is persisted: {format 1, copy 8, chunk 8, version 4, source 4,
/// target 4, replaces 4, size 8, began 8}, numbers little-endian.
/// </summary>
/// <param name="Copy">Names this attempt.</param>
/// <param name="Chunk">What is copied.</param>
/// <param name="Version">The version it must have at the source.</param>
/// <param name="Source">Where a good replica is.</param>
/// <param name="Target">Where one is to be; it may have a bad one, which stays until the good one is whole.</param>
/// <param name="Replaces">In a move, the server that loses its replica afterwards; zero in a repair.</param>
/// <param name="SizeBytes">Bytes to copy.</param>
/// <param name="BeganMs">When it began, in the milliseconds that the planner was given.</param>
public readonly record struct CopyAssignment(
    CopyId Copy,
    ChunkId Chunk,
    ChunkVersion Version,
    ServerId Source,
    ServerId Target,
    ServerId Replaces,
    long SizeBytes,
    long BeganMs)
{
    /// <summary>Bytes of a row.</summary>
    public const int RowBytes = 49;

    private const byte Format = 1;

    /// <summary>Its bytes.</summary>
    public void Write(Span<byte> row)
    {
        row[0] = Format;
        BinaryPrimitives.WriteUInt64LittleEndian(row[1..], Copy.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(row[9..], Chunk.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(row[17..], Version.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(row[21..], Source.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(row[25..], Target.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(row[29..], Replaces.Value);
        BinaryPrimitives.WriteInt64LittleEndian(row[33..], SizeBytes);
        BinaryPrimitives.WriteInt64LittleEndian(row[41..], BeganMs);
    }

    /// <summary>Reads a row.</summary>
    /// <exception cref="RowFormatException">It is none, or of a newer version.</exception>
    public static CopyAssignment Read(ReadOnlySpan<byte> row)
    {
        RowFormatException.ThrowIf(row.Length != RowBytes || row[0] != Format, RowTable.CopyAssignment, row);
        var assignment = new CopyAssignment(
            new CopyId(BinaryPrimitives.ReadUInt64LittleEndian(row[1..])),
            new ChunkId(BinaryPrimitives.ReadUInt64LittleEndian(row[9..])),
            new ChunkVersion(BinaryPrimitives.ReadUInt32LittleEndian(row[17..])),
            new ServerId(BinaryPrimitives.ReadUInt32LittleEndian(row[21..])),
            new ServerId(BinaryPrimitives.ReadUInt32LittleEndian(row[25..])),
            new ServerId(BinaryPrimitives.ReadUInt32LittleEndian(row[29..])),
            BinaryPrimitives.ReadInt64LittleEndian(row[33..]),
            BinaryPrimitives.ReadInt64LittleEndian(row[41..]));
        RowFormatException.ThrowIf(
            assignment.Copy.Value == 0 || assignment.Chunk.Value == 0 || assignment.SizeBytes < 0
            || assignment.Source == assignment.Target,
            RowTable.CopyAssignment,
            row);
        return assignment;
    }
}
