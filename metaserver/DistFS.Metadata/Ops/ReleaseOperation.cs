using DistFS.Metadata.Opens;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Ops;

/// <summary>The last close (POSIX) of an open.</summary>
internal static class ReleaseOperation
{
    public static FsStatus Apply(in MetadataContext context, ReleaseRequest request)
    {
        var id = new InodeId(request.Inode);
        if (!context.Tree.TryGetOpen(id, context.Client, request.Handle, out _))
        {
            return FsStatus.BadHandle;
        }

        OpenFiles.End(context, id, context.Client, request.Handle);
        return FsStatus.Ok;
    }
}
