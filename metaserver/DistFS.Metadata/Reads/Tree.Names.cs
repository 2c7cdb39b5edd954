using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;
using DistFS.Primitives;

namespace DistFS.Metadata;

/// <content>Listings.</content>
public sealed partial class Tree
{
    /// <summary>Gives the names of a directory from a cookie on, in order, until the visitor has enough.</summary>
    internal void ScanNames(InodeId directory, ulong from, RowVisitor row) => changes.Scan(
        RowKey.OfDentry(stackalloc byte[RowKey.BytesMax], directory, from, []),
        RowKey.After(
            stackalloc byte[RowKey.BytesMax],
            RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.Dentry, directory)),
        row);
}
