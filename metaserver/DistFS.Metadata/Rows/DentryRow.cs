using System.Buffers.Binary;
using DistFS.Primitives;

namespace DistFS.Metadata.Rows;

/// <summary>What a name stands for: {format 1, kind 1, inode 8}.</summary>
/// <param name="Inode">Its inode.</param>
/// <param name="Kind">What that is, so that a listing need not ask it.</param>
public readonly record struct DentryRow(InodeId Inode, InodeKind Kind)
{
    /// <summary>Bytes of a row.</summary>
    public const int SizeBytes = 10;

    private const byte Format = 1;

    /// <summary>Its bytes.</summary>
    public void Write(Span<byte> row)
    {
        row[0] = Format;
        row[1] = (byte)Kind;
        BinaryPrimitives.WriteUInt64LittleEndian(row[2..], Inode.Value);
    }

    /// <summary>Reads a row.</summary>
    /// <exception cref="RowFormatException">It is none, or of a newer version.</exception>
    public static DentryRow Read(ReadOnlySpan<byte> row)
    {
        RowFormatException.ThrowIf(row.Length != SizeBytes || row[0] != Format, RowTable.Dentry, row);
        return new DentryRow(new InodeId(BinaryPrimitives.ReadUInt64LittleEndian(row[2..])), (InodeKind)row[1]);
    }
}
