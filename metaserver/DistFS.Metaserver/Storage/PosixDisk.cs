using DistFS.Native;
using DistFS.Primitives;
using Microsoft.Win32.SafeHandles;

namespace DistFS.Metaserver.Storage;

/// <summary>A folder of the operating system. It must exist, and its lock is the process's matter.</summary>
public sealed class PosixDisk : IDisk
{
    private const int WindowsHandleDiskFull = 39; // ERROR_HANDLE_DISK_FULL
    private const int WindowsDiskFull = 112; // ERROR_DISK_FULL

    private readonly string _folder;

    /// <summary>Uses a folder.</summary>
    /// <exception cref="DirectoryNotFoundException">It does not exist.</exception>
    public PosixDisk(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        _folder = Path.GetFullPath(folder);
        if (!Directory.Exists(_folder))
        {
            throw new DirectoryNotFoundException($"There is no folder {_folder}.");
        }
    }

    /// <inheritdoc/>
    public string Name => _folder;

    /// <inheritdoc/>
    public IReadOnlyList<string> List() => Run(() =>
    {
        var names = Directory.EnumerateFiles(_folder).Select(path => Path.GetFileName(path)).ToArray();
        Array.Sort(names, StringComparer.Ordinal);
        return names;
    });

    /// <inheritdoc/>
    public IDiskFile Open(string name) => Open(name, FileMode.Open);

    /// <inheritdoc/>
    public IDiskFile Create(string name) => Open(name, FileMode.Create);

    /// <inheritdoc/>
    public void Rename(string from, string to)
    {
        var (source, target) = (PathOf(from), PathOf(to));
        Run(() => File.Move(source, target, overwrite: true));
    }

    /// <inheritdoc/>
    public void Delete(string name)
    {
        var path = PathOf(name);
        Run(() => File.Delete(path));
    }

    /// <inheritdoc/>
    public void SyncFolder() => Run(() => Posix.FsyncDirectory(_folder));

    /// <inheritdoc/>
    public bool DiskFull(IOException error)
    {
        if (error is PosixDiskException typed)
        {
            return IsFull(typed.Status);
        }

        ArgumentNullException.ThrowIfNull(error);
        return OperatingSystem.IsWindows()
            ? (error.HResult & 0xFFFF) is WindowsHandleDiskFull or WindowsDiskFull
            : IsFull(FsStatusMap.FromErrno(error.HResult));
    }

    /// <summary>Runs a call of the system; every error of it comes out as an <see cref="IOException"/>.</summary>
    internal static void Run(Action call) => Run(() =>
    {
        call();
        return true;
    });

    internal static T Run<T>(Func<T> call)
    {
        try
        {
            return call();
        }
        catch (Exception error) when (IsOfSystem(error))
        {
            throw Typed(error);
        }
    }

    /// <summary>Whether the system refused, though .NET does not call it an <see cref="IOException"/>: EACCES, EBADF
    /// and EPERM are an UnauthorizedAccessException there, EFBIG an ArgumentOutOfRangeException.</summary>
    internal static bool IsOfSystem(Exception error) =>
        error is DistFsException or UnauthorizedAccessException or ArgumentOutOfRangeException;

    internal static PosixDiskException Typed(Exception error) => new(
        error.Message,
        error is DistFsException known ? known.Status
            : error is UnauthorizedAccessException ? FsStatus.AccessDenied
            : FsStatus.FileTooLarge,
        error);

    private static bool IsFull(FsStatus status) => status is FsStatus.NoSpace or FsStatus.QuotaExceeded;

    private PosixDiskFile Open(string name, FileMode mode)
    {
        var path = PathOf(name);
        return Run(() => new PosixDiskFile(File.OpenHandle(
            path, mode, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, FileOptions.RandomAccess)));
    }

    private string PathOf(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return name is "." or ".." || name.AsSpan().IndexOfAny('/', '\\', '\0') >= 0
            ? throw new ArgumentException($"'{name}' is no name of a file in a folder.", nameof(name))
            : Path.Combine(_folder, name);
    }
}

/// <summary>An error of a <see cref="PosixDisk"/> whose status is known.</summary>
internal sealed class PosixDiskException(string message, FsStatus status, Exception inner)
    : IOException(message, inner)
{
    public FsStatus Status => status;
}

/// <summary>A file of a <see cref="PosixDisk"/>.</summary>
internal sealed class PosixDiskFile(SafeFileHandle handle) : IDiskFile
{
    public long Length => PosixDisk.Run(() => RandomAccess.GetLength(handle));

    public int Read(long offset, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        try
        {
            var done = 0;
            while (done < destination.Length)
            {
                var read = RandomAccess.Read(handle, destination[done..], offset + done);
                if (read == 0)
                {
                    break;
                }

                done += read;
            }

            return done;
        }
        catch (Exception error) when (PosixDisk.IsOfSystem(error))
        {
            throw PosixDisk.Typed(error);
        }
    }

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        try
        {
            RandomAccess.Write(handle, source, offset);
        }
        catch (Exception error) when (PosixDisk.IsOfSystem(error))
        {
            throw PosixDisk.Typed(error);
        }
    }

    public void Preallocate(long length)
    {
        var now = Length;
        if (now < length)
        {
            PosixDisk.Run(() => Take(now, length - now));
        }
    }

    public void Truncate(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        PosixDisk.Run(() => RandomAccess.SetLength(handle, length));
    }

    public void Sync()
    {
        try
        {
            Posix.FDataSync(handle);
        }
        catch (Exception error) when (PosixDisk.IsOfSystem(error))
        {
            throw PosixDisk.Typed(error);
        }
    }

    public void Dispose() => handle.Dispose();

    private void Take(long from, long length)
    {
        try
        {
            Posix.Fallocate(handle, FallocateModes.None, from, length);
        }
        catch (DistFsException error) when (error.Status is FsStatus.NotSupported or FsStatus.NotImplemented)
        {
            // Not every file system can; then space is taken when bytes are written.
            RandomAccess.SetLength(handle, from + length);
        }
    }
}
