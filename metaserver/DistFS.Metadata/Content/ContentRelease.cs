using DistFS.Metadata.Quotas;
using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata.Content;

/// <summary>
/// Gives back what a file stores, in steps of bounded work: a file may have more chunks than one entry of the log
/// should touch. What is given back is no longer charged to the file's quota.
/// </summary>
internal static class ContentRelease
{
    /// <summary>
    /// Releases the content of an inode that nobody can reach any more. Returns true when nothing is left, so that the
    /// inode may be removed in the same entry; else another entry has to go on.
    /// </summary>
    /// <param name="tree">The state.</param>
    /// <param name="inode">It is there, without a name and not open.</param>
    /// <param name="left">At least 1: at most so many places are released, and what was is taken from it.</param>
    /// <param name="index">The entry.</param>
    public static bool ReleaseContent(Tree tree, InodeId inode, ref int left, LogIndex index)
    {
        Check.That(left > 0);
        Check.That(tree.TryGet(inode, out var row));
        var limit = left;
        var places = tree.Chunks.Places(inode, 0, row.ChunkEnd, limit + 1);
        var stored = row.Allocated;
        foreach (var (at, place) in places.Take(limit))
        {
            stored -= tree.Chunks.DropPlace(inode, at, place, index);
            left--;
        }

        var isDone = places.Count <= limit;
        if (isDone)
        {
            // What is not there is not removed: each removal is a row in the engine.
            var content = tree.Content(inode);
            stored -= row.Kind == InodeKind.File ? content?.Length ?? 0 : 0;
            Check.That(stored == 0);
            if (content != null)
            {
                tree.RemoveContent(inode);
            }

            if (row.ChunkEnd > 0)
            {
                tree.Chunks.RemoveTrim(inode);
            }
        }

        Put(tree, inode, row with { ChunkEnd = isDone ? 0 : row.ChunkEnd }, stored);
        return isDone;
    }

    /// <summary>
    /// Releases what a truncation left behind, after looking at no more than so many places. Returns true when nothing
    /// is left of it.
    /// </summary>
    /// <param name="tree">The state.</param>
    /// <param name="inode">Of which a truncation has left something.</param>
    /// <param name="left">At least 1: what was looked at is taken from it, and 1 for nothing.</param>
    /// <param name="index">The entry.</param>
    public static bool ReleaseTrimmed(Tree tree, InodeId inode, ref int left, LogIndex index)
    {
        Check.That(left > 0);
        Check.That(tree.Chunks.TryGetTrim(inode, out var trim));
        Check.That(tree.TryGet(inode, out var row));
        var limit = left;
        var places = tree.Chunks.Places(inode, trim.Next, row.ChunkEnd, limit + 1);
        var stored = row.Allocated;
        foreach (var (at, place) in places.Take(limit))
        {
            stored -= trim.Covers(at, place) ? tree.Chunks.DropPlace(inode, at, place, index) : 0;
        }

        left -= Math.Clamp(places.Count, 1, limit);
        Put(tree, inode, row, stored);
        if (places.Count <= limit)
        {
            tree.Chunks.RemoveTrim(inode);
            return true;
        }

        tree.Chunks.PutTrim(inode, trim with { Next = places[limit].Index });
        return false;
    }

    private static void Put(Tree tree, InodeId inode, in InodeRow row, long stored)
    {
        Domains.Charge(tree, row.Domain, 0, stored - row.Allocated);
        tree.Put(inode, row with { Allocated = stored });
    }
}
