using System.Runtime.InteropServices;
using DistFS.Primitives;
using Microsoft.Win32.SafeHandles;

namespace DistFS.Native;

/// <summary>
/// Calls of the C library that .NET lacks, as typed errors: a call that fails throws <see cref="DistFsException"/> with
/// <see cref="ErrorCatalog.SystemCall"/> and the status of its errno; one that the running system does not have
/// throws it with <see cref="ErrorCatalog.PlatformUnsupported"/>. Nothing is emulated by something weaker.
/// </summary>
public static unsafe partial class Posix
{
    private const int ErrnoInterrupted = 4; // EINTR has this number everywhere.

    /// <summary>
    /// Makes the names in a folder durable: a file that was created, renamed or deleted is on disk only after this.
    /// </summary>
    /// <remarks>
    /// Does nothing on Windows: NTFS journals its metadata in order, and a handle of a folder cannot be flushed there.
    /// </remarks>
    /// <exception cref="DistFsException">The folder does not exist, is none, or the disk failed.</exception>
    public static void FsyncDirectory(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using var handle = Open(path, DirectoryFlags());
        if (Libc.Fsync((int)handle.DangerousGetHandle()) != 0)
        {
            throw Failed("fsync", path, Marshal.GetLastPInvokeError());
        }
    }

    /// <summary>
    /// Makes a file's content durable, and of its metadata what is needed to read it. An error is final: the kernel may
    /// have dropped the pages that it could not write, so a second call that succeeds proves nothing.
    /// </summary>
    public static void FDataSync(SafeFileHandle handle)
    {
        if (!OperatingSystem.IsLinux())
        {
            FSync(handle);
            return;
        }

        using var file = new Descriptor(handle);
        if (Libc.FDataSync(file.Value) != 0)
        {
            throw Failed("fdatasync", null, Marshal.GetLastPInvokeError());
        }
    }

    /// <summary>Makes a file durable. An error is final, as with <see cref="FDataSync"/>.</summary>
    public static void FSync(SafeFileHandle handle)
    {
        ArgumentNullException.ThrowIfNull(handle);
        if (!OperatingSystem.IsLinux())
        {
            // F_FULLFSYNC on macOS, where fsync leaves the data in the disk's cache; FlushFileBuffers on Windows.
            RandomAccess.FlushToDisk(handle);
            return;
        }

        using var file = new Descriptor(handle);
        if (Libc.Fsync(file.Value) != 0)
        {
            throw Failed("fsync", null, Marshal.GetLastPInvokeError());
        }
    }

    /// <summary>Allocates space for a file, or gives it back. Linux only.</summary>
    /// <param name="handle">Open for writing.</param>
    /// <param name="modes">What to do.</param>
    /// <param name="offset">Where it begins.</param>
    /// <param name="length">Bytes, over 0.</param>
    /// <exception cref="DistFsException">
    /// The disk is full (<see cref="FsStatus.NoSpace"/>), or the file system cannot do that
    /// (<see cref="FsStatus.NotSupported"/>): there is no fall back to writing zeros.
    /// </exception>
    public static void Fallocate(SafeFileHandle handle, FallocateModes modes, long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        RequireLinux("fallocate");
        using var file = new Descriptor(handle);
        while (Libc.Fallocate(file.Value, (int)modes, offset, length) != 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            if (errno != ErrnoInterrupted)
            {
                throw Failed("fallocate", null, errno);
            }
        }
    }

    /// <summary>
    /// Tells the kernel how a file will be used. Advice only: does nothing on other systems than Linux.
    /// </summary>
    public static void Advise(SafeFileHandle handle, long offset, long length, FileAdvice advice)
    {
        if (!OperatingSystem.IsLinux() || !Environment.Is64BitProcess)
        {
            return;
        }

        using var file = new Descriptor(handle);
        var errno = Libc.Fadvise(file.Value, offset, length, (int)advice); // Returns the errno, does not set it.
        if (errno != 0)
        {
            throw Failed("posix_fadvise", null, errno);
        }
    }

    /// <summary>
    /// The first byte at or after <paramref name="offset"/> that has space; null when only holes follow.
    /// </summary>
    /// <remarks>Moves the file offset of the handle. Linux only.</remarks>
    public static long? SeekData(SafeFileHandle handle, long offset) => Seek(handle, offset, Libc.SeekData);

    /// <summary>The first hole at or after <paramref name="offset"/>; the end of the file counts as one.</summary>
    /// <remarks>Moves the file offset of the handle. Linux only.</remarks>
    public static long? SeekHole(SafeFileHandle handle, long offset) => Seek(handle, offset, Libc.SeekHole);

    /// <summary>The space of the file system that holds a path.</summary>
    public static FileSystemSpace StatVfs(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!OperatingSystem.IsLinux() || !Environment.Is64BitProcess)
        {
            var drive = new DriveInfo(Path.GetFullPath(path));
            return new FileSystemSpace(drive.TotalSize, drive.TotalFreeSpace, drive.AvailableFreeSpace, 0, 0, 0, false);
        }

        Libc.StatVfsBuffer buffer;
        while (Libc.StatVfs(path, &buffer) != 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            if (errno != ErrnoInterrupted)
            {
                throw Failed("statvfs", path, errno);
            }
        }

        const ulong ReadOnlyFlag = 1; // ST_RDONLY
        var unit = buffer.FragmentBytes;
        return new FileSystemSpace(
            Clamp(buffer.Blocks, unit),
            Clamp(buffer.BlocksFree, unit),
            Clamp(buffer.BlocksAvailable, unit),
            Clamp(buffer.Files, 1),
            Clamp(buffer.FilesFree, 1),
            Clamp(buffer.BlockBytes, 1),
            (buffer.Flags & ReadOnlyFlag) != 0);
    }

    /// <summary>
    /// Whether something is a regular file: no directory, link, device, FIFO or socket, of which .NET tells only some
    /// apart. Asked for on Linux; elsewhere what is no directory counts as regular.
    /// </summary>
    /// <param name="path">Which.</param>
    /// <param name="followsLink">If it is a symbolic link, of what that stands for.</param>
    /// <exception cref="DistFsException">There is nothing, or it may not be looked at.</exception>
    public static bool IsRegularFile(string path, bool followsLink)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!OperatingSystem.IsLinux())
        {
            return !Directory.Exists(path);
        }

        const ushort KindMask = 0xF000; // S_IFMT
        const ushort Regular = 0x8000; // S_IFREG
        var buffer = stackalloc byte[Libc.StatxBytes];
        while (Libc.Statx(
            Libc.CurrentDirectory, path, followsLink ? 0 : Libc.NoFollow, Libc.StatxType, buffer) != 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            if (errno != ErrnoInterrupted)
            {
                throw Failed("statx", path, errno);
            }
        }

        return (*(ushort*)(buffer + Libc.StatxModeAt) & KindMask) == Regular;
    }

    /// <summary>
    /// Renames a file or folder unless the new name exists, in one step. Both must be on one file system.
    /// </summary>
    /// <exception cref="DistFsException">
    /// The name exists (<see cref="FsStatus.AlreadyExists"/>), and others.
    /// </exception>
    public static void RenameNoReplace(string oldPath, string newPath)
    {
        ArgumentException.ThrowIfNullOrEmpty(oldPath);
        ArgumentException.ThrowIfNullOrEmpty(newPath);
        int result;
        if (OperatingSystem.IsLinux())
        {
            result = Libc.RenameAt2(
                Libc.CurrentDirectory, oldPath, Libc.CurrentDirectory, newPath, Libc.RenameNoReplaceFlag);
        }
        else if (OperatingSystem.IsMacOS())
        {
            result = Libc.RenameMac(oldPath, newPath, Libc.MacRenameExclusive);
        }
        else
        {
            throw Unsupported("rename without replacing", "Linux or macOS");
        }

        if (result != 0)
        {
            throw Failed("rename", $"{oldPath} to {newPath}", Marshal.GetLastPInvokeError());
        }
    }

    private static SafeFileHandle Open(string path, int flags)
    {
        int descriptor;
        while ((descriptor = Libc.Open(path, flags)) < 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            if (errno != ErrnoInterrupted)
            {
                throw Failed("open", path, errno);
            }
        }

        return new SafeFileHandle(descriptor, ownsHandle: true);
    }

    private static long? Seek(SafeFileHandle handle, long offset, int whence)
    {
        const int NothingFollows = 6; // ENXIO
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        RequireLinux("lseek for holes");
        using var file = new Descriptor(handle);
        var position = Libc.Seek(file.Value, offset, whence);
        if (position >= 0)
        {
            return position;
        }

        var errno = Marshal.GetLastPInvokeError();
        return errno == NothingFollows ? null : throw Failed("lseek", null, errno);
    }

    private static int DirectoryFlags()
    {
        if (OperatingSystem.IsMacOS())
        {
            return Libc.OpenDirectoryFlagsMac;
        }

        return RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm
            ? Libc.OpenDirectoryFlagsArm
            : Libc.OpenDirectoryFlags;
    }

    // A file system may report more than 2^63 bytes, or nonsense; a size here is a long.
    private static long Clamp(ulong count, ulong unit)
    {
        var high = Math.BigMul(count, unit, out var low);
        return high != 0 || low > long.MaxValue ? long.MaxValue : (long)low;
    }

    private static void RequireLinux(string call)
    {
        if (!OperatingSystem.IsLinux() || !Environment.Is64BitProcess)
        {
            throw Unsupported(call, "64-bit Linux");
        }
    }

    private static DistFsException Unsupported(string call, string system) =>
        new(ErrorCatalog.PlatformUnsupported, $"{call} needs {system}.");

    private static DistFsException Failed(string call, string? what, int errno, FsStatus? status = null)
    {
        var reason = Marshal.GetPInvokeErrorMessage(errno);
        var message = what is null ? $"{call}: {reason}" : $"{call} {what}: {reason}";
        return new DistFsException(ErrorCatalog.SystemCall, message, null, status ?? FsStatusMap.FromErrno(errno));
    }

    /// <summary>The number of an open file, which no other thread can close, and the kernel reuse, meanwhile.</summary>
    private readonly ref struct Descriptor
    {
        private readonly SafeFileHandle _handle;

        public Descriptor(SafeFileHandle handle)
        {
            ArgumentNullException.ThrowIfNull(handle);
            var added = false;
            handle.DangerousAddRef(ref added);
            _handle = handle;
            Value = (int)handle.DangerousGetHandle();
        }

        public int Value { get; }

        public void Dispose() => _handle.DangerousRelease();
    }
}
