using DistFS.Metadata.Rows;
using DistFS.Metadata.Xattrs;
using DistFS.Primitives;

namespace DistFS.Metadata.Acls;

/// <summary>A list of an inode is set or taken away (acl(5); Linux, fs/posix_acl.c).</summary>
internal static class AclChange
{
    private const uint PermissionBits = 0b111_111_111;

    /// <summary>Why the caller may not; Ok if he may.</summary>
    public static FsStatus WhyRefused(
        in MetadataContext context, XattrNamespace space, in InodeRow inode, AccessControlList? list) =>
        inode.Kind == InodeKind.SymbolicLink ? FsStatus.NotSupported
        : space == XattrNamespace.DefaultAcl && !inode.IsDirectory
            ? (list == null ? FsStatus.Ok : FsStatus.AccessDenied)
        : context.Caller.Owns(inode) ? FsStatus.Ok
        : FsStatus.NotPermitted;

    /// <summary>Whether the inode has one.</summary>
    public static bool Has(XattrNamespace space, in InodeRow inode) =>
        (inode.Flags & (space == XattrNamespace.AccessAcl ? InodeFlags.AccessAcl : InodeFlags.DefaultAcl)) != 0;

    /// <summary>
    /// Sets it; null takes it away. An access ACL is a chmod too: one without a mask becomes the permission bits and is
    /// gone, and without any these stay as they are, the mask for the group's.
    /// </summary>
    public static void Set(
        in MetadataContext context, XattrNamespace space, InodeId id, in InodeRow inode, AccessControlList? list)
    {
        var changed = inode with { ChangeTime = context.Now };
        if (space == XattrNamespace.DefaultAcl)
        {
            changed = inode.IsDirectory ? context.Tree.PutDefaultAcl(id, changed, list) : inode;
        }
        else
        {
            changed = context.Tree.PutAccessAcl(id, changed, list);
            changed = list == null ? changed : changed with { Mode = ModeOf(context.Caller, inode, list) };
        }

        context.Tree.Put(id, changed);
    }

    private static uint ModeOf(Principal caller, in InodeRow inode, AccessControlList list)
    {
        // As chmod: who is not in the file's group does not make it run as that group.
        var special = caller.IsRoot || caller.IsIn(inode.Gid) ? inode.Mode : inode.Mode & ~Modes.SetGid;
        return (special & ~PermissionBits) | list.ModeBits;
    }
}
