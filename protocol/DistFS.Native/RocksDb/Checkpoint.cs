namespace DistFS.Native.RocksDb;

/// <summary>
/// Copies of an open database that cost almost nothing: hard links to its tables, and a new manifest.
/// </summary>
public static class Checkpoint
{
    /// <summary>
    /// Creates a database in <paramref name="directory"/> that holds the state of now, without a stall.
    /// </summary>
    /// <param name="db">The database.</param>
    /// <param name="directory">
    /// A folder that does not exist, on the same file system (otherwise tables are copied). When this returns it is on
    /// disk, its name too.
    /// </param>
    /// <param name="logBytesForFlush">
    /// Unflushed writes are copied as log up to this size and flushed to a table beyond it. 0, the default, always
    /// flushes, which is needed for what was written without a log.
    /// </param>
    /// <exception cref="StoreRefusedException">The folder exists.</exception>
    /// <exception cref="StoreFullException">The disk is full.</exception>
    public static void Create(RocksDb db, string directory, long logBytesForFlush = 0)
    {
        ArgumentNullException.ThrowIfNull(db);
        ArgumentException.ThrowIfNullOrEmpty(directory);
        ArgumentOutOfRangeException.ThrowIfNegative(logBytesForFlush);
        db.CreateCheckpoint(directory, logBytesForFlush);

        // The engine syncs the files and their folder, not the folder that names it.
        if (Path.GetDirectoryName(Path.GetFullPath(directory)) is { } parent)
        {
            Posix.FsyncDirectory(parent);
        }
    }
}
