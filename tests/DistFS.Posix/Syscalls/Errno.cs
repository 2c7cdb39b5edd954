namespace DistFS.Posix.Syscalls;

/// <summary>The error numbers of Linux that file systems answer with (errno(3), asm-generic/errno.h).</summary>
public enum Errno
{
    OK = 0,
    EPERM = 1,
    ENOENT = 2,
    EINTR = 4,
    EIO = 5,
    ENXIO = 6,
    E2BIG = 7,
    EBADF = 9,
    EAGAIN = 11,
    ENOMEM = 12,
    EACCES = 13,
    EFAULT = 14,
    EBUSY = 16,
    EEXIST = 17,
    EXDEV = 18,
    ENODEV = 19,
    ENOTDIR = 20,
    EISDIR = 21,
    EINVAL = 22,
    EMFILE = 24,
    ETXTBSY = 26,
    EFBIG = 27,
    ENOSPC = 28,
    ESPIPE = 29,
    EROFS = 30,
    EMLINK = 31,
    EPIPE = 32,
    ERANGE = 34,
    EDEADLK = 35,
    ENAMETOOLONG = 36,
    ENOLCK = 37,
    ENOSYS = 38,
    ENOTEMPTY = 39,
    ELOOP = 40,
    ENODATA = 61,
    EOVERFLOW = 75,
    EOPNOTSUPP = 95,
    ENOTCONN = 107,
    ESTALE = 116,
    EDQUOT = 122,
}

/// <summary>What a system call came to: its value, or the error with the value -1.</summary>
public readonly record struct Outcome(long Value, Errno Error)
{
    public bool IsOk => Error == Errno.OK;

    public int Fd => (int)Value;

    public override string ToString() => IsOk ? $"success ({Value})" : Error.ToString();
}
