namespace DistFS.Native;

/// <summary>The space of a file system.</summary>
/// <param name="TotalBytes">Its size.</param>
/// <param name="FreeBytes">Free, what is kept for root included.</param>
/// <param name="AvailableBytes">Free for everyone.</param>
/// <param name="TotalFiles">Inodes; 0 where there is no fixed number or the system does not tell.</param>
/// <param name="FreeFiles">Free inodes.</param>
/// <param name="BlockBytes">The unit of allocation; 0 where the system does not tell.</param>
/// <param name="IsReadOnly">Whether it is mounted read-only.</param>
public readonly record struct FileSystemSpace(
    long TotalBytes,
    long FreeBytes,
    long AvailableBytes,
    long TotalFiles,
    long FreeFiles,
    long BlockBytes,
    bool IsReadOnly);
