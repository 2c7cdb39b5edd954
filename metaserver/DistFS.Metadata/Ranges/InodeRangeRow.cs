using System.Buffers.Binary;
using DistFS.Metadata.Rows;

namespace DistFS.Metadata.Ranges;

/// <summary>What is left of a range of inode numbers of a session: {format 1, 0 7, next 8, end 8}.</summary>
/// <param name="Next">Those below are used or passed over.</param>
/// <param name="End">Behind the last one; above <paramref name="Next"/>.</param>
internal readonly record struct InodeRangeRow(ulong Next, ulong End)
{
    public const int SizeBytes = 24;

    private const byte Format = 1;

    public void Write(Span<byte> row)
    {
        row[..8].Clear();
        row[0] = Format;
        BinaryPrimitives.WriteUInt64LittleEndian(row[8..], Next);
        BinaryPrimitives.WriteUInt64LittleEndian(row[16..], End);
    }

    /// <exception cref="RowFormatException">It is none, or of a newer version.</exception>
    public static InodeRangeRow Read(ReadOnlySpan<byte> row)
    {
        RowFormatException.ThrowIf(row.Length != SizeBytes || row[0] != Format, RowTable.InodeRange, row);
        var range = new InodeRangeRow(
            BinaryPrimitives.ReadUInt64LittleEndian(row[8..]), BinaryPrimitives.ReadUInt64LittleEndian(row[16..]));
        RowFormatException.ThrowIf(range.Next >= range.End, RowTable.InodeRange, row);
        return range;
    }
}
