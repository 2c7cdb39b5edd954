using DistFS.Primitives;

namespace DistFS.Client.Transfers;

/// <summary>What the system of this machine says of its own files, as errors with a code.</summary>
internal static class LocalErrors
{
    // ERROR_DISK_FULL, ERROR_HANDLE_DISK_FULL.
    private const int DiskFullWindows = unchecked((int)0x80070070);
    private const int HandleDiskFullWindows = unchecked((int)0x80070027);

    /// <summary>Whether it is of a local file, and nobody has said which yet.</summary>
    public static bool IsLocal(Exception error) => error is IOException or UnauthorizedAccessException;

    /// <summary>What happened to which file.</summary>
    public static DistFsException Of(Exception error, string local)
    {
        ArgumentNullException.ThrowIfNull(error);
        var status = StatusOf(error);
        var code = status switch
        {
            FsStatus.NoSpace or FsStatus.QuotaExceeded => ErrorCatalog.LocalDiskFull,
            FsStatus.NameTooLong => ErrorCatalog.LocalNameRefused,
            FsStatus.AlreadyExists => ErrorCatalog.TargetExists,
            _ => ErrorCatalog.LocalFileFailed,
        };
        return new DistFsException(code, $"local {local}: {Words(error, status)}", error, status);
    }

    /// <summary>There is a local file of that name.</summary>
    public static DistFsException Exists(string local) =>
        new(ErrorCatalog.TargetExists, $"local {local}: exists already");

    /// <summary>The name of a file of the cluster as a local one.</summary>
    /// <exception cref="DistFsException">There can be none.</exception>
    public static string NameOf(DirectoryItem item, string path)
    {
        ArgumentNullException.ThrowIfNull(item);
        if (!item.HasText)
        {
            throw new DistFsException(ErrorCatalog.LocalNameRefused, $"{path}: the bytes of its name are no UTF-8");
        }

        // On Windows '\' would lead elsewhere.
        return item.Name.AsSpan().IndexOfAny(Path.GetInvalidFileNameChars()) < 0
            ? item.Name
            : throw new DistFsException(
                ErrorCatalog.LocalNameRefused, $"{path}: this system takes no name with such characters");
    }

    private static FsStatus StatusOf(Exception error) => error switch
    {
        UnauthorizedAccessException => FsStatus.AccessDenied,
        FileNotFoundException or DirectoryNotFoundException => FsStatus.NotFound,
        PathTooLongException => FsStatus.NameTooLong,
        { HResult: DiskFullWindows or HandleDiskFullWindows } => FsStatus.NoSpace,

        // Where .NET makes no exception of its own of it, it keeps the errno here.
        { HResult: > 0 and < 200 } when !OperatingSystem.IsWindows() => FsStatusMap.FromErrno(error.HResult),
        _ => FsStatus.IoError,
    };

    private static string Words(Exception error, FsStatus status) => status switch
    {
        FsStatus.AccessDenied => "permission denied",
        FsStatus.NotFound => "no such file or directory",
        FsStatus.NameTooLong => "the name is too long",
        FsStatus.NoSpace => "no space left on the disk",
        FsStatus.QuotaExceeded => "the disk's quota is used up",
        FsStatus.AlreadyExists => "exists already",
        _ => error.Message,
    };
}
