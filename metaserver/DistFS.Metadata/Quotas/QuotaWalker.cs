using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata.Quotas;

/// <summary>
/// Gives what is below a directory from one quota to another, in steps of bounded work, while the tree goes on
/// changing.
/// </summary>
/// <remarks>
/// A directory is given before its names are looked at, so what is made in it from then on belongs to the new quota
/// already. What is not given yet comes below what is only by <see cref="Adopt"/>: a rename of a directory over the
/// edge of the two is refused, as over any other.
/// </remarks>
internal static class QuotaWalker
{
    /// <summary>Begins at a directory that is given already.</summary>
    public static void Begin(Tree tree, InodeId directory, WalkRow walk)
    {
        tree.PutQuotaWalk(walk);
        tree.PutWalkDirectory(directory, Cookies.First);
    }

    /// <summary>A step.</summary>
    public static void Step(Tree tree, ref int left)
    {
        if (left <= 0 || tree.QuotaWalk() is not { } walk)
        {
            return;
        }

        while (left > 0)
        {
            var directories = tree.WalkDirectories(left);
            if (directories.Count == 0)
            {
                End(tree, walk);
                left--;
                return;
            }

            foreach (var (directory, from) in directories)
            {
                if (left <= 0)
                {
                    return;
                }

                Look(tree, walk, directory, from, ref left);
            }
        }
    }

    /// <summary>
    /// What stands in a directory that is given is given too, and if it is a directory it is to be looked at. What
    /// belongs to neither of the two stays as it is.
    /// </summary>
    public static void Adopt(Tree tree, WalkRow walk, InodeId id, ref InodeRow inode)
    {
        if (inode.Domain == walk.From)
        {
            Domains.Charge(tree, walk.From, -1, -inode.Allocated);
            Domains.Charge(tree, walk.To, 1, inode.Allocated);
            inode = inode with { Domain = walk.To };
            tree.Put(id, inode);
            if (inode.IsDirectory)
            {
                tree.PutWalkDirectory(id, Cookies.First);
            }
        }
        else if (inode.Domain == id && Domains.Get(tree, id) is var own && own.Above == walk.From)
        {
            Domains.PutBelow(tree, id, own, walk.To);
        }
    }

    private static void Look(Tree tree, WalkRow walk, InodeId directory, ulong from, ref int left)
    {
        var (countMax, isFull, last) = (left, false, 0UL);
        var found = new List<InodeId>();
        if (tree.TryGet(directory, out var row) && row.Domain == walk.To && row.Links > 0)
        {
            tree.ScanNames(directory, from, (key, value) =>
            {
                // Names with equal cookies are few, and one step takes all of them.
                var cookie = RowKey.CookieOf(key);
                isFull = found.Count >= countMax && cookie != last;
                if (!isFull)
                {
                    last = cookie;
                    found.Add(DentryRow.Read(value).Inode);
                }

                return !isFull;
            });
        }

        foreach (var id in found)
        {
            Check.That(tree.TryGet(id, out var inode));
            Adopt(tree, walk, id, ref inode);
        }

        if (isFull)
        {
            tree.PutWalkDirectory(directory, last + 1);
        }
        else
        {
            tree.RemoveWalkDirectory(directory);
        }

        left -= Math.Max(1, found.Count);
    }

    private static void End(Tree tree, WalkRow walk)
    {
        tree.RemoveQuotaWalk();
        if (tree.TryGetQuota(walk.To, out var to) && to.State == QuotaState.Counting)
        {
            tree.PutQuota(walk.To, to with { State = QuotaState.Active });
        }

        if (tree.TryGetQuota(walk.From, out var from) && from.State == QuotaState.Leaving)
        {
            EndQuota(tree, walk.From, from);
        }
    }

    /// <summary>No directory belongs to it any more.</summary>
    public static void EndQuota(Tree tree, InodeId directory, in QuotaRow row)
    {
        if (row.Inodes == 0)
        {
            tree.RemoveQuota(directory);
        }
        else
        {
            tree.PutQuota(directory, row with { State = QuotaState.Ended });
        }
    }
}
