using DistFS.Metadata.Collection;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Trash;
using DistFS.Primitives;

namespace DistFS.Metadata.Ops;

/// <summary>What the operations on names have in common.</summary>
internal static class Directories
{
    /// <summary>A directory in which names may be looked up.</summary>
    public static FsStatus OpenForLookup(in MetadataContext context, InodeId id, out InodeRow directory) =>
        !context.Tree.TryGet(id, out directory) ? FsStatus.NotFound
        : !directory.IsDirectory ? FsStatus.NotADirectory
        : !context.May(Access.Execute, id, directory) ? FsStatus.AccessDenied
        : FsStatus.Ok;

    /// <summary>A directory in which names may be made and removed.</summary>
    public static FsStatus OpenForChange(in MetadataContext context, InodeId id, out InodeRow directory) =>
        !context.Tree.TryGet(id, out directory) ? FsStatus.NotFound
        : !directory.IsDirectory ? FsStatus.NotADirectory
        : !context.May(Access.Write | Access.Execute, id, directory) ? FsStatus.AccessDenied
        : FsStatus.Ok;

    /// <summary>What a name in a directory stands for, with its inode.</summary>
    public static FsStatus Find(
        in MetadataContext context,
        InodeId directory,
        ReadOnlySpan<byte> name,
        out DentryRow dentry,
        out InodeRow inode)
    {
        inode = default;
        if (Names.Check(name) is not FsStatus.Ok and var fault)
        {
            dentry = default;
            return fault;
        }

        if (!context.Tree.TryFind(directory, name, out dentry))
        {
            return FsStatus.NotFound;
        }

        // A name without its inode: the tree is broken, and what follows would break it further.
        Check.That(context.Tree.TryGet(dentry.Inode, out inode));
        return FsStatus.Ok;
    }

    /// <summary>A name that the caller may remove, whatever it names.</summary>
    public static FsStatus FindForRemoval(
        in MetadataContext context,
        InodeId parentId,
        ReadOnlySpan<byte> name,
        out InodeRow parent,
        out DentryRow dentry,
        out InodeRow inode)
    {
        (dentry, inode) = (default, default);
        var status = OpenForChange(context, parentId, out parent);
        status = status == FsStatus.Ok ? Find(context, parentId, name, out dentry, out inode) : status;
        return status == FsStatus.Ok && !context.Caller.MayRemove(parent, inode) ? FsStatus.NotPermitted : status;
    }

    /// <summary>A directory after a name has come or gone.</summary>
    public static InodeRow Changed(in this InodeRow directory, int entries, int subdirectories, FileTime now) =>
        directory with
        {
            Entries = checked((ulong)((long)directory.Entries + entries)),
            Links = checked((uint)(directory.Links + subdirectories)),
            ModifyTime = now,
            ChangeTime = now,
        };

    /// <summary>
    /// Takes a name from an inode. Without its last one it goes to the trash, if what is removed there is kept; else,
    /// unless it is open, it goes for good (<see cref="Collector.Leave"/>).
    /// </summary>
    public static void LoseName(
        in MetadataContext context, InodeId id, in InodeRow inode, InodeId parent, ReadOnlySpan<byte> name)
    {
        var links = inode.IsDirectory ? 0 : inode.Links - 1;
        var nameless = inode with { Links = links, ChangeTime = context.Now };
        if (links == 0 && TrashBin.RetentionOf(context.Tree, id, inode, parent).Seconds is > 0 and var seconds)
        {
            TrashBin.Put(context, id, nameless, parent, name, seconds);
            return;
        }

        if (links == 0 && inode.Opens == 0)
        {
            Collector.Leave(context.Tree, id, nameless);
        }
        else
        {
            context.Tree.Put(id, nameless);
        }
    }
}
