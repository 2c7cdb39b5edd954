using System.Collections.Immutable;
using System.Runtime.InteropServices;
using DistFS.Primitives;

namespace DistFS.Chunks;

/// <summary>A row of the family "overlay".</summary>
/// <param name="Ordinal">Which; never given to another piece of the chunk.</param>
/// <param name="Header">What it is.</param>
internal readonly record struct OverlayPiece(uint Ordinal, PieceHeader Header);

/// <summary>Blocks of a part that is not ingested yet.</summary>
/// <param name="Part">The part.</param>
/// <param name="First">The first block.</param>
/// <param name="Count">How many of the part's blocks count.</param>
internal readonly record struct OpenRange(OpenPart Part, uint First, uint Count)
{
    public bool Has(uint block) => block >= First && block < First + Count;
}

/// <summary>
/// Where the pieces of a block are. It names them for ever: numbers of parts are not used again in a run, and a block
/// is in a part once; and what lies over it is another array with every change. So equal plans of a block mean equal
/// bytes, whatever has happened between.
/// </summary>
/// <param name="Part">The part, ingested or not; 0 for none.</param>
/// <param name="Overlay">The pieces over it; null for none.</param>
internal readonly record struct BlockPlan(ulong Part, OverlayPiece[]? Overlay)
{
    /// <summary>Whether nothing is stored: the block is zeros.</summary>
    public bool IsEmpty => Part == 0 && Overlay is null;

    /// <summary>The same part, and the same array.</summary>
    public bool Equals(BlockPlan other) => Part == other.Part && ReferenceEquals(Overlay, other.Overlay);

    /// <inheritdoc/>
    public override int GetHashCode() => Part.GetHashCode();
}

/// <summary>
/// A chunk at one moment: never changed, so that readers need no lock. The lane makes the next one, and shows it
/// when what it says is committed.
/// </summary>
internal sealed record ChunkContent
{
    public required ChunkInfo Info { get; init; }

    /// <summary>The end of what is in the log of the engine or in ingested files: the length in the row.</summary>
    public uint DurableLength { get; init; }

    /// <summary>
    /// The run in which bytes were replied to that no sync has made durable since; 0 for none. On disk before the first
    /// of them is replied to: so whoever opens the store knows which chunks may have lost some.
    /// </summary>
    public ulong UnsyncedIn { get; init; }

    /// <summary>Whether this run has replied to bytes that are not durable.</summary>
    public bool IsUnsynced => UnsyncedIn != 0 && !Info.IsUnclean;

    /// <summary>Blocks in ingested files, by first block; no two of them overlap.</summary>
    public ImmutableArray<PartRange> Parts { get; init; } = [];

    /// <summary>Blocks in parts that are not ingested yet. They overlap none of <see cref="Parts"/>.</summary>
    public ImmutableArray<OpenRange> Open { get; init; } = [];

    /// <summary>The part that takes the next block in order; the last of <see cref="Open"/>.</summary>
    public OpenPart? Tail { get; init; }

    /// <summary>
    /// Small writes by block, in the order in which they lie over each other and over what a part has. One that
    /// covers the block is the first.
    /// </summary>
    public ImmutableDictionary<uint, ImmutableArray<OverlayPiece>> Overlay { get; init; } =
        ImmutableDictionary<uint, ImmutableArray<OverlayPiece>>.Empty;

    /// <summary>Whether rows of the overlay could not be read: the chunk is lost.</summary>
    public bool IsOverlayUnknown { get; init; }

    /// <summary>Bytes of <see cref="Overlay"/>.</summary>
    public long OverlayBytes { get; init; }

    /// <summary>The last ordinal that was given.</summary>
    public uint LastOrdinal { get; init; }

    /// <summary>Whether anything is stored of a block.</summary>
    public bool Has(uint block) => Overlay.ContainsKey(block) || HasBase(block);

    /// <summary>Whether a part has a block.</summary>
    public bool HasBase(uint block) => PartOf(block) is not null || OpenOf(block) is not null;

    /// <summary>The ingested part that has a block.</summary>
    public PartRange? PartOf(uint block)
    {
        var (low, high) = (0, Parts.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var range = Parts[middle];
            if (range.Has(block))
            {
                return range;
            }

            (low, high) = block < range.First ? (low, middle - 1) : (middle + 1, high);
        }

        return null;
    }

    /// <summary>The open part that has a block.</summary>
    public OpenRange? OpenOf(uint block)
    {
        foreach (var range in Open)
        {
            if (range.Has(block))
            {
                return range;
            }
        }

        return null;
    }

    /// <summary>The pieces of a block in the overlay.</summary>
    public ReadOnlySpan<OverlayPiece> OverlayOf(uint block) =>
        Overlay.TryGetValue(block, out var pieces) ? ImmutableCollectionsMarshal.AsArray(pieces) : [];

    /// <summary>What lies where of a block.</summary>
    public BlockPlan PlanOf(uint block)
    {
        if (block >= ChunkLayout.BlocksOf(Info.Length))
        {
            return default;
        }

        var pieces = Overlay.TryGetValue(block, out var found) ? ImmutableCollectionsMarshal.AsArray(found) : null;
        return new BlockPlan(PartOf(block)?.Part ?? OpenOf(block)?.Part.Number ?? 0, pieces);
    }

    /// <summary>Without blocks of parts, from one to before another.</summary>
    public ChunkContent WithoutBase(uint from, uint to)
    {
        var parts = ImmutableArray.CreateBuilder<PartRange>(Parts.Length + 1);
        foreach (var range in Parts)
        {
            if (range.First < from)
            {
                parts.Add(range with { Count = Math.Min(range.End, from) - range.First });
            }

            if (range.End > to)
            {
                var first = Math.Max(range.First, to);
                parts.Add(new PartRange(range.Part, first, range.End - first));
            }
        }

        var open = ImmutableArray.CreateBuilder<OpenRange>(Open.Length + 1);
        foreach (var range in Open)
        {
            var end = range.First + range.Count;
            if (range.First < from)
            {
                open.Add(range with { Count = Math.Min(end, from) - range.First });
            }

            if (end > to)
            {
                var first = Math.Max(range.First, to);
                open.Add(new OpenRange(range.Part, first, end - first));
            }
        }

        return this with { Parts = parts.ToImmutable(), Open = open.ToImmutable() };
    }

    /// <summary>
    /// As it is when the group of now is on the disk with a sync: everything of it is durable, unless a part of it is
    /// not ingested.
    /// </summary>
    public ChunkContent Synced() => IsUnsynced && Open.IsEmpty ? this with { UnsyncedIn = 0 } : this;

    /// <summary>With ingested ranges more.</summary>
    public ImmutableArray<PartRange> PartsWith(IEnumerable<PartRange> more) =>
        [.. Parts.Concat(more).OrderBy(range => range.First)];
}

/// <summary>A chunk in memory.</summary>
internal sealed class ChunkEntry(ChunkId chunk, ChunkContent? content)
{
    private volatile ChunkContent? _current = content;
    private int _stamp;

    public ChunkId Chunk { get; } = chunk;

    /// <summary>What readers see: committed. Null once the chunk is deleted.</summary>
    public ChunkContent? Current => _current;

    /// <summary>What the lane makes of it; the same as <see cref="Current"/> between two groups. The lane's.</summary>
    public ChunkContent? Next { get; set; } = content;

    /// <summary>Whether the row has to be written with the group. The lane's.</summary>
    public bool IsRowDirty { get; set; }

    /// <summary>Whether it is in the group of now. The lane's.</summary>
    public bool IsInGroup { get; set; }

    /// <summary>The caller's clock at the last write. The lane's.</summary>
    public long WrittenMs { get; set; }

    /// <summary>Whether it was used since somebody last looked whether it could be forgotten.</summary>
    public bool IsUsed { get; set; } = true;

    /// <summary>
    /// Grows by one when a commit of it begins, and by one when readers see the result: odd in between. Rows of
    /// <see cref="Current"/> may be gone from the database then, and nothing is damaged.
    /// </summary>
    public int Stamp => Volatile.Read(ref _stamp);

    /// <summary>A commit begins. The lane's.</summary>
    public void BeginCommit() => Interlocked.Increment(ref _stamp);

    /// <summary>The commit has ended: readers see <see cref="Next"/>. The lane's.</summary>
    public void Publish()
    {
        _current = Next;
        Interlocked.Increment(ref _stamp);
    }
}
