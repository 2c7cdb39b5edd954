using System.Buffers.Binary;
using DistFS.Metadata.Rows;

namespace DistFS.Metadata.Trash;

/// <summary>How long what is removed below a directory stays in the trash: {format 1, 0 7, seconds 8}.</summary>
/// <param name="Seconds">0 is off, whatever a directory above says.</param>
public readonly record struct RetentionRow(ulong Seconds)
{
    /// <summary>Bytes of a row.</summary>
    public const int SizeBytes = 16;

    private const byte Format = 1;

    /// <summary>Its bytes.</summary>
    public void Write(Span<byte> row)
    {
        row[..8].Clear();
        row[0] = Format;
        BinaryPrimitives.WriteUInt64LittleEndian(row[8..], Seconds);
    }

    /// <summary>Reads a row.</summary>
    /// <exception cref="RowFormatException">It is none, or of a newer version.</exception>
    public static RetentionRow Read(ReadOnlySpan<byte> row)
    {
        RowFormatException.ThrowIf(row.Length != SizeBytes || row[0] != Format, RowTable.Retention, row);
        return new RetentionRow(BinaryPrimitives.ReadUInt64LittleEndian(row[8..]));
    }
}
