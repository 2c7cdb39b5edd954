namespace DistFS.Metadata.Rows;

/// <summary>The target of a symbolic link, or the bytes of a small file: {format 1, bytes as they are}.</summary>
internal static class ContentRow
{
    private const byte Format = 1;

    /// <summary>The bytes of a row.</summary>
    public static byte[] Write(ReadOnlySpan<byte> content)
    {
        var row = new byte[1 + content.Length];
        row[0] = Format;
        content.CopyTo(row.AsSpan(1));
        return row;
    }

    /// <summary>The content in a row.</summary>
    /// <exception cref="RowFormatException">It is none, or of a newer version.</exception>
    public static ReadOnlySpan<byte> Read(ReadOnlySpan<byte> row)
    {
        RowFormatException.ThrowIf(row.IsEmpty || row[0] != Format, RowTable.Content, row);
        return row[1..];
    }
}
