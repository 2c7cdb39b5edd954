using DistFS.Metadata.Trash;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Reads;

/// <summary>How long what is removed in a directory stays in the trash, and which directory says so.</summary>
public static class GetRetentionRead
{
    /// <summary>
    /// <see cref="FsStatus.NotFound"/>: there is no such inode; <see cref="FsStatus.NotADirectory"/>.
    /// </summary>
    public static FsStatus Apply(in ReadContext context, InodeId id, out Retention retention)
    {
        retention = new Retention();
        if (!context.Tree.TryGet(id, out var inode))
        {
            return FsStatus.NotFound;
        }

        if (!inode.IsDirectory)
        {
            return FsStatus.NotADirectory;
        }

        var (seconds, directory) = TrashBin.RetentionOf(context.Tree, id, inode, inode.Parent);
        (retention.Seconds, retention.Directory) = (seconds, directory.Value);
        return FsStatus.Ok;
    }
}
