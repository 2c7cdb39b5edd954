namespace DistFS.Primitives;

/// <content>13xx: the log and snapshots of a metaserver.</content>
public static partial class ErrorCatalog
{
    /// <summary>There is no metaserver's store in the folder.</summary>
    public static readonly ErrorCode StoreWiped = new(1301, FsStatus.NotFound, "no metaserver's store here",
        "The folder holds no store of a metaserver, or one whose making was interrupted. If the folder was lost, the "
        + "member that had it must not come back under its old name: remove it from the cluster and add a new one. If "
        + "the disk is only not mounted, mount it.");

    /// <summary>The store belongs to another cluster or member.</summary>
    public static readonly ErrorCode StoreForeign = new(1302, FsStatus.Invalid, "store of another member",
        "The folder, or a file in it, belongs to another cluster, member or store than this process; the message names "
        + "both. Point the metaserver at its own folder. Never copy a folder or single files from one to another.");

    /// <summary>A file has a format that this version does not know.</summary>
    public static readonly ErrorCode StoreFormatUnknown = new(1303, FsStatus.NotSupported, "unknown store format",
        "A file of the metaserver's store has a format that this version of DistFS does not know. Run the version that "
        + "wrote it, or a newer one.");

    /// <summary>The file that says whose store it is cannot be read.</summary>
    public static readonly ErrorCode StoreIdentityLost = new(1304, FsStatus.Corrupt, "store's identity lost",
        "The folder has a metaserver's log, but the file 'identity' is missing or damaged, so nobody knows whose log "
        + "it is. Restore that file if it was moved; else remove the member from the cluster and add a new one.");

    /// <summary>The term and vote cannot be read.</summary>
    public static readonly ErrorCode HardStateCorrupt = new(1305, FsStatus.Corrupt, "term and vote lost",
        "The file 'hardstate' is missing, damaged or older than the log. Without its term and vote a member could vote "
        + "twice in one term, so it does not start. Remove the member from the cluster and add a new one; the others "
        + "have all that was committed. Check the disk (smartctl, dmesg).");

    /// <summary>The log is damaged.</summary>
    public static readonly ErrorCode LogCorrupt = new(1306, FsStatus.Corrupt, "log damaged",
        "Entries of the metaserver's log do not match their checksums, or files of the log are missing. Damage whose "
        + "extent is known is healed from the other members after a restart; where the message says that it is not, "
        + "remove the member from the cluster and add a new one. Check the disk (smartctl, dmesg).");

    /// <summary>A snapshot is damaged.</summary>
    public static readonly ErrorCode SnapshotCorrupt = new(1307, FsStatus.Corrupt, "snapshot damaged",
        "A snapshot of the metadata does not match its checksums; it is neither used nor sent. If the metaserver does "
        + "not start because of it, remove the member from the cluster and add a new one. Check the disk (smartctl, "
        + "dmesg).");

    /// <summary>A read, write or sync of the store failed.</summary>
    public static readonly ErrorCode DiskFailed = new(1308, FsStatus.IoError, "disk failed",
        "A file of the metaserver's store could not be read, written or synced. After a failed write or sync nobody "
        + "knows what is on the disk, so the process stops before it can promise anything. Check the disk (smartctl, "
        + "dmesg) and start it again: it then finds out what it has.");

    /// <summary>The disk below the store is full.</summary>
    public static readonly ErrorCode DiskFull = new(1309, FsStatus.NoSpace, "metaserver's disk full",
        "The disk below the metaserver's store has no space left. The process stops; nothing acknowledged is lost. "
        + "Free space, or move the folder to a larger disk while it is stopped, and start it again.");

    /// <summary>The snapshot was replaced by a newer one.</summary>
    public static readonly ErrorCode SnapshotGone = new(1310, FsStatus.Stale, "snapshot replaced",
        "The snapshot was replaced by newer ones and removed. Ask for the newest.");

    /// <summary>The metadata, or a snapshot of it, cannot be used.</summary>
    public static readonly ErrorCode StateRefused = new(1312, FsStatus.Invalid, "metadata refused",
        "The folder 'state' of the metaserver, or a snapshot that another one sent, is not of this cluster or was "
        + "written by a newer version of DistFS; the message says which. Run the same version on all metaservers. A "
        + "folder 'state' that came here by mistake may be removed while the metaserver is stopped: it gets its own "
        + "back from its log and the other members.");

    /// <summary>The folder is not empty.</summary>
    public static readonly ErrorCode StoreExists = new(1311, FsStatus.AlreadyExists, "store exists",
        "A new store of a metaserver can only be made in a folder that has none. Choose another folder.");
}
