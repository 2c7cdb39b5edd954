using DistFS.Metadata.Rows;

namespace DistFS.Metadata.Opens;

/// <summary>An open of an inode: {format 1, access 1}.</summary>
/// <param name="Access">What for.</param>
internal readonly record struct OpenRow(Access Access)
{
    public const int SizeBytes = 2;

    private const byte Format = 1;

    public void Write(Span<byte> row)
    {
        row[0] = Format;
        row[1] = (byte)Access;
    }

    /// <exception cref="RowFormatException">It is none, or of a newer version.</exception>
    public static OpenRow Read(ReadOnlySpan<byte> row)
    {
        RowFormatException.ThrowIf(
            row.Length != SizeBytes || row[0] != Format || row[1] is 0 or > 7, RowTable.Open, row);
        return new OpenRow((Access)row[1]);
    }
}
