namespace DistFS.Vfs;

/// <content>How it is doing.</content>
public sealed partial class VfsMount
{
    /// <summary>What there is at this moment; each figure for itself.</summary>
    public VfsFigures Figures => new(
        _nodes.Count,
        _active.Count,
        Contents.Bytes,
        Interlocked.Read(ref _unsentBytes),
        _journal.Pending,
        _cluster.Believed);
}

/// <summary>What a mount has in its memory.</summary>
/// <param name="Nodes">Inodes that are known.</param>
/// <param name="ActiveFiles">Files that are open, or have something to send.</param>
/// <param name="CachedBytes">Content that is kept to be read again.</param>
/// <param name="UnsentBytes">Content of new files that is to be sent.</param>
/// <param name="UnsentChanges">Changes of names and attributes that are to be sent.</param>
/// <param name="Believed">So long what is cached holds if nothing more is heard of the metaservers.</param>
public readonly record struct VfsFigures(
    int Nodes, int ActiveFiles, long CachedBytes, long UnsentBytes, int UnsentChanges, TimeSpan Believed);
