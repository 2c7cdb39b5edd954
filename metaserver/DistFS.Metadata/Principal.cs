using DistFS.Metadata.Rows;

namespace DistFS.Metadata;

/// <summary>What a caller wants to do with an inode (POSIX, access()).</summary>
[Flags]
public enum Access
{
    /// <summary>Nothing but to see that it is there.</summary>
    None = 0,

    /// <summary>Run it; look a name up in a directory.</summary>
    Execute = 1,

    /// <summary>Change it; make and remove names in a directory.</summary>
    Write = 2,

    /// <summary>Read it; list a directory.</summary>
    Read = 4,
}

/// <summary>On whose behalf an operation is done.</summary>
/// <param name="Uid">The user; 0 may do everything that the kernel lets root do on a local file system.</param>
/// <param name="Gid">The group that new files get.</param>
/// <param name="Groups">Further groups.</param>
public sealed record Principal(uint Uid, uint Gid, IReadOnlyList<uint> Groups)
{
    /// <summary>Root.</summary>
    public static readonly Principal Root = new(0, 0, []);

    /// <summary>Who did not say who he is.</summary>
    public static readonly Principal Nobody = new(65534, 65534, []);

    /// <summary>Whether it is root.</summary>
    public bool IsRoot => Uid == 0;

    /// <summary>Whether it is in that group.</summary>
    public bool IsIn(uint gid) => Gid == gid || Groups.Contains(gid);

    /// <summary>
    /// Whether the permission bits allow it: those of the first class that fits, and no other (POSIX, 4.7). Operations
    /// ask <see cref="Permissions"/>, which knows access control lists too.
    /// </summary>
    public bool MayByMode(Access access, in InodeRow inode)
    {
        if (IsRoot)
        {
            // Root runs only what somebody may run; directories it always may look up in.
            return (access & Access.Execute) == 0 || inode.IsDirectory || (inode.Mode & 0b001_001_001) != 0;
        }

        var shift = Uid == inode.Uid ? 6 : IsIn(inode.Gid) ? 3 : 0;
        return ((int)(inode.Mode >> shift) & 7 & (int)access) == (int)access;
    }

    /// <summary>Whether it may do what only the owner may.</summary>
    public bool Owns(in InodeRow inode) => IsRoot || Uid == inode.Uid;

    /// <summary>Whether a name may be removed from a sticky directory (POSIX, XSI: S_ISVTX).</summary>
    public bool MayRemove(in InodeRow directory, in InodeRow inode) =>
        (directory.Mode & Modes.Sticky) == 0 || Owns(directory) || Owns(inode);
}

/// <summary>The special permission bits (POSIX, sys/stat.h).</summary>
public static class Modes
{
    /// <summary>All twelve.</summary>
    public const uint All = 0b111_111_111_111;

    /// <summary>S_ISUID.</summary>
    public const uint SetUid = 0b100_000_000_000;

    /// <summary>S_ISGID: on a directory, what is made in it gets its group.</summary>
    public const uint SetGid = 0b010_000_000_000;

    /// <summary>S_ISVTX: in such a directory only owners remove names.</summary>
    public const uint Sticky = 0b001_000_000_000;

    /// <summary>S_IXGRP.</summary>
    public const uint GroupExecute = 0b000_000_001_000;
}
