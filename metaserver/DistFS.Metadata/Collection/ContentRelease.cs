using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata.Collection;

/// <summary>What an inode has of content goes, before the inode does.</summary>
internal static class ContentRelease
{
    /// <summary>
    /// Releases some of it, and takes from <paramref name="rowsLeft"/> what that was; true when nothing is left. What
    /// is released must be gone from the state, since the next step begins anew.
    /// </summary>
    public static bool Release(in MetadataContext context, InodeId id, in InodeRow inode, ref int rowsLeft)
    {
        // At most 4 KiB, in one row: a symbolic link's target, a small file.
        context.Tree.RemoveContent(id);
        return true;
    }
}
