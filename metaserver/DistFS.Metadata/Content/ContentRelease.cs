using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata.Content;

/// <summary>
/// Gives back what a file stores, in steps of bounded work: a file may have more chunks than one entry of the log
/// should touch.
/// </summary>
public static class ContentRelease
{
    /// <summary>
    /// Releases the content of an inode that nobody can reach any more, at most so many places of it. Returns true when
    /// nothing is left, in the same entry as the inode is then to be removed; else another entry has to go on.
    /// </summary>
    /// <param name="tree">The state.</param>
    /// <param name="inode">It is there, without a name and not open.</param>
    /// <param name="limit">At least 1.</param>
    /// <param name="index">The entry.</param>
    public static bool ReleaseContent(Tree tree, InodeId inode, int limit, LogIndex index)
    {
        ArgumentNullException.ThrowIfNull(tree);
        Check.That(limit > 0);
        Check.That(tree.TryGet(inode, out var row));
        var places = tree.Chunks.Places(inode, 0, row.ChunkEnd, limit + 1);
        var stored = row.Allocated;
        foreach (var (at, place) in places.Take(limit))
        {
            stored -= tree.Chunks.DropPlace(inode, at, place, index);
        }

        var isDone = places.Count <= limit;
        if (isDone)
        {
            stored -= row.Kind == InodeKind.File ? tree.Content(inode)?.Length ?? 0 : 0;
            Check.That(stored == 0);
            tree.RemoveContent(inode);
            tree.Chunks.RemoveTrim(inode);
        }

        tree.Put(inode, row with { Allocated = stored, ChunkEnd = isDone ? 0 : row.ChunkEnd });
        return isDone;
    }

    /// <summary>
    /// Releases what a truncation left behind, after looking at no more than so many places. Returns true when nothing
    /// is left of it.
    /// </summary>
    /// <inheritdoc cref="ReleaseContent"/>
    public static bool ReleaseTrimmed(Tree tree, InodeId inode, int limit, LogIndex index)
    {
        ArgumentNullException.ThrowIfNull(tree);
        if (!tree.Chunks.TryGetTrim(inode, out var trim))
        {
            return true;
        }

        Check.That(limit > 0);
        Check.That(tree.TryGet(inode, out var row));
        var places = tree.Chunks.Places(inode, trim.Next, row.ChunkEnd, limit + 1);
        var stored = row.Allocated;
        foreach (var (at, place) in places.Take(limit))
        {
            stored -= trim.Covers(at, place) ? tree.Chunks.DropPlace(inode, at, place, index) : 0;
        }

        tree.Put(inode, row with { Allocated = stored });
        if (places.Count <= limit)
        {
            tree.Chunks.RemoveTrim(inode);
            return true;
        }

        tree.Chunks.PutTrim(inode, trim with { Next = places[limit].Index });
        return false;
    }
}
