using DistFS.Metadata.Trash;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Ops;

/// <summary>What is in the trash goes for good before its time.</summary>
internal static class PurgeOperation
{
    public static FsStatus Apply(in MetadataContext context, PurgeRequest request)
    {
        var id = new InodeId(request.Inode);
        var status = TrashBin.Find(context, id, out var inode, out var trash);
        if (status == FsStatus.Ok)
        {
            TrashBin.Purge(context.Tree, id, inode, trash);
        }

        return status;
    }
}
