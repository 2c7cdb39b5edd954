using DistFS.Client;
using DistFS.Vfs;

namespace DistFS.Mount;

/// <summary>What is mounted where, and how.</summary>
public sealed record MountOptions
{
    /// <summary>Where a cluster is mounted the mount table says fuse.distfs.</summary>
    public const string Subtype = "distfs";

    /// <summary>A directory of this machine.</summary>
    public required string MountPoint { get; init; }

    /// <summary>The cluster. Files are opened on behalf of its identity, which is root's.</summary>
    public required DistFsClientOptions Client { get; init; }

    /// <summary>How the file system works.</summary>
    public VfsOptions Vfs { get; init; } = new();

    /// <summary>A directory of the cluster, which is mounted as the root. Default: all of it.</summary>
    public string Subdirectory { get; init; } = "/";

    /// <summary>What mount tables show as the source: no commas, spaces and backslashes.</summary>
    public string Source { get; init; } = "distfs";

    /// <summary>Other users than that of this process may use it.</summary>
    public bool AllowOther { get; init; }

    /// <summary>Told of defects: what was asked for then ended with EIO.</summary>
    public Action<string>? Defect { get; init; }
}
