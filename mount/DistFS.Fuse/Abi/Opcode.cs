namespace DistFS.Fuse;

/// <summary>What a request asks for (enum fuse_opcode of linux/fuse.h, protocol 7.45).</summary>
public enum Opcode : uint
{
    /// <summary>A name in a directory.</summary>
    Lookup = 1,

    /// <summary>The kernel dropped references on a node.</summary>
    Forget = 2,

    /// <summary>stat.</summary>
    GetAttr = 3,

    /// <summary>chmod, chown, truncate, utimensat.</summary>
    SetAttr = 4,

    /// <summary>The target of a symbolic link.</summary>
    ReadLink = 5,

    /// <summary>Makes a symbolic link.</summary>
    SymLink = 6,

    /// <summary>Makes a file, device, FIFO or socket.</summary>
    MkNod = 8,

    /// <summary>Makes a directory.</summary>
    MkDir = 9,

    /// <summary>Removes a name of a file.</summary>
    Unlink = 10,

    /// <summary>Removes a directory.</summary>
    RmDir = 11,

    /// <summary>Renames without flags.</summary>
    Rename = 12,

    /// <summary>Makes a hard link.</summary>
    Link = 13,

    /// <summary>Opens a file.</summary>
    Open = 14,

    /// <summary>Reads from a file.</summary>
    Read = 15,

    /// <summary>Writes to a file.</summary>
    Write = 16,

    /// <summary>Space and limits.</summary>
    StatFs = 17,

    /// <summary>The last use of an open file ended.</summary>
    Release = 18,

    /// <summary>fsync and fdatasync.</summary>
    Fsync = 20,

    /// <summary>Sets an extended attribute.</summary>
    SetXattr = 21,

    /// <summary>Gets an extended attribute.</summary>
    GetXattr = 22,

    /// <summary>Lists extended attributes.</summary>
    ListXattr = 23,

    /// <summary>Removes an extended attribute.</summary>
    RemoveXattr = 24,

    /// <summary>A close of a descriptor.</summary>
    Flush = 25,

    /// <summary>The first request: versions and features.</summary>
    Init = 26,

    /// <summary>Opens a directory.</summary>
    OpenDir = 27,

    /// <summary>Names of a directory.</summary>
    ReadDir = 28,

    /// <summary>The last use of an open directory ended.</summary>
    ReleaseDir = 29,

    /// <summary>fsync of a directory.</summary>
    FsyncDir = 30,

    /// <summary>Looks for a lock in the way.</summary>
    GetLock = 31,

    /// <summary>Takes or gives back a lock without waiting.</summary>
    SetLock = 32,

    /// <summary>Takes a lock and waits for it.</summary>
    SetLockWait = 33,

    /// <summary>access(2), without default_permissions.</summary>
    Access = 34,

    /// <summary>Makes and opens a file.</summary>
    Create = 35,

    /// <summary>Somebody gives up waiting for a request.</summary>
    Interrupt = 36,

    /// <summary>Block mapping of block devices.</summary>
    Bmap = 37,

    /// <summary>The last request, of block devices only.</summary>
    Destroy = 38,

    /// <summary>ioctl(2).</summary>
    Ioctl = 39,

    /// <summary>poll(2).</summary>
    Poll = 40,

    /// <summary>The answer to a retrieve notification.</summary>
    NotifyReply = 41,

    /// <summary>Many <see cref="Forget"/>.</summary>
    BatchForget = 42,

    /// <summary>fallocate(2).</summary>
    Fallocate = 43,

    /// <summary>Names of a directory with their attributes.</summary>
    ReadDirPlus = 44,

    /// <summary>Renames with flags.</summary>
    Rename2 = 45,

    /// <summary>SEEK_DATA and SEEK_HOLE.</summary>
    Seek = 46,

    /// <summary>copy_file_range(2), a result of 32 bits.</summary>
    CopyFileRange = 47,

    /// <summary>DAX; not offered.</summary>
    SetupMapping = 48,

    /// <summary>DAX; not offered.</summary>
    RemoveMapping = 49,

    /// <summary>syncfs(2); virtiofs only, up to now.</summary>
    SyncFs = 50,

    /// <summary>O_TMPFILE.</summary>
    TmpFile = 51,

    /// <summary>statx(2) with more than stat gives.</summary>
    Statx = 52,

    /// <summary>copy_file_range(2), a result of 64 bits.</summary>
    CopyFileRange64 = 53,
}
