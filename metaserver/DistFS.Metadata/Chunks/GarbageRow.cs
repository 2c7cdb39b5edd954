using System.Buffers.Binary;
using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata.Chunks;

/// <summary>A copy that its server has to delete: {format 1, 0 3, version 4, since 8}.</summary>
/// <param name="Version">In no newer version than this: what came to the server later is none of it.</param>
/// <param name="Since">The entry that made it garbage.</param>
public readonly record struct GarbageRow(ChunkVersion Version, LogIndex Since)
{
    /// <summary>Bytes of a row.</summary>
    public const int SizeBytes = 16;

    private const byte Format = 1;

    /// <summary>Its bytes.</summary>
    public void Write(Span<byte> row)
    {
        row[..4].Clear();
        row[0] = Format;
        BinaryPrimitives.WriteUInt32LittleEndian(row[4..], Version.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(row[8..], Since.Value);
    }

    /// <summary>Reads a row.</summary>
    /// <exception cref="RowFormatException">It is none, or of a newer version.</exception>
    public static GarbageRow Read(ReadOnlySpan<byte> row)
    {
        RowFormatException.ThrowIf(row.Length != SizeBytes || row[0] != Format, RowTable.Garbage, row);
        return new GarbageRow(
            new ChunkVersion(BinaryPrimitives.ReadUInt32LittleEndian(row[4..])),
            new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(row[8..])));
    }
}
