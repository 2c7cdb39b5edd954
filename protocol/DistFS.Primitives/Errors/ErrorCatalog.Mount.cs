namespace DistFS.Primitives;

/// <content>1570 to 1589: mounts.</content>
public static partial class ErrorCatalog
{
    /// <summary>A directory could not be mounted on.</summary>
    public static readonly ErrorCode MountFailed = new(1570, FsStatus.IoError, "cannot be mounted",
        "The system refused to mount the cluster on that directory, or to take it away: the message says why. The "
        + "directory must be there; as an ordinary user one needs fusermount3 (package fuse3), the right to write the "
        + "directory, and user_allow_other in /etc/fuse.conf for --allow-other. /dev/fuse must be there.");

    /// <summary>The process of a mount ended before it was mounted.</summary>
    public static readonly ErrorCode MountEnded = new(1571, FsStatus.IoError, "the mount's process ended",
        "The process that serves the mount ended, or did not mount in time. Its log, which the message names, says "
        + "why; 'dfs mount -f' runs it in this terminal.");

    /// <summary>A mount was taken away, and not all that was written through it is in the cluster.</summary>
    public static readonly ErrorCode MountUnsent = new(1572, FsStatus.IoError, "not everything was sent",
        "The directory is taken away, but what was written through it last is not in the cluster, or nobody knows "
        + "whether it is: the message and the log of the mount's process say why. While that process goes on, leave "
        + "this machine on, and wait for it with 'dfs umount' once more; else look at the files that were written.");
}
