using System.Runtime.CompilerServices;
using static DistFS.Fuse.EnosysMeaning;
using static DistFS.Fuse.RequestLane;

namespace DistFS.Fuse;

/// <summary>How a request travels through the server.</summary>
public enum RequestLane
{
    /// <summary>Handled by the reader at once, never held back: what frees others, or needs no answer.</summary>
    Control,

    /// <summary>Names and attributes.</summary>
    Metadata,

    /// <summary>Content: requests or replies of up to 1 MiB.</summary>
    Data,

    /// <summary>May wait for other requests, without a limit of time.</summary>
    Wait,
}

/// <summary>What the kernel does with <see cref="Errno.ENOSYS"/> (fs/fuse of Linux 6.18).</summary>
public enum EnosysMeaning
{
    /// <summary>The caller sees the error, each time.</summary>
    Error,

    /// <summary>Never asks again for the life of the mount, and the call succeeds: dangerous for fsync.</summary>
    RememberedAsSuccess,

    /// <summary>Never asks again, and the caller sees EOPNOTSUPP.</summary>
    RememberedAsUnsupported,

    /// <summary>Never asks again, and does the same in another way.</summary>
    RememberedWithFallback,

    /// <summary>
    /// Remembered as success only when the feature NO_OPEN_SUPPORT or NO_OPENDIR_SUPPORT was agreed on.
    /// </summary>
    RememberedWhenAgreed,

    /// <summary>The caller sees ENOTTY.</summary>
    NotATerminal,

    /// <summary>There is no reply.</summary>
    NoReply,
}

/// <summary>One row of <see cref="OpcodeTable"/>.</summary>
/// <param name="Opcode">Its number.</param>
/// <param name="Name">As in linux/fuse.h, without FUSE_.</param>
/// <param name="FixedBytes">Of the structure behind the header; 0 for none.</param>
/// <param name="Names">So many strings that end with a zero byte follow it.</param>
/// <param name="HasReply">Whether the kernel waits for one.</param>
/// <param name="Lane">How it travels.</param>
/// <param name="Enosys">What <see cref="Errno.ENOSYS"/> does.</param>
public sealed record OpcodeRow(
    Opcode Opcode, string Name, int FixedBytes, int Names, bool HasReply, RequestLane Lane, EnosysMeaning Enosys);

/// <summary>All requests of the protocol: what is decoded, what is answered. Protocol 7.31 to 7.45.</summary>
public static class OpcodeTable
{
    private static readonly OpcodeRow[] All =
    [
        Row<None>(Opcode.Lookup, "LOOKUP", 1, Metadata, Error),
        NoReplyRow<FuseForgetIn>(Opcode.Forget, "FORGET"),
        Row<FuseGetAttrIn>(Opcode.GetAttr, "GETATTR", 0, Metadata, Error),
        Row<FuseSetAttrIn>(Opcode.SetAttr, "SETATTR", 0, Metadata, Error),
        Row<None>(Opcode.ReadLink, "READLINK", 0, Metadata, Error),
        Row<None>(Opcode.SymLink, "SYMLINK", 2, Metadata, Error),
        Row<FuseMkNodIn>(Opcode.MkNod, "MKNOD", 1, Metadata, Error),
        Row<FuseMkDirIn>(Opcode.MkDir, "MKDIR", 1, Metadata, Error),
        Row<None>(Opcode.Unlink, "UNLINK", 1, Metadata, Error),
        Row<None>(Opcode.RmDir, "RMDIR", 1, Metadata, Error),
        Row<FuseRenameIn>(Opcode.Rename, "RENAME", 2, Metadata, Error),
        Row<FuseLinkIn>(Opcode.Link, "LINK", 1, Metadata, Error),
        Row<FuseOpenIn>(Opcode.Open, "OPEN", 0, Metadata, RememberedWhenAgreed),
        Row<FuseReadIn>(Opcode.Read, "READ", 0, Data, Error),
        Row<FuseWriteIn>(Opcode.Write, "WRITE", 0, Data, Error),
        Row<None>(Opcode.StatFs, "STATFS", 0, Metadata, Error),
        Row<FuseReleaseIn>(Opcode.Release, "RELEASE", 0, Metadata, Error),
        Row<FuseFsyncIn>(Opcode.Fsync, "FSYNC", 0, Data, RememberedAsSuccess),
        Row<FuseSetXattrIn>(Opcode.SetXattr, "SETXATTR", 1, Metadata, RememberedAsUnsupported),
        Row<FuseGetXattrIn>(Opcode.GetXattr, "GETXATTR", 1, Metadata, RememberedAsUnsupported),
        Row<FuseGetXattrIn>(Opcode.ListXattr, "LISTXATTR", 0, Metadata, RememberedAsUnsupported),
        Row<None>(Opcode.RemoveXattr, "REMOVEXATTR", 1, Metadata, RememberedAsUnsupported),
        Row<FuseFlushIn>(Opcode.Flush, "FLUSH", 0, Data, RememberedAsSuccess),

        // The shortest form; longer since 7.36.
        new(Opcode.Init, "INIT", FuseInitIn.ShortBytes, 0, true, Control, Error),
        Row<FuseOpenIn>(Opcode.OpenDir, "OPENDIR", 0, Metadata, RememberedWhenAgreed),
        Row<FuseReadIn>(Opcode.ReadDir, "READDIR", 0, Data, Error),
        Row<FuseReleaseIn>(Opcode.ReleaseDir, "RELEASEDIR", 0, Metadata, Error),
        Row<FuseFsyncIn>(Opcode.FsyncDir, "FSYNCDIR", 0, Data, RememberedAsSuccess),
        Row<FuseLockIn>(Opcode.GetLock, "GETLK", 0, Metadata, Error),
        Row<FuseLockIn>(Opcode.SetLock, "SETLK", 0, Metadata, Error),
        Row<FuseLockIn>(Opcode.SetLockWait, "SETLKW", 0, Wait, Error),
        Row<FuseAccessIn>(Opcode.Access, "ACCESS", 0, Metadata, RememberedAsSuccess),
        Row<FuseCreateIn>(Opcode.Create, "CREATE", 1, Metadata, RememberedWithFallback),
        NoReplyRow<FuseInterruptIn>(Opcode.Interrupt, "INTERRUPT"),
        Row<FuseBmapIn>(Opcode.Bmap, "BMAP", 0, Metadata, RememberedAsUnsupported),
        new(Opcode.Destroy, "DESTROY", 0, 0, true, Control, Error),
        Row<FuseIoctlIn>(Opcode.Ioctl, "IOCTL", 0, Metadata, NotATerminal),
        Row<FusePollIn>(Opcode.Poll, "POLL", 0, Metadata, RememberedWithFallback),
        NoReplyRow<FuseNotifyRetrieveIn>(Opcode.NotifyReply, "NOTIFY_REPLY"),
        NoReplyRow<FuseBatchForgetIn>(Opcode.BatchForget, "BATCH_FORGET"),
        Row<FuseFallocateIn>(Opcode.Fallocate, "FALLOCATE", 0, Data, RememberedAsUnsupported),
        Row<FuseReadIn>(Opcode.ReadDirPlus, "READDIRPLUS", 0, Data, Error),
        Row<FuseRename2In>(Opcode.Rename2, "RENAME2", 2, Metadata, RememberedAsUnsupported),
        Row<FuseSeekIn>(Opcode.Seek, "LSEEK", 0, Metadata, RememberedWithFallback),
        Row<FuseCopyFileRangeIn>(Opcode.CopyFileRange, "COPY_FILE_RANGE", 0, Data, RememberedWithFallback),
        Row<FuseSyncFsIn>(Opcode.SyncFs, "SYNCFS", 0, Data, RememberedAsSuccess),
        Row<FuseCreateIn>(Opcode.TmpFile, "TMPFILE", 1, Metadata, RememberedAsUnsupported),
        Row<FuseStatxIn>(Opcode.Statx, "STATX", 0, Metadata, RememberedWithFallback),
        Row<FuseCopyFileRangeIn>(Opcode.CopyFileRange64, "COPY_FILE_RANGE_64", 0, Data, RememberedWithFallback),
    ];

    private static readonly OpcodeRow?[] ByNumber = Index();

    /// <summary>All rows, in the order of their numbers.</summary>
    public static IReadOnlyList<OpcodeRow> Rows => All;

    /// <summary>The row of a request, or null: then it is answered with <see cref="Errno.ENOSYS"/>.</summary>
    public static OpcodeRow? Find(Opcode opcode) =>
        (uint)opcode < (uint)ByNumber.Length ? ByNumber[(int)opcode] : null;

    private static OpcodeRow Row<TIn>(Opcode opcode, string name, int names, RequestLane lane, EnosysMeaning enosys)
        where TIn : unmanaged => new(opcode, name, Bytes<TIn>(), names, true, lane, enosys);

    private static OpcodeRow NoReplyRow<TIn>(Opcode opcode, string name)
        where TIn : unmanaged => new(opcode, name, Bytes<TIn>(), 0, false, Control, NoReply);

    private static int Bytes<TIn>()
        where TIn : unmanaged => typeof(TIn) == typeof(None) ? 0 : Unsafe.SizeOf<TIn>();

    private static OpcodeRow?[] Index()
    {
        var rows = new OpcodeRow?[All.Max(r => (int)r.Opcode) + 1];
        foreach (var row in All)
        {
            rows[(int)row.Opcode] = row;
        }

        return rows;
    }

    /// <summary>No structure.</summary>
    private readonly struct None;
}
