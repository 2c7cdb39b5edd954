using System.Buffers;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;

namespace DistFS.Metadata.Fsck;

/// <summary>What a check is about to look at.</summary>
public enum CheckPhase
{
    /// <summary>Chunks, their copies, their servers.</summary>
    Chunks,

    /// <summary>Inodes, with all that other tables have of them.</summary>
    Inodes,

    /// <summary>Names, each with what it names.</summary>
    Names,

    /// <summary>What counts other rows: links, quotas, sessions, references.</summary>
    Counts,

    /// <summary>Nothing any more.</summary>
    Done,
}

/// <summary>
/// Walks all rows and says what does not add up: the invariants of docs/design/metadata.md. Works in steps, over a
/// store that does not change meanwhile, and reads only.
/// </summary>
/// <remarks>
/// Tables are walked side by side, so what is said of an inode is compared with what is there as it passes. Kept are 40
/// bytes for each inode and 24 for each chunk, whatever their names, attributes and places, beside sessions, quotas and
/// chunk servers: 2 million inodes with a chunk each take 128 MB.
/// </remarks>
public sealed partial class MetadataCheck
{
    private readonly IOrderedStore _store;
    private readonly UInt128 _nameKey;
    private readonly FindingList _findings = new();
    private readonly SortedBlocks<Node> _nodes = new();
    private readonly ArrayBufferWriter<byte> _value = new();
    private readonly ContentCheck _content;
    private readonly IEnumerator<CheckPhase> _walk;

    /// <summary>Before the first step.</summary>
    /// <param name="store">The rows, as of one moment.</param>
    /// <param name="nameKey">The cluster's key of the hashes of names.</param>
    public MetadataCheck(IOrderedStore store, UInt128 nameKey)
    {
        ArgumentNullException.ThrowIfNull(store);
        (_store, _nameKey) = (store, nameKey);
        _content = new ContentCheck(store, _findings, Open);
        _walk = Walk().GetEnumerator();
    }

    /// <summary>Rows that were looked at.</summary>
    public long Rows { get; private set; }

    /// <summary>Where it is.</summary>
    public CheckPhase Phase { get; private set; }

    /// <summary>The first 1,000 things that are wrong.</summary>
    public IReadOnlyList<Finding> Findings => _findings.First;

    /// <summary>All things that are wrong.</summary>
    public long FindingsTotal => _findings.Total;

    /// <summary>Of a whole state; null before the cluster's first entry.</summary>
    public static MetadataCheck? Begin(IOrderedStore store) =>
        ClusterRow.Find(new Changes(store)) is { } cluster ? new MetadataCheck(store, cluster.NameKey) : null;

    /// <summary>
    /// Goes on for so many rows, with what belongs to them. False: all is looked at, and what was found is complete.
    /// </summary>
    /// <exception cref="RowFormatException">A row cannot be read at all.</exception>
    public bool Step(int rowsMax)
    {
        for (var left = rowsMax; left > 0 && Phase != CheckPhase.Done; left--)
        {
            Phase = _walk.MoveNext() ? _walk.Current : CheckPhase.Done;
        }

        return Phase != CheckPhase.Done;
    }

    /// <summary>Everything, in bits of bounded work.</summary>
    private IEnumerable<CheckPhase> Walk()
    {
        TakeSessions();
        TakeRanges();
        foreach (var _ in _content.TakeChunks())
        {
            yield return CheckPhase.Chunks;
        }

        foreach (var _ in TakeInodes())
        {
            yield return CheckPhase.Inodes;
        }

        foreach (var _ in TakeNames())
        {
            yield return CheckPhase.Names;
        }

        foreach (var _ in CompareNodes().Concat(CompareSessions()).Concat(_content.CompareChunks()))
        {
            yield return CheckPhase.Counts;
        }

        CompareTrash();
        CompareQuotas();
    }

    private RowCursor Open(RowTable table) => new(_store, table, () => Rows++);

    private bool TryRead(ReadOnlySpan<byte> key)
    {
        _value.ResetWrittenCount();
        return _store.TryRead(key, _value);
    }

    private int CountRows(RowTable table)
    {
        var count = 0;
        for (var rows = Open(table); !rows.IsEnd; rows.Next())
        {
            count++;
        }

        return count;
    }

    /// <summary>What is kept of an inode: 40 bytes.</summary>
    private struct Node : INumbered
    {
        public ulong Number { readonly get; init; }

        /// <summary>Of a directory: the one above, as it says itself.</summary>
        public ulong Parent { get; init; }

        public ulong Domain { get; init; }

        public uint Links { get; init; }

        /// <summary>Names that were found.</summary>
        public uint Names { get; set; }

        public InodeKind Kind { get; init; }

        public Reach Reach { get; set; }
    }

    /// <summary>Whether the way up from a directory ends at the root.</summary>
    private enum Reach : byte
    {
        Unknown,
        OnTheWay,
        Root,
        Nowhere,
    }
}
