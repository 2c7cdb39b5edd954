namespace DistFS.Fuse;

/// <summary>
/// What kernel and file system agree on at INIT (FUSE_* flags of linux/fuse.h; the upper half travels as flags2). What
/// this library cannot carry has no name here and is never agreed on.
/// </summary>
[Flags]
public enum FuseFeatures : ulong
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Several reads of one file at a time.</summary>
    AsyncRead = 1UL << 0,

    /// <summary>The file system keeps locks of fcntl.</summary>
    PosixLocks = 1UL << 1,

    /// <summary>OPEN and CREATE honour O_TRUNC.</summary>
    AtomicOpenTruncate = 1UL << 3,

    /// <summary>LOOKUP of "." and ".." works: for NFS.</summary>
    ExportSupport = 1UL << 4,

    /// <summary>Writes of more than a page; always wanted.</summary>
    BigWrites = 1UL << 5,

    /// <summary>The file system applies the umask.</summary>
    DontMask = 1UL << 6,

    /// <summary>The file system keeps locks of flock.</summary>
    FlockLocks = 1UL << 10,

    /// <summary>The kernel drops cached content when size or time changed.</summary>
    AutoInvalidateData = 1UL << 12,

    /// <summary>READDIRPLUS is served.</summary>
    ReadDirPlus = 1UL << 13,

    /// <summary>The kernel chooses between READDIR and READDIRPLUS.</summary>
    ReadDirPlusAuto = 1UL << 14,

    /// <summary>Asynchronous direct input and output.</summary>
    AsyncDirectIo = 1UL << 15,

    /// <summary>The kernel buffers writes: all changes must come through it.</summary>
    WritebackCache = 1UL << 16,

    /// <summary>ENOSYS to OPEN means that opens need no messages.</summary>
    NoOpenSupport = 1UL << 17,

    /// <summary>Lookups and readdirs of one directory at a time.</summary>
    ParallelDirectoryOperations = 1UL << 18,

    /// <summary>The file system drops setuid, setgid and capabilities.</summary>
    HandleKillPriv = 1UL << 19,

    /// <summary>The kernel checks POSIX ACLs that the file system stores.</summary>
    PosixAcl = 1UL << 20,

    /// <summary>After an abort, reads of the device say ECONNABORTED; always wanted.</summary>
    AbortError = 1UL << 21,

    /// <summary>Requests of more than 32 pages; always wanted.</summary>
    MaxPages = 1UL << 22,

    /// <summary>The kernel caches symbolic links.</summary>
    CacheSymLinks = 1UL << 23,

    /// <summary>ENOSYS to OPENDIR means that opens of directories need no messages.</summary>
    NoOpenDirSupport = 1UL << 24,

    /// <summary>The kernel drops cached content only when told.</summary>
    ExplicitInvalidateData = 1UL << 25,

    /// <summary>As <see cref="HandleKillPriv"/>, with the kernel saying when.</summary>
    HandleKillPrivV2 = 1UL << 28,

    /// <summary>The longer SETXATTR; always wanted.</summary>
    SetXattrExtended = 1UL << 29,

    /// <summary>Both halves of these flags count; always wanted.</summary>
    InitExtended = 1UL << 30,

    /// <summary>What is created comes with the group that decides about it.</summary>
    CreateSupplementaryGroup = 1UL << 34,

    /// <summary>The kernel knows <see cref="EntryFlags.ExpireOnly"/>; always wanted.</summary>
    HasExpireOnly = 1UL << 35,

    /// <summary>Shared mappings of files that are opened for direct access.</summary>
    DirectIoAllowMmap = 1UL << 36,

    /// <summary>Handles of NFS are refused.</summary>
    NoExportSupport = 1UL << 38,
}

/// <summary>FUSE_GETATTR_*.</summary>
[Flags]
public enum GetAttrFlags : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>The handle is valid.</summary>
    Handle = 1,
}

/// <summary>FATTR_*: what SETATTR changes.</summary>
[Flags]
public enum SetAttrFields : uint
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The mode.</summary>
    Mode = 1 << 0,

    /// <summary>The owner.</summary>
    Uid = 1 << 1,

    /// <summary>The group.</summary>
    Gid = 1 << 2,

    /// <summary>The size.</summary>
    Size = 1 << 3,

    /// <summary>The time of access.</summary>
    AccessTime = 1 << 4,

    /// <summary>The time of modification.</summary>
    ModifyTime = 1 << 5,

    /// <summary>The handle is valid.</summary>
    Handle = 1 << 6,

    /// <summary>The time of access becomes now.</summary>
    AccessTimeNow = 1 << 7,

    /// <summary>The time of modification becomes now.</summary>
    ModifyTimeNow = 1 << 8,

    /// <summary>The lock owner is valid.</summary>
    LockOwner = 1 << 9,

    /// <summary>The time of change.</summary>
    ChangeTime = 1 << 10,

    /// <summary>Setuid and setgid are dropped.</summary>
    KillSuidGid = 1 << 11,
}

/// <summary>RENAME_* of renameat2(2).</summary>
[Flags]
public enum RenameFlags : uint
{
    /// <summary>Plain rename.</summary>
    None = 0,

    /// <summary>Fails when the new name exists.</summary>
    NoReplace = 1,

    /// <summary>The two names swap.</summary>
    Exchange = 2,

    /// <summary>Leaves a whiteout.</summary>
    Whiteout = 4,
}

/// <summary>FUSE_RELEASE_*.</summary>
[Flags]
public enum ReleaseFlags : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Flush too.</summary>
    Flush = 1,

    /// <summary>Give the flock of the owner back.</summary>
    FlockUnlock = 2,
}

/// <summary>FUSE_WRITE_*.</summary>
[Flags]
public enum WriteFlags : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>From the page cache, by nobody in particular.</summary>
    Cache = 1,

    /// <summary>The lock owner is valid.</summary>
    LockOwner = 2,

    /// <summary>Setuid and setgid are dropped.</summary>
    KillSuidGid = 4,
}

/// <summary>FUSE_FSYNC_*.</summary>
[Flags]
public enum FsyncFlags : uint
{
    /// <summary>fsync.</summary>
    None = 0,

    /// <summary>fdatasync.</summary>
    DataOnly = 1,
}

/// <summary>FUSE_LK_*.</summary>
[Flags]
public enum LockFlags : uint
{
    /// <summary>A lock of fcntl.</summary>
    None = 0,

    /// <summary>A lock of flock.</summary>
    Flock = 1,
}

/// <summary>FOPEN_*: how the kernel treats an open file.</summary>
[Flags]
public enum OpenReplyFlags : uint
{
    /// <summary>Cached, and the cache is dropped at the open.</summary>
    None = 0,

    /// <summary>No page cache.</summary>
    DirectIo = 1 << 0,

    /// <summary>The cache stays.</summary>
    KeepCache = 1 << 1,

    /// <summary>No seek.</summary>
    NonSeekable = 1 << 2,

    /// <summary>The kernel may cache the names of this directory.</summary>
    CacheDirectory = 1 << 3,

    /// <summary>No position.</summary>
    Stream = 1 << 4,

    /// <summary>No FLUSH at close.</summary>
    NoFlush = 1 << 5,

    /// <summary>Direct writes side by side.</summary>
    ParallelDirectWrites = 1 << 6,
}

/// <summary>Flags of an invalidated entry.</summary>
[Flags]
public enum EntryFlags : uint
{
    /// <summary>The name is dropped.</summary>
    None = 0,

    /// <summary>FUSE_EXPIRE_ONLY: the name is looked up again at its next use, and mounts on it stay.</summary>
    ExpireOnly = 1,
}
