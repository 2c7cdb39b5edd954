using DistFS.Primitives;

namespace DistFS.Client.Names;

/// <summary>Refusals of the namespace as exceptions, in the words of strerror(3).</summary>
internal static class FileErrors
{
    /// <summary>What was refused, and why.</summary>
    public static DistFsException Of(FsStatus status, string what) =>
        new(ErrorCatalog.FileRefused, $"{what}: {Words(status)}", null, status);

    /// <summary>There is something of that name, and it may not be replaced.</summary>
    public static DistFsException Exists(string what) => new(ErrorCatalog.TargetExists, $"{what}: exists already");

    /// <summary>Throws unless it is Ok.</summary>
    public static void Ensure(int status, string what)
    {
        if (status != 0)
        {
            throw Of((FsStatus)status, what);
        }
    }

    /// <summary>A chunk was given; else it is said that no server takes bytes, or why it was refused.</summary>
    /// <exception cref="DistFsException">It was not.</exception>
    public static void EnsureChunk(int status, string what)
    {
        if (status == (int)FsStatus.TryAgain)
        {
            throw new DistFsException(ErrorCatalog.NoChunkServers, $"{what}: no chunk server takes bytes.");
        }

        Ensure(status, what);
    }

    private static string Words(FsStatus status) => status switch
    {
        FsStatus.NotPermitted => "operation not permitted",
        FsStatus.NotFound => "no such file or directory",
        FsStatus.AccessDenied => "permission denied",
        FsStatus.AlreadyExists => "exists already",
        FsStatus.CrossDevice => "beyond the edge of a quota; copy it and remove it here",
        FsStatus.NotADirectory => "not a directory",
        FsStatus.IsADirectory => "is a directory",
        FsStatus.Invalid => "invalid",
        FsStatus.FileTooLarge => "file too large",
        FsStatus.NoSpace => "no space left",
        FsStatus.ReadOnly => "read only",
        FsStatus.NameTooLong => "name too long (255 bytes at most)",
        FsStatus.NotEmpty => "directory not empty",
        FsStatus.SymlinkLoop => "too many symbolic links",
        FsStatus.NoData => "no such attribute",
        FsStatus.Stale => "it is not there any more",
        FsStatus.QuotaExceeded => "quota exceeded",
        FsStatus.TryAgain => "not possible at the moment; try again",
        FsStatus.Busy => "in use",
        _ => status.ToPosixName(),
    };
}
