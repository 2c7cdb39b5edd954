namespace DistFS.Metaserver.State;

/// <summary>What the state of the metadata may use.</summary>
public sealed record StateOptions
{
    /// <summary>Of the engine's block cache: rows that are read often. Default 128 MiB.</summary>
    public long CacheBytes { get; init; } = 128 << 20;

    /// <summary>Of names and inodes that readers ask for again and again, found without the engine; used as it fills.
    /// 0 for none. Default 32 MiB.</summary>
    public long RowCacheBytes { get; init; } = 32 << 20;

    /// <summary>Changed rows in memory before they go to a table; up to three of that. Also what a crash
    /// leaves to be applied again at the start. Default 16 MiB.</summary>
    public long WriteBufferBytes { get; init; } = 16 << 20;

    /// <summary>
    /// The engine compacts with the first change that comes so long after the start. What a crash interrupted, it would
    /// begin again at once, beside the entries that are applied again and the election; writes alone need it much
    /// later. Default 5 s.
    /// </summary>
    public TimeSpan CompactsAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>What is wrong, with what to set; null when nothing is.</summary>
    public string? Fault() =>
        CacheBytes < 8 << 20 ? "CacheBytes must be at least 8 MiB."
        : WriteBufferBytes < 1 << 20 ? "WriteBufferBytes must be at least 1 MiB."
        : CompactsAfter < TimeSpan.Zero ? "CompactsAfter must not be negative."
        : RowCacheBytes is not 0 and (< RowCache.BytesMin or > RowCache.BytesMax)
            ? "RowCacheBytes must be 0, or from 1 MiB to 1 GiB."
        : null;
}
