using DistFS.Metadata.Quotas;
using DistFS.Primitives;

namespace DistFS.Metadata.Reads;

/// <summary>What holds for an inode: its nearest quota, which <c>df</c> shows below that directory.</summary>
public static class GetQuotaRead
{
    /// <summary>
    /// <see cref="FsStatus.NotFound"/>: there is no such inode; <see cref="FsStatus.NoData"/>: no quota holds for it.
    /// </summary>
    /// <param name="context">The state.</param>
    /// <param name="id">A directory or what is below one.</param>
    /// <param name="directory">Whose quota it is.</param>
    /// <param name="quota">Its limits and its use.</param>
    public static FsStatus Apply(in ReadContext context, InodeId id, out InodeId directory, out QuotaRow quota)
    {
        (directory, quota) = (default, default);
        if (!context.Tree.TryGet(id, out var inode))
        {
            return FsStatus.NotFound;
        }

        directory = inode.Domain;
        return directory != default && context.Tree.TryGetQuota(directory, out quota) ? FsStatus.Ok : FsStatus.NoData;
    }
}
