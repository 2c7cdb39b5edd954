namespace DistFS.Native.RocksDb;

/// <content>Making writes durable.</content>
public sealed unsafe partial class RocksDb
{
    /// <summary>The prefix of folders that <see cref="FlushAll"/> makes in the database's own.</summary>
    private const string FlushFolderPrefix = "distfs-flush-";

    /// <summary>
    /// Writes the memory of a family to a table file, synced. With <see cref="RocksDbOptions.AtomicFlush"/> it is
    /// <see cref="FlushAll"/>, since the engine (7.8) would flush one family alone even then.
    /// </summary>
    /// <param name="family">Which.</param>
    /// <param name="wait">Whether to return only when it is on disk; an atomic flush always waits.</param>
    public void Flush(ColumnFamily family, bool wait = true)
    {
        using var db = Enter(family);
        if (_atomicFlush)
        {
            FlushAll();
            return;
        }

        byte* error = null;
        RocksNative.FlushCf(db.Pointer, _handle.FlushOptions(wait), family.Pointer, &error);
        RocksDbErrors.ThrowIfError(error, Path);
    }

    /// <summary>
    /// Writes the memory of all families to table files, synced; with <see cref="RocksDbOptions.AtomicFlush"/> in one
    /// step, so that a crash finds all of it or nothing.
    /// </summary>
    /// <remarks>
    /// The C API of 7.8 has no atomic flush of several families (rocksdb_flush_cfs came with 8.9). A checkpoint
    /// begins with exactly that, so one is made, in the database's folder, and removed: it costs a hard link per
    /// table file.
    /// </remarks>
    public void FlushAll()
    {
        if (!_atomicFlush)
        {
            foreach (var family in _families.Values)
            {
                Flush(family);
            }

            return;
        }

        var folder = System.IO.Path.Combine(Path, FlushFolderPrefix + Guid.NewGuid().ToString("N"));
        try
        {
            CreateCheckpoint(folder, logBytesForFlush: 0);
        }
        finally
        {
            RemoveFlushFolders(folder, folder + ".tmp");
        }
    }

    /// <summary>Hands the write-ahead log to the kernel, and to the disk when <paramref name="sync"/>.</summary>
    public void FlushWal(bool sync)
    {
        using var db = _handle.Acquire();
        byte* error = null;
        RocksNative.FlushWal(db.Pointer, sync ? (byte)1 : (byte)0, &error);
        RocksDbErrors.ThrowIfError(error, Path);
    }

    /// <summary>For <see cref="Checkpoint"/>, and without its care for the folder's name.</summary>
    internal void CreateCheckpoint(string directory, long logBytesForFlush)
    {
        using var db = _handle.Acquire();
        using var checkpoint = new CheckpointHandle(_handle);
        byte* error = null;
        fixed (byte* name = OptionsBuilder.ToText(directory))
        {
            RocksNative.CheckpointCreate(checkpoint.DangerousGetHandle(), name, (ulong)logBytesForFlush, &error);
        }

        RocksDbErrors.ThrowIfError(error, directory);
    }

    /// <summary>
    /// What a crash during <see cref="FlushAll"/> left: links that would keep the space of deleted tables.
    /// </summary>
    private static void RemoveFlushRemains(string path) =>
        RemoveFlushFolders([.. Directory.EnumerateDirectories(path, FlushFolderPrefix + "*")]);

    private static void RemoveFlushFolders(params ReadOnlySpan<string> folders)
    {
        foreach (var folder in folders)
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }
}
