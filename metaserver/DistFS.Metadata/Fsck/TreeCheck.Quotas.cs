using DistFS.Metadata.Quotas;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;
using DistFS.Primitives;

namespace DistFS.Metadata.Fsck;

/// <content>The use of a quota is what belongs to it, and who belongs to it stands below its directory.</content>
public sealed partial class TreeCheck
{
    private readonly SortedDictionary<ulong, QuotaRow> _quotas = [];
    private bool _isWalking;

    private void TakeQuotas(IOrderedStore store)
    {
        Scan(store, RowTable.Quota, (key, value) =>
        {
            _quotas[RowKey.InodeOf(key).Value] = QuotaRow.Read(value);
            return true;
        });
        Scan(store, RowTable.QuotaWalk, (_, _) => !(_isWalking = true));
        var used = new Dictionary<ulong, (long Inodes, long Bytes)>();
        foreach (var (id, inode) in _inodes)
        {
            AddUse(used, inode.Domain, 1, inode.Allocated);
            CompareDomain(id, inode);
        }

        foreach (var (directory, quota) in _quotas)
        {
            AddUse(used, quota.Above, (long)quota.Inodes, (long)quota.Bytes);
            var isThere = _inodes.TryGetValue(new InodeId(directory), out var inode) && inode.Domain.Value == directory;
            if (isThere != quota.State is (QuotaState.Active or QuotaState.Counting))
            {
                Find($"the quota of {new InodeId(directory)} is {quota.State}, and its directory is "
                    + (isThere ? "there" : "not"));
            }
        }

        foreach (var (directory, quota) in _quotas)
        {
            var (inodes, bytes) = used.GetValueOrDefault(directory);
            if ((long)quota.Inodes != inodes || (long)quota.Bytes != bytes)
            {
                Find($"the quota of {new InodeId(directory)} says {quota.Inodes} inodes and {quota.Bytes} bytes, and "
                    + $"there are {inodes} and {bytes}");
            }
        }

        foreach (var directory in used.Keys.Where(directory => directory != 0 && !_quotas.ContainsKey(directory)))
        {
            Find($"the quota of {new InodeId(directory)} is not there, and has a use");
        }
    }

    private static void AddUse(
        Dictionary<ulong, (long Inodes, long Bytes)> used, InodeId domain, long inodes, long bytes)
    {
        var known = used.GetValueOrDefault(domain.Value);
        used[domain.Value] = (known.Inodes + inodes, known.Bytes + bytes);
    }

    /// <summary>Of a directory; a file with several names belongs to the domain of one of them.</summary>
    private void CompareDomain(InodeId id, in InodeRow inode)
    {
        if (_isWalking || !inode.IsDirectory || inode.Links == 0 || inode.Domain == id)
        {
            return;
        }

        var above = id == InodeId.Root ? default : _inodes.GetValueOrDefault(inode.Parent).Domain;
        if (inode.Domain != above)
        {
            Find($"the directory {id} belongs to the quota of {inode.Domain}, and that above it to that of {above}");
        }
    }
}
