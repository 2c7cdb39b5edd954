namespace DistFS.Metaserver.Storage;

/// <summary>How a <see cref="RaftStore"/> uses its disk.</summary>
public sealed record RaftStoreOptions
{
    /// <summary>Bytes of a file of the log; an entry that does not fit has a file of its own.</summary>
    public long SegmentBytes { get; init; } = 64 << 20;

    /// <summary>Most bytes of recent entries kept in memory.</summary>
    public long CacheBytes { get; init; } = 32 << 20;

    /// <summary>Largest data of an entry that is appended, in bytes. Larger ones that are there stay.</summary>
    public int EntryBytesMax { get; init; } = 16 << 20;

    /// <summary>Largest snapshot that is taken from another member, in bytes.</summary>
    public long SnapshotBytesMax { get; init; } = 1L << 40;

    /// <summary>What is wrong, with what to set; null when nothing is.</summary>
    public string? Fault() =>
        SegmentBytes is < 4096 or > 1 << 30 ? "SegmentBytes must be in 4096..2^30."
        : CacheBytes < 0 ? "CacheBytes must not be negative."
        : EntryBytesMax is < 1 or > LogRecordCodec.DataBytesMax ? "EntryBytesMax must be in 1..2^29."
        : SnapshotBytesMax < 1 ? "SnapshotBytesMax must be positive."
        : null;
}
