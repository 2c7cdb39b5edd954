namespace DistFS.Primitives;

/// <summary>
/// How an operation ended: the POSIX error set (IEEE Std 1003.1, errno.h). A value is the number that Linux gives to
/// that error, on the wire and on disk, on every system; other systems' numbers come from <see cref="FsStatusMap"/>.
/// </summary>
public enum FsStatus
{
    /// <summary>Success.</summary>
    Ok = 0,

    /// <summary>
    /// EPERM: the operation is not permitted to anyone in this state (POSIX: the caller's privileges).
    /// </summary>
    NotPermitted = 1,

    /// <summary>ENOENT: no such file or directory.</summary>
    NotFound = 2,

    /// <summary>EINTR: interrupted before anything was done.</summary>
    Interrupted = 4,

    /// <summary>EIO: a device or the data on it failed.</summary>
    IoError = 5,

    /// <summary>ENXIO: no such device or address.</summary>
    NoSuchDevice = 6,

    /// <summary>E2BIG: an argument is too long, such as the value of an extended attribute.</summary>
    ArgumentTooLong = 7,

    /// <summary>EBADF: the handle is not open, or not for this.</summary>
    BadHandle = 9,

    /// <summary>EAGAIN: cannot be done at this moment; try again.</summary>
    TryAgain = 11,

    /// <summary>ENOMEM: out of memory.</summary>
    OutOfMemory = 12,

    /// <summary>EACCES: permission bits or the ACL refuse it.</summary>
    AccessDenied = 13,

    /// <summary>EBUSY: in use.</summary>
    Busy = 16,

    /// <summary>EEXIST: the name exists.</summary>
    AlreadyExists = 17,

    /// <summary>EXDEV: rename or link across file systems.</summary>
    CrossDevice = 18,

    /// <summary>ENOTDIR: a component is not a directory.</summary>
    NotADirectory = 20,

    /// <summary>EISDIR: is a directory.</summary>
    IsADirectory = 21,

    /// <summary>EINVAL: an argument is invalid.</summary>
    Invalid = 22,

    /// <summary>EMFILE: too many open files.</summary>
    TooManyOpenFiles = 24,

    /// <summary>ETXTBSY: a program that is being executed.</summary>
    TextBusy = 26,

    /// <summary>EFBIG: beyond the largest size of a file.</summary>
    FileTooLarge = 27,

    /// <summary>ENOSPC: no space left.</summary>
    NoSpace = 28,

    /// <summary>ESPIPE: cannot seek.</summary>
    IllegalSeek = 29,

    /// <summary>EROFS: read-only file system.</summary>
    ReadOnly = 30,

    /// <summary>EMLINK: too many links.</summary>
    TooManyLinks = 31,

    /// <summary>ERANGE: the result does not fit the buffer.</summary>
    OutOfRange = 34,

    /// <summary>EDEADLK: the lock would deadlock.</summary>
    Deadlock = 35,

    /// <summary>ENAMETOOLONG: a name is longer than 255 bytes, or a path than 4,096.</summary>
    NameTooLong = 36,

    /// <summary>ENOLCK: no locks available.</summary>
    NoLocks = 37,

    /// <summary>ENOSYS: the operation does not exist here.</summary>
    NotImplemented = 38,

    /// <summary>ENOTEMPTY: the directory is not empty.</summary>
    NotEmpty = 39,

    /// <summary>ELOOP: too many symbolic links.</summary>
    SymlinkLoop = 40,

    /// <summary>ENODATA: no such extended attribute.</summary>
    NoData = 61,

    /// <summary>EPROTO: the peer broke the protocol.</summary>
    ProtocolError = 71,

    /// <summary>EBADMSG: a checksum does not match its data.</summary>
    Corrupt = 74,

    /// <summary>EOVERFLOW: the value does not fit its type.</summary>
    Overflow = 75,

    /// <summary>EMSGSIZE: a message is over its limit.</summary>
    MessageTooLarge = 90,

    /// <summary>EOPNOTSUPP: not supported for this object, or not by this version.</summary>
    NotSupported = 95,

    /// <summary>EADDRINUSE: the address is in use.</summary>
    AddressInUse = 98,

    /// <summary>ECONNRESET: the connection ended while the call was under way.</summary>
    ConnectionReset = 104,

    /// <summary>ENOTCONN: no connection.</summary>
    NotConnected = 107,

    /// <summary>ETIMEDOUT: the deadline passed.</summary>
    TimedOut = 110,

    /// <summary>ECONNREFUSED: nobody listens there.</summary>
    ConnectionRefused = 111,

    /// <summary>EHOSTUNREACH: the host cannot be reached.</summary>
    Unreachable = 113,

    /// <summary>ESTALE: the handle, version or epoch is superseded.</summary>
    Stale = 116,

    /// <summary>EDQUOT: over quota.</summary>
    QuotaExceeded = 122,

    /// <summary>ECANCELED: cancelled by the caller.</summary>
    Cancelled = 125,

    /// <summary>EOWNERDEAD: the owner of the lock or session died.</summary>
    OwnerDied = 130,
}
