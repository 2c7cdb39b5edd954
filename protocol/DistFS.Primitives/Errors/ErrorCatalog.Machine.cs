namespace DistFS.Primitives;

/// <content>11xx: the machine, its disks and the native libraries.</content>
public static partial class ErrorCatalog
{
    /// <summary>A native library is not installed.</summary>
    public static readonly ErrorCode NativeLibraryMissing = new(1101, FsStatus.NotSupported, "native library missing",
        "A library that DistFS calls is not installed, or not where the loader looks. On Debian and Ubuntu: "
        + "'apt-get install librocksdb7.8 liblz4-1 fuse3' (the number of librocksdb differs between releases; "
        + "'apt-cache search librocksdb' lists it). DISTFS_ROCKSDB and DISTFS_LZ4 may name a file elsewhere.");

    /// <summary>A native library is too old or lacks a function.</summary>
    public static readonly ErrorCode NativeLibraryUnfit = new(1102, FsStatus.NotSupported, "native library unfit",
        "A native library was found but lacks a function that DistFS needs. DistFS is tested with RocksDB 7.8 and "
        + "LZ4 1.9; install such a version, or name it with DISTFS_ROCKSDB or DISTFS_LZ4.");

    /// <summary>A system call failed.</summary>
    public static readonly ErrorCode SystemCall = new(1103, FsStatus.IoError, "system call failed",
        "The operating system refused or failed a call; the message names the call, the path and the reason.");

    /// <summary>An operation that this operating system does not have.</summary>
    public static readonly ErrorCode PlatformUnsupported = new(1104, FsStatus.NotSupported, "not on this system",
        "This operation needs another operating system; the message names what is needed.");

    /// <summary>The store's folder is open in another process.</summary>
    public static readonly ErrorCode StoreLocked = new(1110, FsStatus.Busy, "store in use",
        "Another process has this RocksDB folder open. Two servers must never share a data folder: stop the other "
        + "process, or give this one a folder of its own.");

    /// <summary>The store's files are damaged.</summary>
    public static readonly ErrorCode StoreCorrupt = new(1111, FsStatus.Corrupt, "store damaged",
        "RocksDB found a checksum or structure that does not match in its files. Do not delete anything by hand: a "
        + "replicated server fetches what it lost from its peers. Check the disk (smartctl, dmesg).");

    /// <summary>The store was written by another version or is no store.</summary>
    public static readonly ErrorCode StoreVersion = new(1112, FsStatus.NotSupported, "store of another version",
        "The folder was written with options, column families or a format that this version does not know. Use the "
        + "version of DistFS and RocksDB that wrote it, or an empty folder.");

    /// <summary>The disk is full.</summary>
    public static readonly ErrorCode StoreFull = new(1113, FsStatus.NoSpace, "disk full",
        "The disk below the store has no space left. Nothing acknowledged is lost. Free space on that disk; the server "
        + "goes on by itself.");

    /// <summary>A read or write of the store failed.</summary>
    public static readonly ErrorCode StoreIo = new(1114, FsStatus.IoError, "store input or output failed",
        "RocksDB could not read or write its files. A failed fsync is final for that store: the server stops using it. "
        + "Check the disk, its mount options and the limits of the process (ulimit -n).");

    /// <summary>The store refused an operation.</summary>
    public static readonly ErrorCode StoreRefused = new(1115, FsStatus.Invalid, "store refused the operation",
        "RocksDB refused a call as invalid in this state. This is a defect of DistFS unless the message names a "
        + "configuration value. Please report it.");

    /// <summary>Compressed data does not decode.</summary>
    public static readonly ErrorCode CompressionCorrupt = new(1120, FsStatus.Corrupt, "compressed data damaged",
        "A compressed block does not decode to its declared length. It is never served; another replica is read and "
        + "this copy is replaced.");
}
