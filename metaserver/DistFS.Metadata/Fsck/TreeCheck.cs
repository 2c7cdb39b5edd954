using System.Text;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;
using DistFS.Primitives;

namespace DistFS.Metadata.Fsck;

/// <summary>
/// Walks all rows and says what does not add up: the invariants of docs/design/metadata.md. Reads only; takes memory
/// for each directory and each file with several names.
/// </summary>
public sealed partial class TreeCheck
{
    private const int FindingsMax = 1000;

    private readonly Dictionary<InodeId, Tally> _tallies = [];
    private readonly Dictionary<InodeId, InodeRow> _inodes = [];
    private readonly HashSet<InodeId> _orphans = [];
    private readonly List<string> _findings = [];

    private TreeCheck()
    {
    }

    /// <summary>What is wrong with the rows of a store; nothing in a sound one, at most 1,000 lines.</summary>
    /// <param name="store">The rows.</param>
    /// <param name="nameKey">The cluster's key of the hashes of names.</param>
    public static IReadOnlyList<string> Run(IOrderedStore store, UInt128 nameKey)
    {
        ArgumentNullException.ThrowIfNull(store);
        var check = new TreeCheck();
        Scan(store, RowTable.Inode, check.TakeInode);
        Scan(store, RowTable.Dentry, (key, value) => check.TakeName(key, value, nameKey));
        Scan(store, RowTable.Orphan, check.TakeOrphan);
        check.TakeAttributes(store);
        check.TakeLocks(store);
        check.TakeQuotas(store);
        check.TakeRanges(store);
        check.Compare();
        ContentCheck.Run(store, check.Find);
        return check._findings;
    }

    private static void Scan(IOrderedStore store, RowTable table, RowVisitor visitor) =>
        store.Scan([(byte)table], [(byte)(table + 1)], visitor);

    private bool TakeInode(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        _inodes[RowKey.InodeOf(key)] = InodeRow.Read(value);
        return true;
    }

    private bool TakeName(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, UInt128 nameKey)
    {
        var directory = RowKey.InodeOf(key);
        var name = RowKey.NameOf(key);
        var dentry = DentryRow.Read(value);
        var tally = Of(directory);
        tally.Entries++;
        tally.Subdirectories += dentry.Kind == InodeKind.Directory ? 1u : 0;
        var names = Of(dentry.Inode);
        names.Names++;
        names.Parent = directory;
        if (RowKey.CookieOf(key) != Cookies.Of(nameKey, name))
        {
            Find($"{directory}: '{Encoding.Latin1.GetString(name)}' stands at a place that is not its hash's");
        }

        if (!_inodes.TryGetValue(dentry.Inode, out var inode) || inode.Kind != dentry.Kind)
        {
            Find($"{directory}: '{Encoding.Latin1.GetString(name)}' names {dentry.Inode}, a {dentry.Kind}, which is "
                + (inode.Kind == 0 ? "not there" : $"a {inode.Kind}"));
        }

        return true;
    }

    private bool TakeOrphan(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        _orphans.Add(RowKey.InodeOf(key));
        return true;
    }

    private void Compare()
    {
        foreach (var (id, inode) in _inodes)
        {
            var tally = _tallies.GetValueOrDefault(id) ?? new Tally();
            if (inode.IsDirectory)
            {
                CompareDirectory(id, inode, tally);
            }
            else if (inode.Links != tally.Names)
            {
                Find($"{id} says that it has {inode.Links} names, and has {tally.Names}");
            }

            var isOrphan = inode is { Links: 0, Opens: 0 };
            if (_orphans.Contains(id) != isOrphan)
            {
                Find($"{id} has {inode.Links} links, {inode.Opens} opens, and is {(isOrphan ? "no" : "an")} orphan");
            }

            CompareAttributes(id, inode);
        }

        foreach (var orphan in _orphans.Where(orphan => !_inodes.ContainsKey(orphan)))
        {
            Find($"the orphan {orphan} is not there");
        }

        foreach (var id in _tallies.Keys.Where(id => !_inodes.ContainsKey(id)))
        {
            Find($"names are in or for {id}, which is not there");
        }
    }

    private void CompareDirectory(InodeId id, in InodeRow inode, Tally tally)
    {
        var isRoot = id == InodeId.Root;
        var isOrphan = inode.Links == 0;
        if (tally.Names != (isRoot || isOrphan ? 0u : 1u))
        {
            Find($"the directory {id} has {tally.Names} names");
        }

        if (!isOrphan && inode.Parent != (isRoot ? id : tally.Parent))
        {
            Find($"the directory {id} says that it is in {inode.Parent}, and is in {tally.Parent}");
        }

        if (inode.Entries != tally.Entries || (!isOrphan && inode.Links != 2 + tally.Subdirectories))
        {
            Find($"the directory {id} says {inode.Entries} names and {inode.Links} links, and has {tally.Entries} "
                + $"names and {tally.Subdirectories} subdirectories");
        }

        if (!isOrphan && !ReachesRoot(id))
        {
            Find($"the directory {id} is not below the root");
        }
    }

    private bool ReachesRoot(InodeId id)
    {
        for (var steps = 0; steps <= _inodes.Count; steps++)
        {
            if (id == InodeId.Root)
            {
                return true;
            }

            if (!_inodes.TryGetValue(id, out var inode))
            {
                return false;
            }

            id = inode.Parent;
        }

        return false;
    }

    private Tally Of(InodeId id)
    {
        if (!_tallies.TryGetValue(id, out var tally))
        {
            _tallies[id] = tally = new Tally();
        }

        return tally;
    }

    private void Find(string text)
    {
        if (_findings.Count < FindingsMax)
        {
            _findings.Add(text);
        }
    }

    private sealed class Tally
    {
        public ulong Entries { get; set; }

        public uint Subdirectories { get; set; }

        public uint Names { get; set; }

        public InodeId Parent { get; set; }
    }
}
