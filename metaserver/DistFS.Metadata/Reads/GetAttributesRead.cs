using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata.Reads;

/// <summary>stat (POSIX) of an inode: who can name it may see it, whatever its mode.</summary>
public static class GetAttributesRead
{
    /// <summary><see cref="FsStatus.NotFound"/>: there is no such inode.</summary>
    public static FsStatus Apply(in ReadContext context, InodeId id, out InodeRow inode) =>
        context.Tree.TryGet(id, out inode) ? FsStatus.Ok : FsStatus.NotFound;
}
