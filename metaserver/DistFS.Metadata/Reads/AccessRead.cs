using DistFS.Primitives;

namespace DistFS.Metadata.Reads;

/// <summary>access (POSIX): whether the caller might.</summary>
public static class AccessRead
{
    /// <summary>
    /// <see cref="FsStatus.NotFound"/>: there is no such inode; <see cref="FsStatus.AccessDenied"/>: not all of it.
    /// </summary>
    public static FsStatus Apply(in ReadContext context, InodeId id, Access access) =>
        !context.Tree.TryGet(id, out var inode) ? FsStatus.NotFound
        : context.Caller.May(context.Tree, access, id, inode) ? FsStatus.Ok
        : FsStatus.AccessDenied;
}
