using System.Buffers.Binary;
using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata.Chunks;

/// <summary>A place of a file that has a chunk: {format 1, 0 3, limit 4, chunk 8, replacement 8}.</summary>
/// <param name="Chunk">What it reads; zero when its bytes stand in the metadata row still.</param>
/// <param name="Limit">
/// No more of the chunk than so many bytes is the file's: less than a chunk only for what is or was shared, since what
/// one file cuts off another still has.
/// </param>
/// <param name="Replacement">
/// What is being filled to take its place, because the chunk is shared or the bytes are not in a chunk; or zero.
/// </param>
public readonly record struct MapRow(ChunkId Chunk, uint Limit, ChunkId Replacement)
{
    /// <summary>Bytes of a row.</summary>
    public const int SizeBytes = 24;

    private const byte Format = 1;

    /// <summary>A place with a chunk of its own.</summary>
    public static MapRow Of(ChunkId chunk) => new(chunk, ChunkLayout.ChunkBytes, default);

    /// <summary>Its bytes.</summary>
    public void Write(Span<byte> row)
    {
        row[..4].Clear();
        row[0] = Format;
        BinaryPrimitives.WriteUInt32LittleEndian(row[4..], Limit);
        BinaryPrimitives.WriteUInt64LittleEndian(row[8..], Chunk.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(row[16..], Replacement.Value);
    }

    /// <summary>Reads a row.</summary>
    /// <exception cref="RowFormatException">It is none, or of a newer version.</exception>
    public static MapRow Read(ReadOnlySpan<byte> row)
    {
        RowFormatException.ThrowIf(row.Length != SizeBytes || row[0] != Format, RowTable.Map, row);
        var read = new MapRow(
            new ChunkId(BinaryPrimitives.ReadUInt64LittleEndian(row[8..])),
            BinaryPrimitives.ReadUInt32LittleEndian(row[4..]),
            new ChunkId(BinaryPrimitives.ReadUInt64LittleEndian(row[16..])));
        RowFormatException.ThrowIf(
            read.Limit > ChunkLayout.ChunkBytes || read is { Chunk.Value: 0, Replacement.Value: 0 }, RowTable.Map, row);
        return read;
    }
}
