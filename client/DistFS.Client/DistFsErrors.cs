using DistFS.Primitives;

namespace DistFS.Client;

/// <summary>Which errors are about what.</summary>
public static class DistFsErrors
{
    /// <summary>
    /// Whether an error is about one file or name, so that what is asked of others may well succeed; else it is about
    /// the cluster, the session or this machine, and others would fail alike.
    /// </summary>
    public static bool IsOfOneFile(DistFsException error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return error.Code == ErrorCatalog.FileRefused || error.Code == ErrorCatalog.TargetExists
            || error.Code == ErrorCatalog.SourceChanged || error.Code == ErrorCatalog.LocalFileFailed
            || error.Code == ErrorCatalog.LocalNameRefused;
    }
}
