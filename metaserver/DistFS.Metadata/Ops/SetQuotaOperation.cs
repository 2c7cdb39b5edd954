using DistFS.Metadata.Quotas;
using DistFS.Metadata.Rows;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Ops;

/// <summary>
/// Sets the limits of a directory and of all that is below it, or clears them. What is there already is counted in
/// steps (<see cref="QuotaWalker"/>), and the limits hold from their end on; an empty directory needs none.
/// </summary>
internal static class SetQuotaOperation
{
    public static FsStatus Apply(in MetadataContext context, SetQuotaRequest request)
    {
        var id = new InodeId(request.Inode);
        if (request.Clear && (request.InodesMax != 0 || request.BytesMax != 0))
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

        if (!context.Caller.IsRoot)
        {
            return FsStatus.NotPermitted;
        }

        context.Tree.TryGetQuota(id, out var known);
        return request.Clear
            ? (known.State is QuotaState.Active or QuotaState.Counting
                ? Clear(context, id, inode, known) : FsStatus.NoData)
            : Set(context, id, inode, known, request);
    }

    private static FsStatus Set(
        in MetadataContext context, InodeId id, in InodeRow inode, in QuotaRow known, SetQuotaRequest request)
    {
        var tree = context.Tree;
        var row = known with { InodesMax = request.InodesMax, BytesMax = request.BytesMax };
        if (known.State is QuotaState.Active or QuotaState.Counting)
        {
            tree.PutQuota(id, row);
            return FsStatus.Ok;
        }

        if (known.State == QuotaState.Leaving || (inode.Entries > 0 && tree.QuotaWalk() != null))
        {
            return FsStatus.Busy;
        }

        // Of one that has ended there may be open files yet, which it goes on to count.
        Domains.PutBelow(tree, id, row with
        {
            State = inode.Entries > 0 ? QuotaState.Counting : QuotaState.Active,
        }, inode.Domain);
        Give(tree, id, inode, new WalkRow(inode.Domain, id));
        return FsStatus.Ok;
    }

    private static FsStatus Clear(in MetadataContext context, InodeId id, in InodeRow inode, in QuotaRow known)
    {
        // One that is being counted too: the one walk is its own.
        var tree = context.Tree;
        if (tree.QuotaWalk() is { } walk && (inode.Entries > 0 || walk.To == id))
        {
            return FsStatus.Busy;
        }

        tree.PutQuota(id, known with { State = QuotaState.Leaving });
        Give(tree, id, inode, new WalkRow(id, known.Above));
        if (inode.Entries == 0)
        {
            QuotaWalker.EndQuota(tree, id, Domains.Get(tree, id));
        }

        return FsStatus.Ok;
    }

    private static void Give(Tree tree, InodeId id, in InodeRow inode, WalkRow walk)
    {
        Domains.Charge(tree, walk.From, -1, -inode.Allocated);
        Domains.Charge(tree, walk.To, 1, inode.Allocated);
        tree.Put(id, inode with { Domain = walk.To });
        if (inode.Entries > 0)
        {
            QuotaWalker.Begin(tree, id, walk);
        }
    }
}
