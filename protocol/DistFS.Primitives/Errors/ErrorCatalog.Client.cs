namespace DistFS.Primitives;

/// <content>15xx: files and directories, as clients see them (docs/design/client.md).</content>
public static partial class ErrorCatalog
{
    /// <summary>A system call would have failed too.</summary>
    public static readonly ErrorCode FileRefused = new(1501, FsStatus.Invalid, "not possible with this file",
        "What was asked for is not possible with this file or directory: it does not exist, exists already, may not be "
        + "read or written by this user, and so on. The message names the path and says which, as the system call on "
        + "an ordinary disk would (the status is its errno). Nothing was changed.");

    /// <summary>Bytes that a program had written are not in the file.</summary>
    public static readonly ErrorCode WritesLost = new(1502, FsStatus.IoError, "written bytes are lost",
        "Somebody else wrote, cut or replaced the file, or nothing was heard of this client for long, and bytes that "
        + "it had written, and that no flush had confirmed, are not in the file. What a flush confirmed is. Write "
        + "again what was written since the last flush that succeeded.");

    /// <summary>The session ended in the middle of a request.</summary>
    public static readonly ErrorCode OutcomeUnknown = new(1503, FsStatus.IoError, "outcome unknown",
        "A change was sent, no answer came, and then the client's session ended (a pause, a cut link): the change was "
        + "made once or not at all. Look at the file before doing it again.");

    /// <summary>A file changed while it was copied.</summary>
    public static readonly ErrorCode SourceChanged = new(1504, FsStatus.TryAgain, "source changed while it was copied",
        "The file changed while it was being copied, so the copy would be partly old and partly new. Nothing of it was "
        + "kept. Copy it again when nobody writes it.");

    /// <summary>There is something of that name.</summary>
    public static readonly ErrorCode TargetExists = new(1510, FsStatus.AlreadyExists, "target exists",
        "There is something of the target's name already, and it was left as it is. Choose another name, or have it "
        + "replaced: -f (--force) of the tool, Overwrites of the library's options.");

    /// <summary>A file of this machine.</summary>
    public static readonly ErrorCode LocalFileFailed = new(1511, FsStatus.IoError, "local file cannot be used",
        "A file or directory of this machine, not of the cluster, could not be read or written: it is not there, the "
        + "user may not, its disk fails. The message names it and says what the system said. Nothing half-done is left "
        + "under the name of the target.");

    /// <summary>No space on this machine.</summary>
    public static readonly ErrorCode LocalDiskFull = new(1512, FsStatus.NoSpace, "local disk is full",
        "The disk of this machine that the file was to be written to is full, or its user's quota is. The part that "
        + "was written is removed again; files that were complete stay. Make room, or choose another disk, and get the "
        + "rest again.");

    /// <summary>No file of this machine can be called so.</summary>
    public static readonly ErrorCode LocalNameRefused = new(1513, FsStatus.Invalid, "no local file has such a name",
        "A name is 1 to 255 bytes here, and any byte but '/' and NUL. The system of this machine, or this program, "
        + "takes fewer: names that are no UTF-8, and on Windows some characters, cannot be written or read here. "
        + "Rename it ('dfs mv'), or get it by itself under another name.");

    /// <summary>A lock that was held.</summary>
    public static readonly ErrorCode LockLost = new(1514, FsStatus.Stale, "lock lost",
        "The lock was held, and then nothing was heard of the metaservers for most of the client's lease time, or they "
        + "ended its session: somebody else may have the lock by now. What ran under it was told to stop by SIGTERM. "
        + "What it wrote late can be refused by the token of the lock, DFS_LOCK_TOKEN.");
}
