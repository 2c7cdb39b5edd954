using System.Buffers.Binary;
using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata.Quotas;

/// <summary>
/// What belongs to one quota is being given to another; there is one walk at a time. {format 1, 0 7, from 8, to 8}.
/// </summary>
/// <param name="From">Whose it was; zero for nobody's.</param>
/// <param name="To">Whose it will be; zero for nobody's.</param>
internal readonly record struct WalkRow(InodeId From, InodeId To)
{
    public const int SizeBytes = 24;

    private const byte Format = 1;

    public void Write(Span<byte> row)
    {
        row[..8].Clear();
        row[0] = Format;
        BinaryPrimitives.WriteUInt64LittleEndian(row[8..], From.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(row[16..], To.Value);
    }

    /// <exception cref="RowFormatException">It is none, or of a newer version.</exception>
    public static WalkRow Read(ReadOnlySpan<byte> row)
    {
        RowFormatException.ThrowIf(row.Length != SizeBytes || row[0] != Format, RowTable.Meta, row);
        return new WalkRow(
            new InodeId(BinaryPrimitives.ReadUInt64LittleEndian(row[8..])),
            new InodeId(BinaryPrimitives.ReadUInt64LittleEndian(row[16..])));
    }
}
