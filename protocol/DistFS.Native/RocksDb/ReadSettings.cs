namespace DistFS.Native.RocksDb;

/// <summary>How to read. Turned into <see cref="ReadOptions"/> once and then used for many reads.</summary>
public sealed record ReadSettings
{
    /// <summary>The latest state, verified, through the cache, without bounds.</summary>
    public static readonly ReadSettings Default = new();

    /// <summary>The state to read; null for the latest.</summary>
    public RocksSnapshot? Snapshot { get; init; }

    /// <summary>Whether blocks are checked against their checksums when they come from the disk.</summary>
    public bool VerifyChecksums { get; init; } = true;

    /// <summary>
    /// Whether what was read enters the block cache; off for scans that would only drive out what is hot.
    /// </summary>
    public bool FillCache { get; init; } = true;

    /// <summary>The first key that an iterator may show; null for none. Copied.</summary>
    public ReadOnlyMemory<byte>? LowerBound { get; init; }

    /// <summary>The first key that an iterator no longer shows; null for none. Copied.</summary>
    public ReadOnlyMemory<byte>? UpperBound { get; init; }

    /// <summary>
    /// How far an iterator reads ahead, in bytes; 0 leaves it to the engine, which doubles up to 256 KiB.
    /// </summary>
    public int ReadaheadBytes { get; init; }

    /// <summary>
    /// Whether an iterator stops at the end of the prefix that it was sought to (needs
    /// <see cref="ColumnFamilyOptions.PrefixBytes"/>); it then uses the prefix filters. Otherwise it runs in total
    /// order.
    /// </summary>
    public bool PrefixSameAsStart { get; init; }
}
