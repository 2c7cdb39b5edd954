using System.Buffers;
using DistFS.Metadata.Acls;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Xattrs;
using DistFS.Primitives;

namespace DistFS.Metadata.Reads;

/// <summary>getxattr (Linux); of a list of acl(5), in the format that Linux has for it.</summary>
public static class GetXattrRead
{
    /// <summary>
    /// Appends the value of an extended attribute. <see cref="FsStatus.NoData"/>: there is none, or none that the
    /// caller may see; <see cref="FsStatus.AccessDenied"/>; what is wrong with a name, as <see cref="XattrName"/> says.
    /// </summary>
    public static FsStatus Apply(in ReadContext context, InodeId id, ReadOnlySpan<byte> name, IBufferWriter<byte> value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (XattrName.TryParse(name, out var space) is not FsStatus.Ok and var fault)
        {
            return fault;
        }

        if (!context.Tree.TryGet(id, out var inode))
        {
            return FsStatus.NotFound;
        }

        if (space is XattrNamespace.AccessAcl or XattrNamespace.DefaultAcl)
        {
            return ReadAcl(context, space, id, inode, value);
        }

        var status = XattrRules.CheckRead(context.Tree, context.Caller, space, id, inode);
        return status != FsStatus.Ok ? status
            : inode.XattrNamesBytes > 0 && context.Tree.TryGetXattr(id, name, value) ? FsStatus.Ok
            : FsStatus.NoData;
    }

    private static FsStatus ReadAcl(
        in ReadContext context, XattrNamespace space, InodeId id, in InodeRow inode, IBufferWriter<byte> value)
    {
        if (inode.Kind == InodeKind.SymbolicLink)
        {
            return FsStatus.NotSupported;
        }

        var list = space == XattrNamespace.AccessAcl
            ? context.Tree.AccessAcl(id, inode) : context.Tree.DefaultAcl(id, inode);
        if (list == null)
        {
            return FsStatus.NoData;
        }

        AclXattr.Write(list, value);
        return FsStatus.Ok;
    }
}
