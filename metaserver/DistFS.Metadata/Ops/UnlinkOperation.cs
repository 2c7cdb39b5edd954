using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Ops;

/// <summary>unlink (POSIX): removes a name of what is no directory.</summary>
internal static class UnlinkOperation
{
    public static FsStatus Apply(in MetadataContext context, UnlinkRequest request)
    {
        var parentId = new InodeId(request.Parent);
        var name = request.Name.Span;
        var status = Directories.FindForRemoval(context, parentId, name, out var parent, out var dentry, out var inode);
        if (status != FsStatus.Ok)
        {
            return status;
        }

        if (inode.IsDirectory)
        {
            return FsStatus.IsADirectory;
        }

        if (request.Inode != 0 && request.Inode != dentry.Inode.Value)
        {
            return FsStatus.Stale;
        }

        context.Tree.RemoveName(parentId, name);
        context.Tree.Put(parentId, parent.Changed(-1, 0, context.Now));
        Directories.LoseName(context, dentry.Inode, inode, parentId, name);
        return FsStatus.Ok;
    }
}
