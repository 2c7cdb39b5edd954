using System.Runtime.InteropServices;

namespace DistFS.Posix.Syscalls;

/// <summary>The constants of Linux's system calls on x86-64 and arm64, named as in their manual pages.</summary>
public static class Constants
{
    public const int O_RDONLY = 0;
    public const int O_WRONLY = 1;
    public const int O_RDWR = 2;
    public const int O_CREAT = 0x40;
    public const int O_EXCL = 0x80;
    public const int O_TRUNC = 0x200;
    public const int O_APPEND = 0x400;
    public const int O_NONBLOCK = 0x800;
    public const int O_DSYNC = 0x1000;
    public const int O_NOATIME = 0x40000;
    public const int O_CLOEXEC = 0x80000;
    public const int O_SYNC = 0x101000;
    public const int O_PATH = 0x200000;
    public const int O_ACCMODE = 3;

    public const int S_IFMT = 0xF000;
    public const int S_IFSOCK = 0xC000;
    public const int S_IFLNK = 0xA000;
    public const int S_IFREG = 0x8000;
    public const int S_IFBLK = 0x6000;
    public const int S_IFDIR = 0x4000;
    public const int S_IFCHR = 0x2000;
    public const int S_IFIFO = 0x1000;

    public const int AT_FDCWD = -100;
    public const int AT_SYMLINK_NOFOLLOW = 0x100;
    public const int AT_REMOVEDIR = 0x200;
    public const int AT_SYMLINK_FOLLOW = 0x400;
    public const int AT_EMPTY_PATH = 0x1000;

    public const int SEEK_SET = 0;
    public const int SEEK_CUR = 1;
    public const int SEEK_END = 2;
    public const int SEEK_DATA = 3;
    public const int SEEK_HOLE = 4;

    public const int RENAME_NOREPLACE = 1;
    public const int RENAME_EXCHANGE = 2;

    public const int FALLOC_FL_KEEP_SIZE = 1;
    public const int FALLOC_FL_PUNCH_HOLE = 2;
    public const int FALLOC_FL_ZERO_RANGE = 16;

    public const int LOCK_SH = 1;
    public const int LOCK_EX = 2;
    public const int LOCK_NB = 4;
    public const int LOCK_UN = 8;

    public const int F_RDLCK = 0;
    public const int F_WRLCK = 1;
    public const int F_UNLCK = 2;
    public const int F_GETFL = 3;
    public const int F_SETFL = 4;
    public const int F_GETLK = 5;
    public const int F_SETLK = 6;
    public const int F_SETLKW = 7;
    public const int F_OFD_GETLK = 36;
    public const int F_OFD_SETLK = 37;
    public const int F_OFD_SETLKW = 38;

    public const int PROT_READ = 1;
    public const int PROT_WRITE = 2;
    public const int MAP_SHARED = 1;
    public const int MAP_PRIVATE = 2;
    public const int MS_SYNC = 4;

    public const long UTIME_NOW = 0x3FFFFFFF;
    public const long UTIME_OMIT = 0x3FFFFFFE;

    public const int XATTR_CREATE = 1;
    public const int XATTR_REPLACE = 2;

    public const int R_OK = 4;
    public const int W_OK = 2;
    public const int X_OK = 1;
    public const int F_OK = 0;

    public const int NAME_MAX = 255;

    /// <summary>The longest path in bytes with its terminating NUL.</summary>
    public const int PATH_MAX = 4096;

    /// <summary>Leaves a user or group as it is (chown(2)).</summary>
    public const uint Same = uint.MaxValue;

    private static readonly bool IsArm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    public static int O_DIRECTORY { get; } = IsArm ? 0x4000 : 0x10000;

    public static int O_NOFOLLOW { get; } = IsArm ? 0x8000 : 0x20000;

    public static int O_DIRECT { get; } = IsArm ? 0x10000 : 0x4000;

    public static int O_TMPFILE { get; } = 0x400000 | O_DIRECTORY;

    internal static int SYS_setgroups => IsArm ? 159 : 116;

    internal static int SYS_setresuid => IsArm ? 147 : 117;

    internal static int SYS_setresgid => IsArm ? 149 : 119;

    /// <summary>Permission bits written as they are spoken: Octal(644) is 0644. C# has no octal literals.</summary>
    public static int Octal(int digits)
    {
        var value = 0;
        for (var scale = 0; digits > 0; digits /= 10, scale += 3)
        {
            value |= (digits % 10) << scale;
        }

        return value;
    }
}
