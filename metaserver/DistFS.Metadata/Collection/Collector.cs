using DistFS.Metadata.Opens;
using DistFS.Metadata.Quotas;
using DistFS.Metadata.Rows;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Collection;

/// <summary>
/// What is left of sessions that are over, and inodes with neither name nor open, go in steps whose work is bounded,
/// and quotas are counted in them: a step stops where it is, and the state says where the next one goes on.
/// </summary>
internal static class Collector
{
    /// <summary>Most work of one step, in rows.</summary>
    public const uint RowsMax = 2_000;

    /// <summary>A step.</summary>
    public static CollectReply Run(in MetadataContext context, int rowsMax)
    {
        var left = rowsMax;
        EndSessions(context, ref left);
        CollectOrphans(context, ref left);
        QuotaWalker.Step(context.Tree, ref left);
        return new CollectReply
        {
            Rows = (uint)(rowsMax - left),
            More = context.Tree.Ended(1).Count > 0 || context.Tree.Orphans(1).Count > 0
                || context.Tree.QuotaWalk() != null,
        };
    }

    /// <summary>A session is over: what there is of it is left to the steps.</summary>
    public static void SessionEnded(Tree tree, ClientId client)
    {
        if (tree.OpensOf(client, 1).Count > 0)
        {
            tree.PutEnded(client);
        }
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
        if (!RemoveXattrs(tree, id, inode, ref left) || !ContentRelease.Release(context, id, inode, ref left))
        {
            return;
        }

        tree.RemoveAcls(id, inode);
        Domains.Leave(tree, id, inode);
        tree.Remove(id);
        tree.RemoveOrphan(id);
        left--;
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
