namespace DistFS.Native.RocksDb;

/// <summary>How <see cref="RocksDb.IngestExternalFiles"/> takes files in.</summary>
public sealed record IngestSettings
{
    /// <summary>Files are moved, may replace keys, and wait for a flush where they must.</summary>
    public static readonly IngestSettings Default = new();

    /// <summary>Whether files are linked and then removed where they were, rather than copied.</summary>
    public bool MoveFiles { get; init; } = true;

    /// <summary>Whether snapshots that exist go on seeing the state before.</summary>
    public bool SnapshotConsistency { get; init; } = true;

    /// <summary>Whether files may overlap keys that exist, and then win over them.</summary>
    public bool AllowOverlap { get; init; } = true;

    /// <summary>Whether unflushed keys in the files' range are flushed first; otherwise that is an error.</summary>
    public bool AllowBlockingFlush { get; init; } = true;
}
