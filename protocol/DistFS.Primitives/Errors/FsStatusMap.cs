using System.Collections.Frozen;

namespace DistFS.Primitives;

/// <summary>Translates <see cref="FsStatus"/> to what the kernels of Linux, macOS and Windows understand.</summary>
public static class FsStatusMap
{
    private static readonly FrozenDictionary<FsStatus, Row> Rows = new Row[]
    {
        new(FsStatus.Ok, "OK", 0, 0x00000000),
        new(FsStatus.NotPermitted, "EPERM", 1, 0xC0000022),
        new(FsStatus.NotFound, "ENOENT", 2, 0xC0000034),
        new(FsStatus.Interrupted, "EINTR", 4, 0xC0000120),
        new(FsStatus.IoError, "EIO", 5, 0xC0000185),
        new(FsStatus.NoSuchDevice, "ENXIO", 6, 0xC000000E),
        new(FsStatus.ArgumentTooLong, "E2BIG", 7, 0xC0000050),
        new(FsStatus.BadHandle, "EBADF", 9, 0xC0000008),
        new(FsStatus.TryAgain, "EAGAIN", 35, 0xC000022D),
        new(FsStatus.OutOfMemory, "ENOMEM", 12, 0xC0000017),
        new(FsStatus.AccessDenied, "EACCES", 13, 0xC0000022),
        new(FsStatus.Busy, "EBUSY", 16, 0xC0000043),
        new(FsStatus.AlreadyExists, "EEXIST", 17, 0xC0000035),
        new(FsStatus.CrossDevice, "EXDEV", 18, 0xC00000D4),
        new(FsStatus.NotADirectory, "ENOTDIR", 20, 0xC0000103),
        new(FsStatus.IsADirectory, "EISDIR", 21, 0xC00000BA),
        new(FsStatus.Invalid, "EINVAL", 22, 0xC000000D),
        new(FsStatus.TooManyOpenFiles, "EMFILE", 24, 0xC000011F),
        new(FsStatus.TextBusy, "ETXTBSY", 26, 0xC0000043),
        new(FsStatus.FileTooLarge, "EFBIG", 27, 0xC0000904),
        new(FsStatus.NoSpace, "ENOSPC", 28, 0xC000007F),
        new(FsStatus.IllegalSeek, "ESPIPE", 29, 0xC000000D),
        new(FsStatus.ReadOnly, "EROFS", 30, 0xC00000A2),
        new(FsStatus.TooManyLinks, "EMLINK", 31, 0xC0000265),
        new(FsStatus.OutOfRange, "ERANGE", 34, 0xC0000023),
        new(FsStatus.Deadlock, "EDEADLK", 11, 0xC0000194),
        new(FsStatus.NameTooLong, "ENAMETOOLONG", 63, 0xC0000106),
        new(FsStatus.NoLocks, "ENOLCK", 77, 0xC000009A),
        new(FsStatus.NotImplemented, "ENOSYS", 78, 0xC0000002),
        new(FsStatus.NotEmpty, "ENOTEMPTY", 66, 0xC0000101),
        new(FsStatus.SymlinkLoop, "ELOOP", 62, 0xC0000275),
        new(FsStatus.NoData, "ENODATA", 93, 0xC0000225),
        new(FsStatus.ProtocolError, "EPROTO", 100, 0xC0000186),
        new(FsStatus.Corrupt, "EBADMSG", 94, 0xC000003F),
        new(FsStatus.Overflow, "EOVERFLOW", 84, 0xC0000095),
        new(FsStatus.MessageTooLarge, "EMSGSIZE", 40, 0xC0000023),
        new(FsStatus.NotSupported, "EOPNOTSUPP", 102, 0xC00000BB),
        new(FsStatus.AddressInUse, "EADDRINUSE", 48, 0xC000020A),
        new(FsStatus.ConnectionReset, "ECONNRESET", 54, 0xC000020D),
        new(FsStatus.NotConnected, "ENOTCONN", 57, 0xC000020C),
        new(FsStatus.TimedOut, "ETIMEDOUT", 60, 0xC00000B5),
        new(FsStatus.ConnectionRefused, "ECONNREFUSED", 61, 0xC0000236),
        new(FsStatus.Unreachable, "EHOSTUNREACH", 65, 0xC000023D),
        new(FsStatus.Stale, "ESTALE", 70, 0xC000020C),
        new(FsStatus.QuotaExceeded, "EDQUOT", 69, 0xC0000044),
        new(FsStatus.Cancelled, "ECANCELED", 89, 0xC0000120),
        new(FsStatus.OwnerDied, "EOWNERDEAD", 105, 0xC0000044),
    }.ToFrozenDictionary(row => row.Status);

    private static readonly FrozenDictionary<int, FsStatus> FromMac =
        Rows.Values.DistinctBy(row => row.MacErrno).ToFrozenDictionary(row => row.MacErrno, row => row.Status);

    /// <summary>The POSIX name, "ENOENT"; a number that is no member of the set gives its decimal digits.</summary>
    public static string ToPosixName(this FsStatus status) =>
        Rows.TryGetValue(status, out var row) ? row.PosixName : ((int)status).ToString("d", null);

    /// <summary>The errno of the running system (positive; 0 for <see cref="FsStatus.Ok"/>).</summary>
    public static int ToErrno(this FsStatus status) =>
        OperatingSystem.IsMacOS() ? ToMacErrno(status) : (int)status;

    /// <summary>The errno of macOS; what has no equal there is EIO.</summary>
    public static int ToMacErrno(this FsStatus status) =>
        Rows.TryGetValue(status, out var row) ? row.MacErrno : (int)FsStatus.IoError;

    /// <summary>An NTSTATUS (MS-ERREF section 2.3); what has no equal is STATUS_IO_DEVICE_ERROR.</summary>
    public static uint ToNtStatus(this FsStatus status) =>
        Rows.TryGetValue(status, out var row) ? row.NtStatus : Rows[FsStatus.IoError].NtStatus;

    /// <summary>
    /// The status of an errno of the running system; a number outside the set is <see cref="FsStatus.IoError"/>.
    /// </summary>
    public static FsStatus FromErrno(int errno)
    {
        if (OperatingSystem.IsMacOS())
        {
            return FromMac.GetValueOrDefault(errno, FsStatus.IoError);
        }

        return IsKnown((FsStatus)errno) ? (FsStatus)errno : FsStatus.IoError;
    }

    /// <summary>Whether the value is a member of the set; a newer peer may send others.</summary>
    public static bool IsKnown(FsStatus status) => Rows.ContainsKey(status);

    private sealed record Row(FsStatus Status, string PosixName, int MacErrno, uint NtStatus);
}
