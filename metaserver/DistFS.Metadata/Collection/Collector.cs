using DistFS.Metadata.Chunks;
using DistFS.Metadata.Content;
using DistFS.Metadata.Opens;
using DistFS.Metadata.Quotas;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Trash;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Collection;

/// <summary>
/// What is left of sessions that are over, what was in the trash for its time, inodes with neither name nor open, and
/// what truncations cut off go in steps whose work is bounded, and quotas are counted in them: a step stops where it
/// is, and the state says where the next one goes on.
/// </summary>
internal static class Collector
{
    /// <summary>Most work of one step, in rows; a place of a file, with all that it names, is one.</summary>
    public const uint RowsMax = ChunkLayout.StepMax;

    /// <summary>A step.</summary>
    public static CollectReply Run(in MetadataContext context, int rowsMax)
    {
        var left = rowsMax;
        EndSessions(context, ref left);
        TrashBin.PurgeDue(context, ref left);
        CollectOrphans(context, ref left);
        ReleaseTrimmed(context, ref left);
        QuotaWalker.Step(context.Tree, ref left);
        return new CollectReply
        {
            Rows = (uint)(rowsMax - left),
            More = HasWork(context.Tree, context.Now),
        };
    }

    /// <summary>Whether a step of that time would find something to do.</summary>
    public static bool HasWork(Tree tree, FileTime now) => tree.Ended(1).Count > 0 || tree.Orphans(1).Count > 0
        || tree.DueTrash(now, 1).Count > 0 || tree.Chunks.Trimmed(1).Count > 0 || tree.QuotaWalk() != null;

    /// <summary>A session is over: what there is of it is left to the steps.</summary>
    public static void SessionEnded(Tree tree, ClientId client)
    {
        tree.RemoveRanges(client);
        if (tree.OpensOf(client, 1).Count > 0 && !Teeth.Has(PlantedBug.ExpiredSessionKeepsLocks))
        {
            tree.PutEnded(client);
        }
    }

    /// <summary>
    /// An inode has neither a name nor an open any more. What has no chunks and no attributes goes at once: three rows
    /// more at most, and less work than to note it as an orphan and to come back. All else is left to the steps.
    /// </summary>
    public static void Leave(Tree tree, InodeId id, in InodeRow inode)
    {
        if (inode.IsDirectory || inode.ChunkEnd > 0 || inode.XattrNamesBytes > 0)
        {
            tree.Put(id, inode);
            tree.PutOrphan(id);
            return;
        }

        if (inode.Allocated > 0 || inode.Kind == InodeKind.SymbolicLink)
        {
            tree.RemoveContent(id);
        }

        RemoveWhole(tree, id, inode);
    }

    private static void EndSessions(in MetadataContext context, ref int left)
    {
        foreach (var client in context.Tree.Ended(left))
        {
            var opens = context.Tree.OpensOf(client, left);
            foreach (var (inode, handle) in opens)
            {
                OpenFiles.End(context, inode, client, handle);
            }

            left -= opens.Count;
            if (left == 0)
            {
                return;
            }

            context.Tree.RemoveEnded(client);
            left--;
        }
    }

    private static void CollectOrphans(in MetadataContext context, ref int left)
    {
        foreach (var id in context.Tree.Orphans(left))
        {
            if (left <= 0)
            {
                return;
            }

            Collect(context, id, ref left);
        }
    }

    private static void Collect(in MetadataContext context, InodeId id, ref int left)
    {
        var tree = context.Tree;
        Check.That(tree.TryGet(id, out var inode) && inode is { Links: 0, Opens: 0, Entries: 0 });
        if (!RemoveXattrs(tree, id, inode, ref left)
            || !ContentRelease.ReleaseContent(tree, id, ref left, context.Index)
            || left == 0)
        {
            return;
        }

        Check.That(tree.TryGet(id, out inode));
        RemoveWhole(tree, id, inode);
        tree.RemoveOrphan(id);
        left--;
    }

    /// <summary>An inode of which nothing is left but itself and its lists.</summary>
    private static void RemoveWhole(Tree tree, InodeId id, in InodeRow inode)
    {
        tree.RemoveAcls(id, inode);
        tree.RemoveRetention(id, inode);
        Domains.Leave(tree, id, inode);
        tree.Remove(id);
    }

    private static void ReleaseTrimmed(in MetadataContext context, ref int left)
    {
        while (left > 0 && context.Tree.Chunks.Trimmed(1) is [var id])
        {
            ContentRelease.ReleaseTrimmed(context.Tree, id, ref left, context.Index);
        }
    }

    private static bool RemoveXattrs(Tree tree, InodeId id, in InodeRow inode, ref int left)
    {
        if (inode.XattrNamesBytes == 0)
        {
            return true;
        }

        var countMax = left;
        var names = new List<byte[]>();
        tree.ScanXattrNames(id, (key, _) =>
        {
            names.Add(RowKey.XattrNameOf(key).ToArray());
            return names.Count < countMax;
        });
        var bytes = inode.XattrNamesBytes;
        foreach (var name in names)
        {
            tree.RemoveXattr(id, name);
            bytes -= (uint)name.Length + 1;
        }

        left -= names.Count;
        tree.Put(id, inode with { XattrNamesBytes = bytes });
        return bytes == 0 && left > 0;
    }
}
