namespace DistFS.Native.RocksDb;

/// <summary>How the keys of one column family are kept. Sizes are bytes.</summary>
public sealed record ColumnFamilyOptions
{
    /// <summary>
    /// Where decoded blocks are kept; null for none: every read goes to the page cache of the kernel.
    /// </summary>
    public BlockCache? BlockCache { get; init; }

    /// <summary>Bits of bloom filter per key: 10 give about 1 % of needless reads; 0 for no filter.</summary>
    public double BloomBitsPerKey { get; init; } = 10;

    /// <summary>How blocks are compressed on disk.</summary>
    public Compression Compression { get; init; } = Compression.Lz4;

    /// <summary>The unit of reading, before compression; a longer value has a block of its own.</summary>
    public int BlockBytes { get; init; } = 16 << 10;

    /// <summary>
    /// Keys are grouped by this many first bytes for <see cref="ReadSettings.PrefixSameAsStart"/>; 0 for no groups.
    /// Every key must be at least that long to be found by such an iterator.
    /// </summary>
    public int PrefixBytes { get; init; }

    /// <summary>Memory that is filled before it is flushed to a file.</summary>
    public long WriteBufferBytes { get; init; } = 64 << 20;

    /// <summary>
    /// Part of a write buffer's memory, 0 to 0.25, for a filter that tells keys that are not in it: worth it where such
    /// are asked for often. 0 for none.
    /// </summary>
    public double WriteBufferBloomShare { get; init; }

    /// <summary>
    /// Keys are put into the write buffer from where the last one with the same first bytes went, rather than from its
    /// top: worth it where keys of one group come in order, or the same ones again. Only by one thread. Takes memory
    /// for each group of a buffer; 0 for none.
    /// </summary>
    public int InsertHintPrefixBytes { get; init; }

    /// <summary>Such buffers at most, the one that is being filled included; then writes wait.</summary>
    public int WriteBuffersMax { get; init; } = 3;

    /// <summary>The size at which a compaction begins a new file on level 1.</summary>
    public long TargetFileBytes { get; init; } = 64 << 20;

    /// <summary>The size of level 1; each following level is ten times larger.</summary>
    public long LevelBytesBase { get; init; } = 256 << 20;

    /// <summary>Files on level 0 that start a compaction.</summary>
    public int Level0CompactionTrigger { get; init; } = 4;

    /// <summary>Files on level 0 at which writes are slowed.</summary>
    public int Level0SlowdownTrigger { get; init; } = 20;

    /// <summary>Files on level 0 at which writes stop.</summary>
    public int Level0StopTrigger { get; init; } = 36;

    /// <summary>Whether levels are sized from the last one up, which bounds the waste of space to about 11 %.</summary>
    public bool DynamicLevelBytes { get; init; } = true;

    /// <summary>Whether nothing is compacted without being asked.</summary>
    public bool DisableAutoCompactions { get; init; }

    /// <summary>
    /// Whether indexes and filters are in the block cache, and so inside its bound, rather than in memory that grows
    /// with the files.
    /// </summary>
    public bool CacheIndexAndFilterBlocks { get; init; } = true;

    /// <summary>Large values apart from the keys; null for none.</summary>
    public BlobOptions? Blobs { get; init; }

    /// <summary>
    /// For values that arrive sorted and compressed, in files of their own (<see cref="RocksDb.IngestExternalFiles"/>):
    /// nothing is compressed a second time, and many small level 0 files of overlapping writes do not stall the rest.
    /// </summary>
    public ColumnFamilyOptions ForIngest() => this with
    {
        Compression = Compression.None,
        Level0CompactionTrigger = 8,
        Level0SlowdownTrigger = 64,
        Level0StopTrigger = 128,
    };

    /// <summary>The one place where the values are checked.</summary>
    /// <exception cref="ArgumentException">
    /// A value is out of its range, or two contradict; names the property.
    /// </exception>
    internal void Validate()
    {
        if (!(BloomBitsPerKey is >= 0 and <= 100))
        {
            throw new ArgumentOutOfRangeException(nameof(BloomBitsPerKey), BloomBitsPerKey, "Must be 0 to 100.");
        }

        if (!Enum.IsDefined(Compression))
        {
            throw new ArgumentOutOfRangeException(nameof(Compression), Compression, "No such compression.");
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(BlockBytes, 512);
        ArgumentOutOfRangeException.ThrowIfNegative(PrefixBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(WriteBufferBytes, 64 << 10);
        if (!(WriteBufferBloomShare is >= 0 and <= 0.25))
        {
            throw new ArgumentOutOfRangeException(
                nameof(WriteBufferBloomShare), WriteBufferBloomShare, "Must be 0 to 0.25.");
        }

        ArgumentOutOfRangeException.ThrowIfNegative(InsertHintPrefixBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(WriteBuffersMax, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(TargetFileBytes, 64 << 10);
        ArgumentOutOfRangeException.ThrowIfLessThan(LevelBytesBase, TargetFileBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(Level0CompactionTrigger, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(Level0SlowdownTrigger, Level0CompactionTrigger);
        ArgumentOutOfRangeException.ThrowIfLessThan(Level0StopTrigger, Level0SlowdownTrigger);
        Blobs?.Validate();
    }
}

/// <summary>
/// Values from a given size on are kept in blob files, and the tables hold only references: a compaction then moves
/// keys without rewriting their values.
/// </summary>
public sealed record BlobOptions
{
    /// <summary>The length from which a value is a blob.</summary>
    public required long BlobBytesMin { get; init; }

    /// <summary>The size at which a new blob file begins.</summary>
    public long FileBytes { get; init; } = 256 << 20;

    /// <summary>How blobs are compressed.</summary>
    public Compression Compression { get; init; } = Compression.None;

    /// <summary>Whether compactions move live blobs out of old files, so that these can be deleted.</summary>
    public bool CollectGarbage { get; init; } = true;

    /// <summary>The oldest part of the blob files, 0 to 1, out of which blobs are moved.</summary>
    public double GarbageAgeCutoff { get; init; } = 0.25;

    /// <summary>The part of garbage in that oldest part, 0 to 1, which forces compactions; 1 never does.</summary>
    public double GarbageForceThreshold { get; init; } = 1.0;

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegative(BlobBytesMin);
        ArgumentOutOfRangeException.ThrowIfLessThan(FileBytes, 64 << 10);
        if (!(GarbageAgeCutoff is >= 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(GarbageAgeCutoff), GarbageAgeCutoff, "Must be 0 to 1.");
        }

        if (!(GarbageForceThreshold is >= 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(
                nameof(GarbageForceThreshold), GarbageForceThreshold, "Must be 0 to 1.");
        }

        if (!Enum.IsDefined(Compression))
        {
            throw new ArgumentOutOfRangeException(nameof(Compression), Compression, "No such compression.");
        }
    }
}
