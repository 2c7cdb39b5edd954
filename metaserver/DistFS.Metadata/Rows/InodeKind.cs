namespace DistFS.Metadata.Rows;

/// <summary>
/// What an inode is; the numbers are those of the type bits of <c>st_mode</c> (POSIX, sys/stat.h; Linux).
/// </summary>
public enum InodeKind : byte
{
    /// <summary>A named pipe.</summary>
    Fifo = 1,

    /// <summary>A character device.</summary>
    CharacterDevice = 2,

    /// <summary>A directory.</summary>
    Directory = 4,

    /// <summary>A block device.</summary>
    BlockDevice = 6,

    /// <summary>A regular file.</summary>
    File = 8,

    /// <summary>A symbolic link.</summary>
    SymbolicLink = 10,

    /// <summary>A socket.</summary>
    Socket = 12,
}
