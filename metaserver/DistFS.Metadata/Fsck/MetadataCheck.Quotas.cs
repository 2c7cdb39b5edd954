using DistFS.Metadata.Quotas;
using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata.Fsck;

/// <content>The use of a quota is what belongs to it, and who belongs to it stands below its directory.</content>
public sealed partial class MetadataCheck
{
    private readonly Dictionary<ulong, (long Inodes, long Bytes)> _used = [];

    /// <summary>Inodes that belong to a quota of their own.</summary>
    private readonly HashSet<ulong> _ownDomains = [];

    private bool? _isWalking;

    private bool IsWalking => _isWalking ??= !Open(RowTable.QuotaWalk).IsEnd;

    private void AddUse(ulong domain, long inodes, long bytes)
    {
        var known = _used.GetValueOrDefault(domain);
        _used[domain] = (known.Inodes + inodes, known.Bytes + bytes);
    }

    /// <summary>Of a directory; a file with several names belongs to the domain of one of them.</summary>
    private void CompareDomain(InodeId id, in Node node)
    {
        if (IsWalking || node.Domain == node.Number)
        {
            return;
        }

        var at = id == InodeId.Root ? -1 : _nodes.Find(node.Parent);
        var above = at < 0 ? 0 : _nodes[at].Domain;
        _findings.Expect(node.Domain == above, FindingKind.Quota, id,
            $"the directory {id} belongs to the quota of {new InodeId(node.Domain)}, and that above it to that of "
                + $"{new InodeId(above)}");
    }

    private void CompareQuotas()
    {
        var quotas = new SortedDictionary<ulong, QuotaRow>();
        for (var rows = Open(RowTable.Quota); !rows.IsEnd; rows.Next())
        {
            quotas[rows.Inode.Value] = QuotaRow.Read(rows.Value);
        }

        foreach (var (directory, quota) in quotas)
        {
            AddUse(quota.Above.Value, (long)quota.Inodes, (long)quota.Bytes);
            var isThere = _ownDomains.Contains(directory);
            _findings.Expect(
                isThere == quota.State is (QuotaState.Active or QuotaState.Counting),
                FindingKind.Quota,
                new InodeId(directory),
                $"the quota of {new InodeId(directory)} is {quota.State}, and its directory is "
                    + $"{(isThere ? "there" : "not")}");
        }

        foreach (var (directory, quota) in quotas)
        {
            var (inodes, bytes) = _used.GetValueOrDefault(directory);
            _findings.Expect(
                (long)quota.Inodes == inodes && (long)quota.Bytes == bytes, FindingKind.Quota, new InodeId(directory),
                $"the quota of {new InodeId(directory)} says {quota.Inodes} inodes and {quota.Bytes} bytes, "
                    + $"and there are {inodes} and {bytes}");
        }

        foreach (var directory in _used.Keys.Where(directory => directory != 0 && !quotas.ContainsKey(directory)))
        {
            _findings.Expect(false, FindingKind.Quota, new InodeId(directory),
                $"the quota of {new InodeId(directory)} is not there, and has a use");
        }
    }
}
