using DistFS.Metadata.Opens;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Ops;

/// <summary>open (POSIX) of what is there; <see cref="MakeOperation"/> makes a file and opens it at once.</summary>
internal static class OpenOperation
{
    public static FsStatus Apply(in MetadataContext context, OpenRequest request, OperationReply reply)
    {
        var id = new InodeId(request.Inode);
        if (request.Open == null)
        {
            return FsStatus.Invalid;
        }

        if (!context.Tree.TryGet(id, out var inode))
        {
            return FsStatus.Stale;
        }

        if (OpenFiles.WhyRefused(context, id, inode, request.Open) is not FsStatus.Ok and var refused)
        {
            return refused;
        }

        var status = OpenFiles.Begin(context, id, inode, request.Open);
        return status == FsStatus.Ok ? reply.Tell(context, id) : status;
    }
}
