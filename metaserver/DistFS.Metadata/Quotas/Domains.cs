using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata.Quotas;

/// <summary>
/// Who belongs to which quota, after the project quotas of XFS: an inode names its own; a quota counts what belongs to
/// it and to those below it, so an operation charges all on the way up and asks the limits of each.
/// </summary>
public static class Domains
{
    /// <summary>
    /// Charges a quota and those above it, or nobody. <see cref="FsStatus.QuotaExceeded"/>: a limit of one of them
    /// would be passed.
    /// </summary>
    /// <param name="tree">The state.</param>
    /// <param name="domain">That of the inode; zero is nobody's.</param>
    /// <param name="inodes">More inodes, or less if negative.</param>
    /// <param name="bytes">More bytes stored, or less if negative. Less is never refused.</param>
    public static FsStatus TryCharge(Tree tree, InodeId domain, long inodes, long bytes)
    {
        ArgumentNullException.ThrowIfNull(tree);
        var status = WhyFull(tree, domain, inodes, bytes);
        if (status == FsStatus.Ok)
        {
            Charge(tree, domain, inodes, bytes);
        }

        return status;
    }

    /// <summary>What <see cref="TryCharge"/> would say, and nothing is charged.</summary>
    internal static FsStatus WhyFull(Tree tree, InodeId domain, long inodes, long bytes)
    {
        for (var at = domain; at != default;)
        {
            var row = Get(tree, at);
            if (row.State == QuotaState.Active
                && (Passes(row.Inodes, inodes, row.InodesMax) || Passes(row.Bytes, bytes, row.BytesMax)))
            {
                return FsStatus.QuotaExceeded;
            }

            at = row.Above;
        }

        return FsStatus.Ok;
    }

    /// <summary>Charges a quota and those above it, whatever their limits.</summary>
    internal static void Charge(Tree tree, InodeId domain, long inodes, long bytes)
    {
        // As when bytes are written over others: no row changes.
        if (inodes == 0 && bytes == 0)
        {
            return;
        }

        for (var at = domain; at != default;)
        {
            var row = Get(tree, at);
            row = row with
            {
                Inodes = checked((ulong)((long)row.Inodes + inodes)),
                Bytes = checked((ulong)((long)row.Bytes + bytes)),
            };
            if (row is { State: QuotaState.Ended, Inodes: 0 })
            {
                tree.RemoveQuota(at);
            }
            else
            {
                tree.PutQuota(at, row);
            }

            at = row.Above;
        }
    }

    /// <summary>
    /// An inode that has a name gets one in a directory of <paramref name="target"/>: <paramref name="crosses"/> if the
    /// name leaves another domain. A file goes with its charge; one with several names stays in the domain of the
    /// others, and a directory with all that is below it (<see cref="FsStatus.CrossDevice"/>, as XFS has it).
    /// </summary>
    internal static FsStatus Enter(Tree tree, InodeId id, ref InodeRow inode, InodeId target, bool crosses)
    {
        if (crosses && inode.IsDirectory)
        {
            return FsStatus.CrossDevice;
        }

        if (inode.Domain == target)
        {
            return FsStatus.Ok;
        }

        if (!crosses)
        {
            // The walk may have looked already at the place where it goes.
            if (tree.QuotaWalk() is { } walk && walk.To == target)
            {
                QuotaWalker.Adopt(tree, walk, id, ref inode);
            }

            return FsStatus.Ok;
        }

        if (inode.Links > 1)
        {
            return FsStatus.CrossDevice;
        }

        Charge(tree, inode.Domain, -1, -inode.Allocated);
        inode = inode with { Domain = target };
        return Teeth.Has(PlantedBug.QuotaNotMoved) ? FsStatus.Ok : TryCharge(tree, target, 1, inode.Allocated);
    }

    /// <summary>
    /// What has no name gets one in a directory of <paramref name="target"/>, and its charge goes there: that of a
    /// directory, which is empty, with the quota that it may have.
    /// </summary>
    internal static FsStatus EnterNameless(Tree tree, InodeId id, ref InodeRow inode, InodeId target)
    {
        if (inode.Domain == id)
        {
            var own = Get(tree, id);
            if (own.Above == target)
            {
                return FsStatus.Ok;
            }

            Charge(tree, own.Above, -(long)own.Inodes, -(long)own.Bytes);
            tree.PutQuota(id, own with { Above = target });
            return TryCharge(tree, target, (long)own.Inodes, (long)own.Bytes);
        }

        if (inode.Domain == target)
        {
            return FsStatus.Ok;
        }

        Charge(tree, inode.Domain, -1, -inode.Allocated);
        inode = inode with { Domain = target };
        return TryCharge(tree, target, 1, inode.Allocated);
    }

    /// <summary>An inode goes, and a quota of its own with it.</summary>
    internal static void Leave(Tree tree, InodeId id, in InodeRow inode)
    {
        if (inode.IsDirectory && tree.TryGetQuota(id, out var own))
        {
            QuotaWalker.EndQuota(tree, id, own);
        }

        Charge(tree, inode.Domain, -1, -inode.Allocated);
    }

    /// <summary>A quota is now below another one, with its use.</summary>
    internal static void PutBelow(Tree tree, InodeId directory, in QuotaRow row, InodeId above)
    {
        Charge(tree, row.Above, -(long)row.Inodes, -(long)row.Bytes);
        Charge(tree, above, (long)row.Inodes, (long)row.Bytes);
        tree.PutQuota(directory, row with { Above = above });
    }

    /// <summary>The quota that something belongs to.</summary>
    internal static QuotaRow Get(Tree tree, InodeId domain)
    {
        // What an inode belongs to is there as long as the inode.
        Check.That(tree.TryGetQuota(domain, out var row));
        return row;
    }

    private static bool Passes(ulong used, long more, ulong limit) =>
        more > 0 && limit != 0 && (used > limit || (ulong)more > limit - used);
}
