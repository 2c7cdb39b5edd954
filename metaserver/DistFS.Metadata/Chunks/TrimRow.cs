using System.Buffers.Binary;
using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata.Chunks;

/// <summary>
/// What a truncation cut off and is not released yet: {format 1, 0 7, from 8, next 8, below 8}. A place of the file at
/// or behind <see cref="From"/> whose chunks are all older than <see cref="Below"/> reads as a hole.
/// </summary>
/// <remarks>Ids of chunks only grow, so whatever is written there after the cut is told from what was there.</remarks>
/// <param name="From">The first place that was cut off.</param>
/// <param name="Next">Before it all that was cut off is released.</param>
/// <param name="Below">The id that the next new chunk had at the cut.</param>
public readonly record struct TrimRow(ulong From, ulong Next, ChunkId Below)
{
    /// <summary>Bytes of a row.</summary>
    public const int SizeBytes = 32;

    private const byte Format = 1;

    /// <summary>Whether a place of the file is cut off.</summary>
    public bool Covers(ulong index, in MapRow row) =>
        index >= From && row.Chunk.Value < Below.Value && row.Replacement.Value < Below.Value;

    /// <summary>Its bytes.</summary>
    public void Write(Span<byte> row)
    {
        row[..8].Clear();
        row[0] = Format;
        BinaryPrimitives.WriteUInt64LittleEndian(row[8..], From);
        BinaryPrimitives.WriteUInt64LittleEndian(row[16..], Next);
        BinaryPrimitives.WriteUInt64LittleEndian(row[24..], Below.Value);
    }

    /// <summary>Reads a row.</summary>
    /// <exception cref="RowFormatException">It is none, or of a newer version.</exception>
    public static TrimRow Read(ReadOnlySpan<byte> row)
    {
        RowFormatException.ThrowIf(row.Length != SizeBytes || row[0] != Format, RowTable.Trim, row);
        return new TrimRow(
            BinaryPrimitives.ReadUInt64LittleEndian(row[8..]),
            BinaryPrimitives.ReadUInt64LittleEndian(row[16..]),
            new ChunkId(BinaryPrimitives.ReadUInt64LittleEndian(row[24..])));
    }
}
