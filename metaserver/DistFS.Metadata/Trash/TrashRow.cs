using System.Buffers.Binary;
using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata.Trash;

/// <summary>
/// Something in the trash, under the directory that it was in: {format 1, 0 3, removed by 4, purge 8, seconds 8,
/// nanoseconds 4, name}.
/// </summary>
/// <param name="Purge">From this second since the epoch on it goes for good.</param>
/// <param name="Removed">When it lost its last name.</param>
/// <param name="RemovedBy">The user who removed it.</param>
/// <param name="Name">The name that it lost.</param>
public readonly record struct TrashRow(ulong Purge, FileTime Removed, uint RemovedBy, ReadOnlyMemory<byte> Name)
{
    private const byte Format = 1;
    private const int HeaderBytes = 28;

    /// <summary>Its bytes.</summary>
    public byte[] Write()
    {
        var row = new byte[HeaderBytes + Name.Length];
        row[0] = Format;
        BinaryPrimitives.WriteUInt32LittleEndian(row.AsSpan(4), RemovedBy);
        BinaryPrimitives.WriteUInt64LittleEndian(row.AsSpan(8), Purge);
        BinaryPrimitives.WriteInt64LittleEndian(row.AsSpan(16), Removed.Seconds);
        BinaryPrimitives.WriteUInt32LittleEndian(row.AsSpan(24), Removed.Nanoseconds);
        Name.Span.CopyTo(row.AsSpan(HeaderBytes));
        return row;
    }

    /// <summary>Reads a row.</summary>
    /// <exception cref="RowFormatException">It is none, or of a newer version.</exception>
    public static TrashRow Read(ReadOnlySpan<byte> row)
    {
        RowFormatException.ThrowIf(
            row.Length is <= HeaderBytes or > HeaderBytes + RowKey.NameBytesMax || row[0] != Format,
            RowTable.TrashEntry, row);
        var nanoseconds = BinaryPrimitives.ReadUInt32LittleEndian(row[24..]);
        RowFormatException.ThrowIf(nanoseconds >= FileTime.NanosecondsPerSecond, RowTable.TrashEntry, row);
        return new TrashRow(
            BinaryPrimitives.ReadUInt64LittleEndian(row[8..]),
            new FileTime(BinaryPrimitives.ReadInt64LittleEndian(row[16..]), nanoseconds),
            BinaryPrimitives.ReadUInt32LittleEndian(row[4..]),
            row[HeaderBytes..].ToArray());
    }
}
