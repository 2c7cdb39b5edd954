using DistFS.Metadata.Acls;
using DistFS.Metadata.Xattrs;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Ops;

/// <summary>setxattr (Linux), and the lists of acl(5), which are set in the same way.</summary>
internal static class SetXattrOperation
{
    /// <summary>What is kept free in a list of names, so that both ACLs fit in any.</summary>
    private const int AclNamesBytes = 23 + 1 + 24 + 1;

    public static FsStatus Apply(in MetadataContext context, SetXattrRequest request, OperationReply reply)
    {
        var id = new InodeId(request.Inode);
        var name = request.Name.Span;
        var value = request.Value.Span;
        if (XattrName.TryParse(name, out var space) is not FsStatus.Ok and var fault)
        {
            return fault;
        }

        if (value.Length > XattrName.ValueBytesMax)
        {
            return FsStatus.ArgumentTooLong;
        }

        var tree = context.Tree;
        if (!tree.TryGet(id, out var inode))
        {
            return FsStatus.NotFound;
        }

        if (space is XattrNamespace.AccessAcl or XattrNamespace.DefaultAcl)
        {
            return SetAcl(context, request, space, reply);
        }

        if (XattrRules.CheckWrite(context, space, id, inode) is not FsStatus.Ok and var refused)
        {
            return refused;
        }

        var exists = tree.HasXattr(id, name);
        if (exists ? request.Create : request.Replace)
        {
            return exists ? FsStatus.AlreadyExists : FsStatus.NoData;
        }

        // What does not fit a list could never be found again.
        var namesBytes = inode.XattrNamesBytes + (exists ? 0 : (uint)name.Length + 1);
        if (namesBytes > XattrName.ListBytesMax - AclNamesBytes)
        {
            return FsStatus.NoSpace;
        }

        tree.PutXattr(id, name, value);
        tree.Put(id, inode with { XattrNamesBytes = namesBytes, ChangeTime = context.Now });
        return reply.Tell(context, id);
    }

    private static FsStatus SetAcl(
        in MetadataContext context, SetXattrRequest request, XattrNamespace space, OperationReply reply)
    {
        var id = new InodeId(request.Inode);
        AccessControlList? list = null;
        if (!request.Value.IsEmpty && AclXattr.TryRead(request.Value.Span, out list) is not FsStatus.Ok and var fault)
        {
            return fault;
        }

        Check.That(context.Tree.TryGet(id, out var inode));
        var status = AclChange.WhyRefused(context, space, inode, list);
        if (status != FsStatus.Ok)
        {
            return status;
        }

        var exists = AclChange.Has(space, inode);
        if (exists ? request.Create : request.Replace)
        {
            return exists ? FsStatus.AlreadyExists : FsStatus.NoData;
        }

        AclChange.Set(context, space, id, inode, list);
        return reply.Tell(context, id);
    }
}
