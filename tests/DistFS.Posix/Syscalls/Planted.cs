namespace DistFS.Posix.Syscalls;

/// <summary>
/// Deviations from POSIX that the layer of system calls can be told to show, so that a test proves that the suite sees
/// them (`--plant NAME`).
/// </summary>
public enum Fault
{
    None,

    /// <summary>open drops O_EXCL: two creators win.</summary>
    ExclusiveIgnored,

    /// <summary>open drops O_APPEND: writers overwrite each other.</summary>
    AppendIgnored,

    /// <summary>open drops O_TRUNC.</summary>
    OpenTruncateIgnored,

    /// <summary>open drops O_NOFOLLOW.</summary>
    NoFollowIgnored,

    /// <summary>open drops O_DIRECTORY.</summary>
    DirectoryFlagIgnored,

    /// <summary>rename is link and unlink: not atomic, and an existing target stays.</summary>
    RenameByLink,

    /// <summary>rename drops RENAME_NOREPLACE.</summary>
    NoReplaceIgnored,

    /// <summary>RENAME_EXCHANGE is a rename.</summary>
    ExchangeIsRename,

    /// <summary>A file grown by truncate holds what was behind its end, not zeros.</summary>
    TruncateLeavesTail,

    /// <summary>Punching a hole leaves the bytes.</summary>
    PunchIgnored,

    /// <summary>Time stamps have whole seconds.</summary>
    SecondsOnly,

    /// <summary>utimensat leaves nothing out.</summary>
    OmitIgnored,

    /// <summary>Every name has one link.</summary>
    LinksAlwaysOne,

    /// <summary>chmod drops set-user-ID, set-group-ID and sticky.</summary>
    SpecialBitsDropped,

    /// <summary>Errors about missing names come as EIO.</summary>
    NoEntryIsIoError,

    /// <summary>unlink on a directory answers EPERM, as other systems do.</summary>
    UnlinkDirectoryIsEperm,

    /// <summary>Names are cut at 143 bytes.</summary>
    ShortNames,

    /// <summary>Locks of both kinds are always granted.</summary>
    LocksIgnored,

    /// <summary>The last entry of a directory is not listed.</summary>
    ListingShort,

    /// <summary>lseek on a directory always goes to its start.</summary>
    SeekDirectoryRewinds,

    /// <summary>SEEK_DATA and SEEK_HOLE know no data.</summary>
    SeekDataWrong,

    /// <summary>Reads through the second directory see what was there when the first was opened: stale sizes.</summary>
    SecondMountStaleSize,

    /// <summary>setxattr drops XATTR_CREATE.</summary>
    XattrCreateIgnored,

    /// <summary>The acting user is never changed: everything runs with the caller's rights.</summary>
    UsersIgnored,

    /// <summary>copy_file_range copies nothing and says that it did.</summary>
    CopyRangeEmpty,

    /// <summary>A write at an offset starts one byte later.</summary>
    WriteOffByOne,

    /// <summary>read answers at most 4 KiB less one at a time with a wrong byte in each larger read.</summary>
    ReadFlipsByte,

    /// <summary>A call hangs: the deadline of a check must end it.</summary>
    SymlinkHangs,
}

/// <summary>The deviation that is switched on, if any.</summary>
internal static class Planted
{
    public static Fault Active { get; set; }

    public static bool Is(Fault fault) => Active == fault;

    /// <summary>The flags of open without those that the deviation drops.</summary>
    public static int OpenFlags(int flags) => Active switch
    {
        Fault.None => flags,
        Fault.ExclusiveIgnored => flags & ~Constants.O_EXCL,
        Fault.AppendIgnored => flags & ~Constants.O_APPEND,
        Fault.OpenTruncateIgnored => flags & ~Constants.O_TRUNC,
        Fault.NoFollowIgnored => flags & ~Constants.O_NOFOLLOW,
        Fault.DirectoryFlagIgnored => flags & ~Constants.O_DIRECTORY,
        _ => flags,
    };

    public static Errno Error(Errno error) =>
        Is(Fault.NoEntryIsIoError) && error == Errno.ENOENT ? Errno.EIO : error;

    public static TimeSpec Time(TimeSpec time) => Is(Fault.SecondsOnly) ? new TimeSpec(time.Seconds, 0) : time;
}
