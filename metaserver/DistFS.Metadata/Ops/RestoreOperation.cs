using DistFS.Metadata.Quotas;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Trash;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Ops;

/// <summary>
/// What is in the trash gets a name again: the one that it lost, or another. A directory comes back empty, as it was
/// removed; what was removed from it before finds it there again.
/// </summary>
internal static class RestoreOperation
{
    public static FsStatus Apply(in MetadataContext context, RestoreRequest request, OperationReply reply)
    {
        var id = new InodeId(request.Inode);
        if (TrashBin.Find(context, id, out var inode, out var trash) is not FsStatus.Ok and var refused)
        {
            return refused;
        }

        var parentId = request.Parent == 0 ? inode.Parent : new InodeId(request.Parent);
        var name = request.Name.IsEmpty ? trash.Name.Span : request.Name.Span;
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

        // The directory is in the trash itself, and comes first; or somebody only has it open still.
        if (parent.Links == 0)
        {
            return FsStatus.NotFound;
        }

        inode = TrashBin.Take(context.Tree, id, inode, trash);
        if (Domains.EnterNameless(context.Tree, id, ref inode, parent.Domain) is not FsStatus.Ok and var full)
        {
            return full;
        }

        context.Tree.Put(id, inode with
        {
            Links = inode.IsDirectory ? 2u : 1,
            Parent = inode.IsDirectory ? parentId : default,
            ChangeTime = context.Now,
        });
        context.Tree.PutName(parentId, name, new DentryRow(id, inode.Kind));
        context.Tree.Put(parentId, parent.Changed(1, inode.IsDirectory ? 1 : 0, context.Now));
        return reply.Tell(context, id);
    }
}
