using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata.Xattrs;

/// <summary>Who may read and write extended attributes, lists apart (xattr(7); Linux, fs/xattr.c).</summary>
internal static class XattrRules
{
    public static FsStatus CheckRead(
        Tree tree, Principal caller, XattrNamespace space, InodeId id, in InodeRow inode) => space switch
        {
            XattrNamespace.Trusted => caller.IsRoot ? FsStatus.Ok : FsStatus.NoData,
            XattrNamespace.Security => FsStatus.Ok,
            _ when !HasUserXattrs(inode) => FsStatus.NoData,
            _ => caller.May(tree, Access.Read, id, inode) ? FsStatus.Ok : FsStatus.AccessDenied,
        };

    public static FsStatus CheckWrite(in MetadataContext context, XattrNamespace space, InodeId id, in InodeRow inode)
    {
        if (space != XattrNamespace.User)
        {
            return context.Caller.IsRoot ? FsStatus.Ok : FsStatus.NotPermitted;
        }

        // In a sticky directory, as /tmp is, everybody may write: without this rule nobody could stop them from filling
        // it with attributes.
        var isSticky = inode.IsDirectory && (inode.Mode & Modes.Sticky) != 0;
        return !HasUserXattrs(inode) || (isSticky && !context.Caller.Owns(inode)) ? FsStatus.NotPermitted
            : context.May(Access.Write, id, inode) ? FsStatus.Ok
            : FsStatus.AccessDenied;
    }

    /// <summary>The permission bits of links and devices say something else.</summary>
    private static bool HasUserXattrs(in InodeRow inode) => inode.Kind is InodeKind.File or InodeKind.Directory;
}
