namespace DistFS.Primitives;

/// <content>146x and 147x: chunks and the stores of chunk servers.</content>
public static partial class ErrorCatalog
{
    /// <summary>The store has no such chunk.</summary>
    public static readonly ErrorCode ChunkUnknown = new(1460, FsStatus.NotFound, "chunk not here",
        "The chunk server that was asked has no copy of this chunk: it was moved or deleted since the client looked up "
        + "where it is. Clients look it up again by themselves.");

    /// <summary>The chunk is there already.</summary>
    public static readonly ErrorCode ChunkExists = new(1461, FsStatus.AlreadyExists, "chunk exists",
        "The chunk server already has this chunk in another state than the one that was to be made. Nothing was "
        + "changed. Clients and metaservers go on by themselves.");

    /// <summary>A version that is over.</summary>
    public static readonly ErrorCode ChunkVersionStale = new(1462, FsStatus.Stale, "chunk version is over",
        "The request names a version of the chunk that has been replaced by a later one, since its servers changed. "
        + "Nothing was changed. Clients look up the version again by themselves.");

    /// <summary>A version that the store was not told of.</summary>
    public static readonly ErrorCode ChunkVersionUnknown = new(1463, FsStatus.TryAgain, "chunk version not begun here",
        "The request names a version of the chunk that this chunk server was not told of yet. Nothing was changed. "
        + "Clients try again by themselves, here or at another server.");

    /// <summary>The copy is lost or damaged.</summary>
    public static readonly ErrorCode ChunkLost = new(1464, FsStatus.Corrupt, "copy of a chunk lost",
        "This server's copy of the chunk is damaged, or bytes of it are missing, and it is not served any more. Others "
        + "are read, and the copy is replaced from one of them. If it happens often, check the disk (smartctl).");

    /// <summary>The copy is not whole yet.</summary>
    public static readonly ErrorCode ChunkIncomplete = new(1465, FsStatus.TryAgain, "copy of a chunk not whole yet",
        "This server's copy of the chunk is still being made, and is not served before all of it is there. Clients "
        + "read from another server by themselves.");

    /// <summary>The store has ended.</summary>
    public static readonly ErrorCode ChunkStoreFailed = new(1466, FsStatus.IoError, "chunk store failed",
        "A write or fsync of the disk failed, or the store found itself damaged. It cannot vouch for what it says any "
        + "more, so it does nothing until the server is started again. Check the disk (smartctl, dmesg) before that.");

    /// <summary>Less is free than the reserve.</summary>
    public static readonly ErrorCode ChunkStoreFull = new(1467, FsStatus.NoSpace, "chunk store full",
        "The disk of a chunk server has less free space than its reserve, so nothing more is written there. Reads and "
        + "deletes go on. Add disks or servers, delete files, or free other space on that disk.");

    /// <summary>The folder is somebody else's.</summary>
    public static readonly ErrorCode ChunkStoreForeign = new(1468, FsStatus.Invalid, "store of another server",
        "The data folder belongs to another cluster or to another chunk server. Nothing was touched. Start the server "
        + "with its own folder; a disk that was moved must come with its server's identity.");

    /// <summary>A later version wrote the folder.</summary>
    public static readonly ErrorCode ChunkStoreFormat = new(1469, FsStatus.NotSupported, "store of a later version",
        "The data folder of a chunk server was written by a later version of DistFS in a format that this one does "
        + "not know. Nothing was touched. Use that version or a later one.");

    /// <summary>No store where one is expected.</summary>
    public static readonly ErrorCode ChunkStoreMissing = new(1470, FsStatus.NotFound, "no chunk store here",
        "The data folder of a chunk server is missing or empty, although a store was there before: its disk may not be "
        + "mounted. Mount it. Only if the store is gone for good, have a new one made in its place; what it held is "
        + "then copied from other servers.");

    /// <summary>The folder cannot be written.</summary>
    public static readonly ErrorCode ChunkStoreReadOnly = new(1471, FsStatus.ReadOnly, "chunk store is read-only",
        "The data folder of a chunk server cannot be written: its file system is mounted read-only, often since the "
        + "kernel found errors on the disk; or the server's user lacks the rights. Check dmesg, mount, permissions.");

    /// <summary>The identity is damaged.</summary>
    public static readonly ErrorCode ChunkStoreIdentityLost = new(1472, FsStatus.Corrupt, "identity of a store lost",
        "The data folder holds chunks, but the file that says whose they are is missing or damaged. Nothing was "
        + "touched. Restore the file 'identity', or start with an empty folder: the chunks are copied from others.");

    /// <summary>A stored block that is not right.</summary>
    public static readonly ErrorCode BlockCorrupt = new(1473, FsStatus.Corrupt, "block damaged",
        "A stored block does not match its checksum, or is not one. It is never used: another copy is read, and this "
        + "one is replaced. If it happens often, check the disk, memory and network of the server that is named.");

    /// <summary>Bytes that no chunk has.</summary>
    public static readonly ErrorCode ChunkRangeInvalid = new(1474, FsStatus.Invalid, "no such range of a chunk",
        "A request names bytes that no chunk can have, or pieces that are not in order. Nothing was changed. This is a "
        + "defect of the client that sent it; please report it.");

    /// <summary>The chunk takes no more writes in its version.</summary>
    public static readonly ErrorCode ChunkSealed = new(1475, FsStatus.Stale, "chunk is sealed",
        "The chunk was sealed in this version, and is changed in a later one only. Nothing was changed. Clients begin "
        + "a later version by themselves.");
}
