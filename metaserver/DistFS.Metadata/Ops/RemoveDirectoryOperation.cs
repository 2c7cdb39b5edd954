using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Ops;

/// <summary>rmdir (POSIX): removes a directory that has no names in it.</summary>
internal static class RemoveDirectoryOperation
{
    public static FsStatus Apply(in MetadataContext context, RemoveDirectoryRequest request)
    {
        var parentId = new InodeId(request.Parent);
        var name = request.Name.Span;
        var status = Directories.FindForRemoval(context, parentId, name, out var parent, out var dentry, out var inode);
        if (status != FsStatus.Ok)
        {
            return status;
        }

        if (!inode.IsDirectory)
        {
            return FsStatus.NotADirectory;
        }

        if (inode.Entries > 0)
        {
            return FsStatus.NotEmpty;
        }

        context.Tree.RemoveName(parentId, name);
        context.Tree.Put(parentId, parent.Changed(-1, -1, context.Now));
        Directories.LoseName(context, dentry.Inode, inode, parentId, name);
        return FsStatus.Ok;
    }
}
