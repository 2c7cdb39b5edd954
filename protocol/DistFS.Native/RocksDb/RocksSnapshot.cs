namespace DistFS.Native.RocksDb;

/// <summary>
/// The state of a database at one moment, for <see cref="ReadSettings.Snapshot"/>. While it is held, no version of a
/// key that it can see is dropped by a compaction, so hold it for as long as needed only.
/// </summary>
public sealed class RocksSnapshot : IDisposable
{
    internal RocksSnapshot(DbHandle owner)
    {
        Owner = owner;
        Handle = new SnapshotHandle(owner);
    }

    internal DbHandle Owner { get; }

    internal SnapshotHandle Handle { get; }

    /// <summary>Lets go; read options that were made from it keep it until they are disposed.</summary>
    public void Dispose() => Handle.Dispose();
}
