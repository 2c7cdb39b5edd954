using DistFS.Metadata.Trash;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Ops;

/// <summary>
/// How long what is removed below a directory is kept (MooseFS, mfssettrashtime), from here on: what is in the trash
/// stays as long as was said when it was removed.
/// </summary>
internal static class SetRetentionOperation
{
    public static FsStatus Apply(in MetadataContext context, SetRetentionRequest request)
    {
        var id = new InodeId(request.Inode);
        if (request.Seconds > TrashBin.SecondsMax || (request.Clear && request.Seconds != 0))
        {
            return FsStatus.Invalid;
        }

        if (!context.Tree.TryGet(id, out var inode) || inode.Links == 0)
        {
            return FsStatus.NotFound;
        }

        if (!inode.IsDirectory)
        {
            return FsStatus.NotADirectory;
        }

        if (!context.Caller.Owns(inode))
        {
            return FsStatus.NotPermitted;
        }

        if (request.Clear && context.Tree.Retention(id, inode) == null)
        {
            return FsStatus.NoData;
        }

        inode = request.Clear
            ? context.Tree.RemoveRetention(id, inode)
            : context.Tree.PutRetention(id, inode, new RetentionRow(request.Seconds));
        context.Tree.Put(id, inode with { ChangeTime = context.Now });
        return FsStatus.Ok;
    }
}
