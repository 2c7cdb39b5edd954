using System.Globalization;
using System.Text;
using DistFS.Primitives;
using Microsoft.Win32.SafeHandles;

namespace DistFS.Native;

/// <summary>
/// Keeps two processes from using one data folder. The lock is the kernel's and ends with the process; the file that
/// carries it stays, and names the process for people.
/// </summary>
public sealed class FolderLock : IDisposable
{
    /// <summary>The file's name in the folder.</summary>
    public const string FileName = "distfs.lock";

    private const int SharingViolation = 32; // ERROR_SHARING_VIOLATION

    private readonly SafeFileHandle _handle;

    private FolderLock(string folder, SafeFileHandle handle) => (Folder, _handle) = (folder, handle);

    /// <summary>The locked folder.</summary>
    public string Folder { get; }

    /// <summary>Locks a folder that exists.</summary>
    /// <exception cref="DistFsException">
    /// Another holder has it (<see cref="ErrorCatalog.StoreLocked"/>), with its process id where that can be read.
    /// </exception>
    public static FolderLock Acquire(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        var path = Path.Combine(folder, FileName);
        var handle = OperatingSystem.IsWindows() ? OpenWindows(folder, path) : OpenUnix(path);
        try
        {
            if (!OperatingSystem.IsWindows())
            {
                Posix.FlockExclusive(handle);
            }

            RandomAccess.SetLength(handle, 0);
            RandomAccess.Write(handle, Encoding.ASCII.GetBytes($"{Environment.ProcessId}\n"), 0);
            return new FolderLock(folder, handle);
        }
        catch (DistFsException failure) when (failure.Status == FsStatus.Busy)
        {
            var holder = ReadHolder(handle);
            handle.Dispose();
            throw InUse(holder is null ? folder : $"{folder} (process {holder})", failure);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Unlocks the folder.</summary>
    public void Dispose() => _handle.Dispose();

    private static SafeFileHandle OpenUnix(string path)
    {
        try
        {
            File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write).Dispose();
        }
        catch (IOException) when (File.Exists(path))
        {
            // It is there already, or another process made it meanwhile.
        }

        return Posix.OpenUnlocked(path);
    }

    private static SafeFileHandle OpenWindows(string folder, string path)
    {
        try
        {
            return File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        }
        catch (IOException failure) when ((failure.HResult & 0xFFFF) == SharingViolation)
        {
            throw InUse(folder, failure);
        }
    }

    private static DistFsException InUse(string what, Exception cause) => new(
        ErrorCatalog.StoreLocked, $"{what} is in use by another process.", cause);

    private static int? ReadHolder(SafeFileHandle handle)
    {
        Span<byte> text = stackalloc byte[16];
        var length = RandomAccess.Read(handle, text, 0);
        var digits = Encoding.ASCII.GetString(text[..length]).Trim();
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : null;
    }
}
