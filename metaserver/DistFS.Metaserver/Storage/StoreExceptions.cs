using DistFS.Primitives;

namespace DistFS.Metaserver.Storage;

/// <summary>A store that is not opened or made: as it is, its member could break a promise. The code says
/// why.</summary>
public sealed class StoreRefusedException(ErrorCode code, string message, Exception? inner = null)
    : DistFsException(code, message, inner);

/// <summary>
/// The disk failed (<see cref="ErrorCatalog.DiskFailed"/>) or is full (<see cref="ErrorCatalog.DiskFull"/>). After a
/// failed change every later call throws it too: the process must end, and find out at its start what it has.
/// </summary>
public class StoreFailedException(ErrorCode code, string message, Exception? inner = null)
    : DistFsException(code, message, inner);

/// <summary>
/// The disk refused a snapshot that nobody relies on yet: one that is being made or received and has no name. The
/// store itself is whole and goes on, so that the snapshot can be tried again later. It counts as a
/// <see cref="StoreFailedException"/> for whoever does not try again.
/// </summary>
public sealed class SnapshotFailedException(ErrorCode code, string message, Exception? inner = null)
    : StoreFailedException(code, message, inner);

/// <summary>An entry does not match its checksum any more.</summary>
public sealed class LogCorruptException(LogIndex index, string file, long offset)
    : DistFsException(ErrorCatalog.LogCorrupt, $"The log's entry {index} in {file} at byte {offset} does not match its "
        + "checksum. Restart the metaserver: it then fetches what it lost from the others.")
{
    /// <summary>Which entry.</summary>
    public LogIndex Index => index;
}

/// <summary>A snapshot's bytes do not match their checksum; they are not handed out.</summary>
public sealed class SnapshotCorruptException(string message, Exception? inner = null)
    : DistFsException(ErrorCatalog.SnapshotCorrupt, message, inner);

/// <summary>A snapshot is no longer here: newer ones took its place.</summary>
public sealed class SnapshotGoneException(ulong id)
    : DistFsException(ErrorCatalog.SnapshotGone, $"The snapshot {id:x16} was replaced by newer ones.")
{
    /// <summary>Which snapshot.</summary>
    public ulong Id => id;
}
