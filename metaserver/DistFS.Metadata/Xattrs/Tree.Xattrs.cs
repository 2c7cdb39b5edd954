using System.Buffers;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;
using DistFS.Primitives;

namespace DistFS.Metadata;

/// <content>Extended attributes as rows: {format 1, value}.</content>
public sealed partial class Tree
{
    private const byte XattrFormat = 1;

    /// <summary>
    /// Appends the value of an extended attribute to <paramref name="value"/>; false, and nothing appended, if there is
    /// none.
    /// </summary>
    public bool TryGetXattr(InodeId id, ReadOnlySpan<byte> name, IBufferWriter<byte> value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (!HasXattr(id, name))
        {
            return false;
        }

        var row = _value.WrittenSpan;
        RowFormatException.ThrowIf(row.Length < 1 || row[0] != XattrFormat, RowTable.Xattr, row);
        value.Write(row[1..]);
        return true;
    }

    /// <summary>Whether there is such an extended attribute.</summary>
    public bool HasXattr(InodeId id, ReadOnlySpan<byte> name) =>
        TryRead(RowKey.OfXattr(stackalloc byte[RowKey.BytesMax], id, name));

    /// <summary>Gives the rows of the extended attributes of an inode in order, until the visitor has enough.</summary>
    public void ScanXattrNames(InodeId id, RowVisitor row) =>
        ScanPrefix(RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.Xattr, id), row);

    /// <summary>Sets an extended attribute; what the inode says about it is the caller's matter.</summary>
    internal void PutXattr(InodeId id, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        var row = new byte[1 + value.Length];
        row[0] = XattrFormat;
        value.CopyTo(row.AsSpan(1));
        changes.Put(RowKey.OfXattr(stackalloc byte[RowKey.BytesMax], id, name), row);
    }

    /// <summary>Removes an extended attribute; what the inode says about it is the caller's matter.</summary>
    internal void RemoveXattr(InodeId id, ReadOnlySpan<byte> name) =>
        changes.Delete(RowKey.OfXattr(stackalloc byte[RowKey.BytesMax], id, name));

    /// <summary>Gives the rows whose keys start so, in order, until the visitor has enough.</summary>
    private void ScanPrefix(ReadOnlySpan<byte> prefix, RowVisitor row) =>
        changes.Scan(prefix, RowKey.After(stackalloc byte[RowKey.BytesMax], prefix), row);
}
