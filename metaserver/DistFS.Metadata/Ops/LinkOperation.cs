using DistFS.Metadata.Rows;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Ops;

/// <summary>link (POSIX): one more name of an inode that is no directory.</summary>
internal static class LinkOperation
{
    /// <summary>Most names of an inode, as ext4 has it.</summary>
    public const uint LinksMax = 65_000;

    public static FsStatus Apply(in MetadataContext context, LinkRequest request, OperationReply reply)
    {
        var (id, parentId) = (new InodeId(request.Inode), new InodeId(request.Parent));
        var name = request.Name.Span;
        if (Names.Check(name) is not FsStatus.Ok and var fault)
        {
            return fault;
        }

        if (Directories.OpenForLookup(context, parentId, out var parent) is not FsStatus.Ok and var closed)
        {
            return closed;
        }

        if (context.Tree.TryFind(parentId, name, out _))
        {
            return FsStatus.AlreadyExists;
        }

        if (!context.May(Access.Write, parentId, parent))
        {
            return FsStatus.AccessDenied;
        }

        // What has lost its last name does not get another: it may be collected at any moment.
        if (!context.Tree.TryGet(id, out var inode) || inode.Links == 0 || parent.Links == 0)
        {
            return FsStatus.NotFound;
        }

        if (inode.IsDirectory)
        {
            return FsStatus.NotPermitted;
        }

        if (inode.Links >= LinksMax)
        {
            return FsStatus.TooManyLinks;
        }

        if (inode.Domain != parent.Domain)
        {
            return FsStatus.CrossDevice;
        }

        context.Tree.Put(id, inode with { Links = inode.Links + 1, ChangeTime = context.Now });
        context.Tree.PutName(parentId, name, new DentryRow(id, inode.Kind));
        context.Tree.Put(parentId, parent.Changed(1, 0, context.Now));
        return reply.Tell(context, id);
    }
}
