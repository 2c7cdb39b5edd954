using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata;

/// <summary>Who may: permission bits and access control lists together (acl(5), access check algorithm).</summary>
public static class Permissions
{
    /// <summary>Whether the caller of an operation may.</summary>
    public static bool May(in this MetadataContext context, Access access, InodeId id, in InodeRow inode) =>
        context.Caller.May(context.Tree, access, id, inode);

    /// <summary>Whether somebody may.</summary>
    public static bool May(this Principal caller, Tree tree, Access access, InodeId id, in InodeRow inode)
    {
        ArgumentNullException.ThrowIfNull(caller);
        ArgumentNullException.ThrowIfNull(tree);

        // Of the owner the permission bits say all, with a list too.
        return caller.IsRoot || caller.Uid == inode.Uid || (inode.Flags & InodeFlags.AccessAcl) == 0
            ? caller.MayByMode(access, inode)
            : tree.AccessAcl(id, inode)!.Allows(caller, inode.Uid, inode.Gid, access);
    }
}
