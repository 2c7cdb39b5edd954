using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Client;

/// <summary>
/// What something in a directory is; the numbers are those of st_mode (POSIX, sys/stat.h), shifted by 12.
/// </summary>
public enum FileKind
{
    /// <summary>FIFO.</summary>
    Fifo = 1,

    /// <summary>Character device.</summary>
    CharacterDevice = 2,

    /// <summary>Directory.</summary>
    Directory = 4,

    /// <summary>Block device.</summary>
    BlockDevice = 6,

    /// <summary>Regular file.</summary>
    File = 8,

    /// <summary>Symbolic link.</summary>
    SymbolicLink = 10,

    /// <summary>Socket.</summary>
    Socket = 12,
}

/// <summary>A file or directory as stat(2) shows it.</summary>
public sealed record FileStatus
{
    /// <summary>Its number, which it keeps as long as it is there.</summary>
    public required InodeId Inode { get; init; }

    /// <summary>What it is.</summary>
    public required FileKind Kind { get; init; }

    /// <summary>Permission bits: 0 to 07777.</summary>
    public required uint Mode { get; init; }

    /// <summary>Its owner.</summary>
    public required uint Uid { get; init; }

    /// <summary>Its group.</summary>
    public required uint Gid { get; init; }

    /// <summary>Names that it has.</summary>
    public required uint Links { get; init; }

    /// <summary>Bytes of a file; of a link, of its target.</summary>
    public required long Size { get; init; }

    /// <summary>Bytes that are stored for it, one copy counted; holes are not.</summary>
    public required long Allocated { get; init; }

    /// <summary>Of a device: which.</summary>
    public ulong Device { get; init; }

    /// <summary>Read last.</summary>
    public FileTime AccessTime { get; init; }

    /// <summary>Written last.</summary>
    public FileTime ModifyTime { get; init; }

    /// <summary>Changed last, attributes included.</summary>
    public FileTime ChangeTime { get; init; }

    /// <summary>Made.</summary>
    public FileTime BirthTime { get; init; }

    /// <summary>Whether it has extended attributes; not told in listings.</summary>
    public bool HasXattrs { get; init; }

    /// <summary>Whether it has a list beside the mode (acl(5)); not told in listings.</summary>
    public bool HasAccessAcl { get; init; }

    /// <summary>Of a directory: whether it has one for what is made in it; not told in listings.</summary>
    public bool HasDefaultAcl { get; init; }

    /// <summary>Whether it counts for a quota; not told in listings.</summary>
    public bool HasQuota { get; init; }

    /// <summary>Whether it is a directory.</summary>
    public bool IsDirectory => Kind == FileKind.Directory;

    /// <summary>Whether it is a regular file.</summary>
    public bool IsFile => Kind == FileKind.File;

    /// <summary>Whether it is a symbolic link.</summary>
    public bool IsSymbolicLink => Kind == FileKind.SymbolicLink;

    internal static FileStatus Of(Attributes told) => new()
    {
        Inode = new InodeId(told.Inode),
        Kind = (FileKind)told.Kind,
        Mode = told.Mode,
        Uid = told.Uid,
        Gid = told.Gid,
        Links = told.Links,
        Size = (long)told.Size,
        Allocated = (long)told.Allocated,
        Device = told.Device,
        AccessTime = TimeOf(told.AccessTime),
        ModifyTime = TimeOf(told.ModifyTime),
        ChangeTime = TimeOf(told.ChangeTime),
        BirthTime = TimeOf(told.BirthTime),
        HasXattrs = told.HasXattrs,
        HasAccessAcl = told.HasAccessAcl,
        HasDefaultAcl = told.HasDefaultAcl,
        HasQuota = told.HasQuota,
    };

    private static FileTime TimeOf(Time? time) => time == null ? default : new FileTime(time.Seconds, time.Nanoseconds);
}
