using DistFS.Primitives;

namespace DistFS.Metadata.Rows;

/// <summary>A row has bytes that this version did not write: fatal for the member.</summary>
public sealed class RowFormatException : DistFsException
{
    private RowFormatException(string message)
        : base(ErrorCatalog.StoreFormatUnknown, message)
    {
    }

    /// <summary>Throws, with the first bytes of the row.</summary>
    internal static void ThrowIf(bool isWrong, RowTable table, ReadOnlySpan<byte> row)
    {
        if (isWrong)
        {
            throw new RowFormatException($"A row of table '{(char)table}' of {row.Length} bytes cannot be read: it "
                + $"starts with {Convert.ToHexStringLower(row[..Math.Min(row.Length, 16)])}.");
        }
    }
}
