namespace DistFS.Native.RocksDb;

/// <summary>How a database is opened. Sizes are bytes; 0 leaves a size to the engine.</summary>
public sealed record RocksDbOptions
{
    /// <summary>
    /// Whether an empty or absent folder becomes a new database. Explicit, since a mistake in a path costs data.
    /// </summary>
    public required bool CreateIfMissing { get; init; }

    /// <summary>Whether families that are named but absent are created.</summary>
    public bool CreateMissingColumnFamilies { get; init; } = true;

    /// <summary>Whether an existing database is an error.</summary>
    public bool ErrorIfExists { get; init; }

    /// <summary>Whether damage that is found in the background stops writes at once.</summary>
    public bool ParanoidChecks { get; init; } = true;

    /// <summary>What a damaged write-ahead log means at open.</summary>
    public WalRecoveryMode WalRecovery { get; init; } = WalRecoveryMode.TolerateCorruptedTailRecords;

    /// <summary>
    /// Whether a flush takes all families together. Needed where batches over several families are written without a
    /// log: otherwise a crash keeps the part of a batch whose family was flushed.
    /// </summary>
    public bool AtomicFlush { get; init; }

    /// <summary>Open table files; -1 keeps all open, with their indexes in memory or in the cache.</summary>
    public int OpenFilesMax { get; init; } = -1;

    /// <summary>Threads for flushes and compactions together.</summary>
    public int BackgroundJobsMax { get; init; } = 2;

    /// <summary>The log's size that forces a flush, so that it can be deleted.</summary>
    public long WalBytesMax { get; init; }

    /// <summary>Memory for unflushed writes of all families together.</summary>
    public long DbWriteBufferBytes { get; init; }

    /// <summary>
    /// Table files are handed to the disk in steps of this size while they are written, so that their final fsync does
    /// not stall everything else.
    /// </summary>
    public long BytesPerSync { get; init; } = 1 << 20;

    /// <summary>Another folder for the write-ahead log, on another device for instance; null for the same.</summary>
    public string? WalDirectory { get; init; }

    /// <summary>The one place where the values are checked.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range; names the property.</exception>
    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(OpenFilesMax, -1);
        ArgumentOutOfRangeException.ThrowIfZero(OpenFilesMax);
        ArgumentOutOfRangeException.ThrowIfLessThan(BackgroundJobsMax, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(WalBytesMax);
        ArgumentOutOfRangeException.ThrowIfNegative(DbWriteBufferBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(BytesPerSync);
        ThrowUnlessDefined(WalRecovery);
    }

    private static void ThrowUnlessDefined<T>(
        T value, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(value))] string? name = null)
        where T : struct, Enum
    {
        if (!Enum.IsDefined(value))
        {
            throw new ArgumentOutOfRangeException(name, value, "No such value.");
        }
    }
}

/// <summary>What the engine does about a write-ahead log that does not read to its end (numbers of c.h).</summary>
public enum WalRecoveryMode
{
    /// <summary>
    /// A last record that is incomplete was never acknowledged as synced and is dropped; damage before it is an error.
    /// The only mode that neither loses what was synced nor refuses an ordinary crash.
    /// </summary>
    TolerateCorruptedTailRecords = 0,

    /// <summary>Every imperfection is an error, the torn end of an ordinary crash included.</summary>
    AbsoluteConsistency = 1,

    /// <summary>
    /// Replays up to the first damage and drops the rest, synced or not, in silence. The engine's own default.
    /// </summary>
    PointInTime = 2,

    /// <summary>Drops damaged records and goes on: for salvage.</summary>
    SkipAnyCorruptedRecords = 3,
}

/// <summary>How the engine compresses blocks (numbers of c.h).</summary>
public enum Compression
{
    /// <summary>Not at all: right for values that are compressed already.</summary>
    None = 0,

    /// <summary>LZ4.</summary>
    Lz4 = 4,
}
