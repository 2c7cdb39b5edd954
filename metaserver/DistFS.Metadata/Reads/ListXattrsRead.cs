using System.Buffers;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Xattrs;
using DistFS.Primitives;

namespace DistFS.Metadata.Reads;

/// <summary>listxattr (Linux): who can name an inode may see the names, those of trusted. only root.</summary>
public static class ListXattrsRead
{
    /// <summary>
    /// Appends the names, a NUL after each, at most 65,536 bytes. <see cref="FsStatus.NotFound"/>: there is no such
    /// inode.
    /// </summary>
    public static FsStatus Apply(in ReadContext context, InodeId id, IBufferWriter<byte> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        if (!context.Tree.TryGet(id, out var inode))
        {
            return FsStatus.NotFound;
        }

        if ((inode.Flags & InodeFlags.AccessAcl) != 0)
        {
            Append(names, XattrName.AccessAcl);
        }

        if ((inode.Flags & InodeFlags.DefaultAcl) != 0)
        {
            Append(names, XattrName.DefaultAcl);
        }

        if (inode.XattrNamesBytes > 0)
        {
            var seesAll = context.Caller.IsRoot;
            context.Tree.ScanXattrNames(id, (key, _) =>
            {
                var name = RowKey.XattrNameOf(key);
                if (seesAll || !XattrName.IsTrusted(name))
                {
                    Append(names, name);
                }

                return true;
            });
        }

        return FsStatus.Ok;
    }

    private static void Append(IBufferWriter<byte> names, ReadOnlySpan<byte> name)
    {
        names.Write(name);
        names.Write("\0"u8);
    }
}
