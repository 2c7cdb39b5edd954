using DistFS.Metadata.Collection;
using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata.Trash;

/// <summary>
/// What has lost its last name and is kept for a while: it has neither a name nor, unless somebody has it open, a
/// reader, and is no orphan. It counts for the quota that it was in until it goes for good.
/// </summary>
internal static class TrashBin
{
    /// <summary>The longest time that anything is kept: 100 years.</summary>
    public const ulong SecondsMax = 100UL * 366 * 24 * 3600;

    /// <summary>
    /// How long an inode is kept when it loses its last name, and whose setting that is: that of the nearest directory
    /// from the inode on upwards. 0: not at all.
    /// </summary>
    public static (ulong Seconds, InodeId Directory) RetentionOf(
        Tree tree, InodeId id, in InodeRow inode, InodeId parent)
    {
        if (!tree.HasRetentions)
        {
            return default;
        }

        // A directory's own setting holds for it too, so that it stays as long as what was in it.
        for (var at = inode.IsDirectory ? id : parent; tree.TryGet(at, out var row); at = row.Parent)
        {
            if (tree.Retention(at, row) is { } retention)
            {
                return (retention.Seconds, at);
            }

            if (at == InodeId.Root)
            {
                break;
            }
        }

        return default;
    }

    /// <summary>Puts in what has lost its last name.</summary>
    public static void Put(
        in MetadataContext context,
        InodeId id,
        in InodeRow inode,
        InodeId directory,
        ReadOnlySpan<byte> name,
        ulong seconds)
    {
        // Not before the time is over: the second that has begun does not count.
        var purge = (ulong)Math.Max(0, context.Now.Seconds) + seconds + 1;
        context.Tree.Put(id, inode with { Flags = inode.Flags | InodeFlags.Trashed, Parent = directory });
        context.Tree.PutTrash(
            directory, id, new TrashRow(purge, context.Now, context.Caller.Uid, name.ToArray()));
    }

    /// <summary>Something that is there; ENOENT: nothing of that inode is. EPERM: it is not the caller's.</summary>
    public static FsStatus Find(in MetadataContext context, InodeId id, out InodeRow inode, out TrashRow trash)
    {
        trash = default;
        if (!context.Tree.TryGet(id, out inode) || (inode.Flags & InodeFlags.Trashed) == 0)
        {
            return FsStatus.NotFound;
        }

        Check.That(context.Tree.TryGetTrash(inode.Parent, id, out trash));
        return context.Caller.Owns(inode) ? FsStatus.Ok : FsStatus.NotPermitted;
    }

    /// <summary>Takes something out. Returns the inode as the caller is to write it.</summary>
    public static InodeRow Take(Tree tree, InodeId id, in InodeRow inode, in TrashRow trash)
    {
        tree.RemoveTrash(inode.Parent, id, trash);
        return inode with
        {
            Flags = inode.Flags & ~InodeFlags.Trashed,
            Parent = inode.IsDirectory ? inode.Parent : default,
        };
    }

    /// <summary>Something goes for good, as soon as it is not open (<see cref="Collector.Leave"/>).</summary>
    public static void Purge(Tree tree, InodeId id, in InodeRow inode, in TrashRow trash)
    {
        var taken = Take(tree, id, inode, trash);
        if (inode.Opens == 0)
        {
            Collector.Leave(tree, id, taken);
        }
        else
        {
            tree.Put(id, taken);
        }
    }

    /// <summary>A step of collection: what has been there for its time.</summary>
    public static void PurgeDue(in MetadataContext context, ref int left)
    {
        if (left <= 0)
        {
            return;
        }

        foreach (var id in context.Tree.DueTrash(context.Now, left))
        {
            Check.That(context.Tree.TryGet(id, out var inode));
            Check.That(context.Tree.TryGetTrash(inode.Parent, id, out var trash));
            Purge(context.Tree, id, inode, trash);
            left--;
        }
    }
}
