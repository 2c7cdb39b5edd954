using System.Buffers.Binary;
using System.Text;
using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata.Members;

/// <summary>
/// A metaserver: {format 1, removed 1, bytes of the address 1, 0 5, store 8, address}. What is in force is the
/// configuration of the log; this is what it is to become.
/// </summary>
/// <param name="Store">Its data folder.</param>
/// <param name="Address">Where it listened when it was admitted; UTF-8, at most 255 bytes.</param>
/// <param name="IsRemoved">It is no member any more, for ever.</param>
public sealed record MemberRow(StoreId Store, string Address, bool IsRemoved)
{
    /// <summary>Longest address, in bytes of UTF-8.</summary>
    public const int AddressBytesMax = 255;

    private const int HeadBytes = 16;
    private const byte Format = 1;

    /// <summary>Its bytes.</summary>
    public byte[] Write()
    {
        var address = Encoding.UTF8.GetByteCount(Address);
        Check.That(address <= AddressBytesMax);
        var row = new byte[HeadBytes + address];
        row[0] = Format;
        row[1] = IsRemoved ? (byte)1 : (byte)0;
        row[2] = (byte)address;
        BinaryPrimitives.WriteUInt64LittleEndian(row.AsSpan(8), Store.Value);
        Encoding.UTF8.GetBytes(Address, row.AsSpan(HeadBytes));
        return row;
    }

    /// <summary>Reads a row.</summary>
    /// <exception cref="RowFormatException">It is none, or of a newer version.</exception>
    public static MemberRow Read(ReadOnlySpan<byte> row)
    {
        RowFormatException.ThrowIf(
            row.Length < HeadBytes || row[0] != Format || row[1] > 1 || row.Length != HeadBytes + row[2],
            RowTable.Member,
            row);
        return new MemberRow(
            new StoreId(BinaryPrimitives.ReadUInt64LittleEndian(row[8..])),
            Encoding.UTF8.GetString(row[HeadBytes..]),
            row[1] == 1);
    }
}
