using System.Buffers.Binary;
using DistFS.Metadata.Rows;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Chunks;

/// <summary>A copy that its server has to delete: {format 1, 0 3, version 4, since 8, copy 8}.</summary>
/// <param name="Version">In no newer version than this: what came to the server later is none of it.</param>
/// <param name="Since">The entry that made it garbage.</param>
/// <param name="Copy">
/// Of a copy that failed: the order by which it was made. What the server got of the same version by a later one is
/// none of it. 0: however it came there.
/// </param>
public readonly record struct GarbageRow(ChunkVersion Version, LogIndex Since, CopyId Copy = default)
{
    /// <summary>Bytes of a row.</summary>
    public const int SizeBytes = 24;

    private const byte Format = 1;

    /// <summary>The order to delete it.</summary>
    public DeleteOrder OrderFor(ChunkId chunk) =>
        new() { Chunk = chunk.Value, Version = Version.Value, Copy = Copy.Value };

    /// <summary>Whether an order is this one, and not one of something that was garbage before.</summary>
    public bool IsOrderedBy(DeleteOrder order)
    {
        ArgumentNullException.ThrowIfNull(order);
        return order.Version == Version.Value && order.Copy == Copy.Value;
    }

    /// <summary>Its bytes.</summary>
    public void Write(Span<byte> row)
    {
        row[..4].Clear();
        row[0] = Format;
        BinaryPrimitives.WriteUInt32LittleEndian(row[4..], Version.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(row[8..], Since.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(row[16..], Copy.Value);
    }

    /// <summary>Reads a row.</summary>
    /// <exception cref="RowFormatException">It is none, or of a newer version.</exception>
    public static GarbageRow Read(ReadOnlySpan<byte> row)
    {
        RowFormatException.ThrowIf(row.Length != SizeBytes || row[0] != Format, RowTable.Garbage, row);
        return new GarbageRow(
            new ChunkVersion(BinaryPrimitives.ReadUInt32LittleEndian(row[4..])),
            new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(row[8..])),
            new CopyId(BinaryPrimitives.ReadUInt64LittleEndian(row[16..])));
    }
}
