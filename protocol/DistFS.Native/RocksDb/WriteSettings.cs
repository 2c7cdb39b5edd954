namespace DistFS.Native.RocksDb;

/// <summary>
/// How durable a write is when it returns. There is no default: the engine's own (in the log, not on disk) loses
/// acknowledged writes with the power, so every caller says what it wants. The fourth combination, synced without a
/// log, does not exist.
/// </summary>
public sealed class WriteSettings
{
    /// <summary>In the write-ahead log and on disk (fdatasync): survives the loss of power.</summary>
    public static readonly WriteSettings Synced = new(0, sync: true, disableWal: false);

    /// <summary>
    /// In the write-ahead log, handed to the kernel: survives the death of the process, not of the machine. A later
    /// synced write, or <see cref="RocksDb.FlushWal"/>, makes it durable too.
    /// </summary>
    public static readonly WriteSettings Unsynced = new(1, sync: false, disableWal: false);

    /// <summary>
    /// In memory only, until a flush: for a store that is rebuilt from a log of its caller. With several column
    /// families set <see cref="RocksDbOptions.AtomicFlush"/>, or a crash may keep half of a batch.
    /// </summary>
    public static readonly WriteSettings WithoutWal = new(2, sync: false, disableWal: true);

    private WriteSettings(int index, bool sync, bool disableWal) =>
        (Index, Sync, DisableWal) = (index, sync, disableWal);

    /// <summary>Whether the write is on disk when it returns.</summary>
    public bool Sync { get; }

    /// <summary>Whether the write skips the write-ahead log.</summary>
    public bool DisableWal { get; }

    internal static IReadOnlyList<WriteSettings> All => [Synced, Unsynced, WithoutWal];

    /// <summary>The place in <see cref="All"/>.</summary>
    internal int Index { get; }
}
