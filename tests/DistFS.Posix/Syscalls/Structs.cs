using System.Runtime.InteropServices;

namespace DistFS.Posix.Syscalls;

/// <summary>Seconds since 1970 and nanoseconds.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct TimeSpec(long Seconds, long Nanoseconds) : IComparable<TimeSpec>
{
    public static TimeSpec Now => new(0, Constants.UTIME_NOW);

    public static TimeSpec Omit => new(0, Constants.UTIME_OMIT);

    public static bool operator <(TimeSpec left, TimeSpec right) => left.CompareTo(right) < 0;

    public static bool operator >(TimeSpec left, TimeSpec right) => left.CompareTo(right) > 0;

    public static bool operator <=(TimeSpec left, TimeSpec right) => left.CompareTo(right) <= 0;

    public static bool operator >=(TimeSpec left, TimeSpec right) => left.CompareTo(right) >= 0;

    public int CompareTo(TimeSpec other) =>
        Seconds != other.Seconds
            ? Seconds.CompareTo(other.Seconds)
            : Nanoseconds.CompareTo(other.Nanoseconds);

    public override string ToString() => $"{Seconds}.{Nanoseconds:D9}";
}

/// <summary>struct statx of linux/stat.h; 256 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct StatxBuffer
{
    [FieldOffset(0)] public uint Mask;
    [FieldOffset(4)] public uint BlockSize;
    [FieldOffset(16)] public uint Links;
    [FieldOffset(20)] public uint Uid;
    [FieldOffset(24)] public uint Gid;
    [FieldOffset(28)] public ushort Mode;
    [FieldOffset(32)] public ulong Inode;
    [FieldOffset(40)] public ulong Size;
    [FieldOffset(48)] public ulong Blocks;
    [FieldOffset(64)] public StatxTime AccessTime;
    [FieldOffset(96)] public StatxTime ChangeTime;
    [FieldOffset(112)] public StatxTime ModifyTime;
    [FieldOffset(128)] public uint RdevMajor;
    [FieldOffset(132)] public uint RdevMinor;
    [FieldOffset(136)] public uint DevMajor;
    [FieldOffset(140)] public uint DevMinor;
}

/// <summary>struct statx_timestamp; 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct StatxTime
{
    public long Seconds;
    public uint Nanoseconds;
    public int Reserved;

    public readonly TimeSpec Value => new(Seconds, Nanoseconds);
}

/// <summary>What stat(2) says of an inode.</summary>
/// <param name="Mode">Type and permission bits.</param>
/// <param name="Links">Names of the inode.</param>
/// <param name="Size">In bytes.</param>
/// <param name="Blocks">Allocated, in units of 512 bytes.</param>
/// <param name="Device">Of the file system: major and minor number.</param>
/// <param name="Rdev">Of a device node: major and minor number.</param>
public sealed record FileStat(
    int Mode,
    uint Links,
    uint Uid,
    uint Gid,
    ulong Inode,
    long Size,
    long Blocks,
    long BlockSize,
    TimeSpec Atime,
    TimeSpec Mtime,
    TimeSpec Ctime,
    ulong Device,
    ulong Rdev)
{
    public int Type => Mode & Constants.S_IFMT;

    /// <summary>The permission bits with set-user-ID, set-group-ID and sticky.</summary>
    public int Permissions => Mode & 0xFFF;

    internal static FileStat Of(in StatxBuffer s) => new(
        s.Mode, s.Links, s.Uid, s.Gid, s.Inode, (long)s.Size, (long)s.Blocks, s.BlockSize,
        s.AccessTime.Value, s.ModifyTime.Value, s.ChangeTime.Value,
        ((ulong)s.DevMajor << 32) | s.DevMinor, ((ulong)s.RdevMajor << 32) | s.RdevMinor);
}

/// <summary>struct statvfs of glibc on 64-bit machines; 112 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct StatVfs
{
    public ulong BlockSize;
    public ulong FragmentSize;
    public ulong Blocks;
    public ulong BlocksFree;
    public ulong BlocksAvailable;
    public ulong Files;
    public ulong FilesFree;
    public ulong FilesAvailable;
    public ulong FileSystemId;
    public ulong Flags;
    public ulong NameMax;
    private unsafe fixed int _spare[6];
}

/// <summary>struct flock of fcntl(2) on 64-bit machines; 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FileLock
{
    public short Type;
    public short Whence;
    public long Start;
    public long Length;
    public int Pid;
}

/// <summary>One entry of a directory as getdents64(2) gives it.</summary>
/// <param name="Next">The position after the entry, for lseek(2) on the directory.</param>
/// <param name="Type">DT_ value: the type of st_mode shifted right by 12, or 0 when the file system does not
/// say.</param>
public sealed record DirectoryEntry(string Name, ulong Inode, long Next, int Type);
