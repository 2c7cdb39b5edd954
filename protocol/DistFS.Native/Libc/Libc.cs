using System.Runtime.InteropServices;

namespace DistFS.Native;

/// <summary>
/// The C library. Not one of the functions with a variable number of arguments is called with one of those: they are
/// passed differently on some systems (macOS on Arm), and a binding with a fixed list would be wrong there. Offsets and
/// limits are 64 bits wide, which holds for 64-bit processes only; <see cref="Posix"/> checks that.
/// </summary>
internal static unsafe partial class Libc
{
    /// <summary>Open for reading and writing (the same everywhere).</summary>
    public const int OpenReadWrite = 2;

    /// <summary>Not inherited by child processes: on Linux.</summary>
    public const int OpenCloseOnExec = 0x80000;

    /// <summary>The same on macOS.</summary>
    public const int OpenCloseOnExecMac = 0x1000000;

    /// <summary>Open for reading; fails unless it is a directory; not inherited by child processes.</summary>
    public const int OpenDirectoryFlags = 0x80000 | 0x10000;

    /// <summary>The same on Linux for Arm, whose O_DIRECTORY differs (asm/fcntl.h there).</summary>
    public const int OpenDirectoryFlagsArm = 0x80000 | 0x4000;

    /// <summary>The same on macOS (sys/fcntl.h there).</summary>
    public const int OpenDirectoryFlagsMac = 0x1000000 | 0x100000;

    public const int LockExclusive = 2;
    public const int LockNonBlocking = 4;
    public const int LockUnlock = 8;

    public const int CurrentDirectory = -100; // AT_FDCWD
    public const uint RenameNoReplaceFlag = 1;
    public const uint MacRenameExclusive = 4;

    public const int SeekData = 3;
    public const int SeekHole = 4;

    public const int NoFileLinux = 7;
    public const int NoFileMac = 8;

    public const int ClockBootTime = 7; // CLOCK_BOOTTIME

    public const int NoFollow = 0x100; // AT_SYMLINK_NOFOLLOW
    public const uint StatxType = 1; // STATX_TYPE
    public const int StatxBytes = 256;
    public const int StatxModeAt = 28;

    private const string Library = "libc";

    [LibraryImport(Library, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Open(string path, int flags);

    [LibraryImport(Library, EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Statx(int folder, string path, int flags, uint mask, byte* buffer);

    [LibraryImport(Library, EntryPoint = "geteuid")]
    internal static partial uint EffectiveUser();

    [LibraryImport(Library, EntryPoint = "getegid")]
    internal static partial uint EffectiveGroup();

    [LibraryImport(Library, EntryPoint = "getgroups", SetLastError = true)]
    internal static partial int Groups(int count, uint* groups);

    [LibraryImport(Library, EntryPoint = "umask")]
    internal static partial uint Umask(uint mask);

    [LibraryImport(Library, EntryPoint = "fsync", SetLastError = true)]
    internal static partial int Fsync(int descriptor);

    [LibraryImport(Library, EntryPoint = "fdatasync", SetLastError = true)]
    internal static partial int FDataSync(int descriptor);

    [LibraryImport(Library, EntryPoint = "fallocate", SetLastError = true)]
    internal static partial int Fallocate(int descriptor, int mode, long offset, long length);

    [LibraryImport(Library, EntryPoint = "preadv", SetLastError = true)]
    internal static partial nint ReadScattered(int descriptor, ScatterPart* parts, int count, long offset);

    [LibraryImport(Library, EntryPoint = "posix_fadvise")]
    internal static partial int Fadvise(int descriptor, long offset, long length, int advice);

    [LibraryImport(Library, EntryPoint = "lseek", SetLastError = true)]
    internal static partial long Seek(int descriptor, long offset, int whence);

    [LibraryImport(Library, EntryPoint = "statvfs", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int StatVfs(string path, StatVfsBuffer* buffer);

    [LibraryImport(Library, EntryPoint = "flock", SetLastError = true)]
    internal static partial int Flock(int descriptor, int operation);

    [LibraryImport(Library, EntryPoint = "renameat2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int RenameAt2(int oldFolder, string oldPath, int newFolder, string newPath, uint flags);

    [LibraryImport(Library, EntryPoint = "renamex_np", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int RenameMac(string oldPath, string newPath, uint flags);

    [LibraryImport(Library, EntryPoint = "kill", SetLastError = true)]
    internal static partial int Kill(int process, int signal);

    [LibraryImport(Library, EntryPoint = "getrlimit", SetLastError = true)]
    internal static partial int GetRLimit(int resource, RLimit* limit);

    [LibraryImport(Library, EntryPoint = "setrlimit", SetLastError = true)]
    internal static partial int SetRLimit(int resource, RLimit* limit);

    // Answered without a system call: not worth a transition of the garbage collector.
    [SuppressGCTransition]
    [LibraryImport(Library, EntryPoint = "clock_gettime")]
    internal static partial int ClockGetTime(int clock, TimeSpec* time);

    /// <summary>struct statvfs of Linux with 64-bit words, 112 bytes in glibc and musl alike.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 112)]
    internal struct StatVfsBuffer
    {
        public ulong BlockBytes;
        public ulong FragmentBytes;
        public ulong Blocks;
        public ulong BlocksFree;
        public ulong BlocksAvailable;
        public ulong Files;
        public ulong FilesFree;
        public ulong FilesAvailable;
        public ulong FileSystemId;
        public ulong Flags;
        public ulong NameBytesMax;
    }

    /// <summary>struct rlimit with 64-bit words.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct RLimit
    {
        public ulong Soft;
        public ulong Hard;
    }

    /// <summary>struct timespec with 64-bit words.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
