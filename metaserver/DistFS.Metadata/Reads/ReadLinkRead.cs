using System.Buffers;
using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata.Reads;

/// <summary>readlink (POSIX).</summary>
public static class ReadLinkRead
{
    /// <summary>
    /// Appends the target of a symbolic link. <see cref="FsStatus.NotFound"/>: there is no such inode;
    /// <see cref="FsStatus.Invalid"/>: it is no symbolic link.
    /// </summary>
    public static FsStatus Apply(in ReadContext context, InodeId id, IBufferWriter<byte> target)
    {
        ArgumentNullException.ThrowIfNull(target);
        if (!context.Tree.TryGet(id, out var inode))
        {
            return FsStatus.NotFound;
        }

        if (inode.Kind != InodeKind.SymbolicLink)
        {
            return FsStatus.Invalid;
        }

        var content = context.Tree.Content(id);
        Check.That(content != null);
        target.Write(content);
        return FsStatus.Ok;
    }
}
