using DistFS.Metadata.Acls;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Xattrs;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Ops;

/// <summary>removexattr (Linux).</summary>
internal static class RemoveXattrOperation
{
    public static FsStatus Apply(in MetadataContext context, RemoveXattrRequest request, OperationReply reply)
    {
        var id = new InodeId(request.Inode);
        var name = request.Name.Span;
        if (XattrName.TryParse(name, out var space) is not FsStatus.Ok and var fault)
        {
            return fault;
        }

        var tree = context.Tree;
        if (!tree.TryGet(id, out var inode))
        {
            return FsStatus.NotFound;
        }

        if (space is XattrNamespace.AccessAcl or XattrNamespace.DefaultAcl)
        {
            return RemoveAcl(context, space, id, inode, reply);
        }

        if (XattrRules.CheckWrite(context, space, id, inode) is not FsStatus.Ok and var refused)
        {
            return refused;
        }

        if (!tree.HasXattr(id, name))
        {
            return FsStatus.NoData;
        }

        tree.RemoveXattr(id, name);
        tree.Put(id, inode with
        {
            XattrNamesBytes = inode.XattrNamesBytes - (uint)name.Length - 1,
            ChangeTime = context.Now,
        });
        return reply.Tell(context, id);
    }

    private static FsStatus RemoveAcl(
        in MetadataContext context, XattrNamespace space, InodeId id, in InodeRow inode, OperationReply reply)
    {
        if (AclChange.WhyRefused(context, space, inode, null) is not FsStatus.Ok and var refused)
        {
            return refused;
        }

        // None is there: Linux calls that a success.
        if (AclChange.Has(space, inode))
        {
            AclChange.Set(context, space, id, inode, null);
        }

        return reply.Tell(context, id);
    }
}
