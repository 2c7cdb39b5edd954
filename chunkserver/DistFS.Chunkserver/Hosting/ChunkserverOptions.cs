using DistFS.Chunks;
using DistFS.Chunkserver.Cluster;
using DistFS.Chunkserver.Stores;
using DistFS.Rpc;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace DistFS.Chunkserver.Hosting;

/// <summary>How a <see cref="ChunkserverHost"/> runs.</summary>
public sealed record ChunkserverOptions
{
    /// <summary>Its data folders, one for each disk. Empty ones become a new server; others go on as what they are.
    /// </summary>
    public required IReadOnlyList<string> DataFolders { get; init; }

    /// <summary>Where it listens, and where clients and other servers reach it.</summary>
    public required RpcAddress Address { get; init; }

    /// <summary>Metaservers of the cluster; any of them will do.</summary>
    public required IReadOnlyList<RpcAddress> Metaservers { get; init; }

    /// <summary>Servers in one rack fail together; empty: with those of the same host.</summary>
    public string Rack { get; init; } = "";

    /// <summary>It takes at most so many bytes; null is what its disks have.</summary>
    public long? CapacityBytes { get; init; }

    /// <summary>Less than this free on a disk, and nothing is written there; null is the store's own.</summary>
    public long? ReserveBytes { get; init; }

    /// <summary>Stores that are in none of the folders are gone for good; without it, it does not start.</summary>
    public bool ForgetMissing { get; init; }

    /// <summary>
    /// Memory for contents of blocks that small reads ask for again and again, of all disks together; 0 for none.
    /// </summary>
    public long ContentCacheBytes { get; init; } = 64L << 20;

    /// <summary>How it speaks with the leading metaserver.</summary>
    public AgentOptions Agent { get; init; } = new();

    /// <summary>In so long everything that is stored is read once, to find what is damaged.</summary>
    public TimeSpan ScrubPass { get; init; } = TimeSpan.FromDays(7);

    /// <summary>Of the product, for who asks.</summary>
    public string Version { get; init; } = "";

    /// <summary>It was built from; may be empty.</summary>
    public string Commit { get; init; } = "";

    /// <summary>The clock for everything but time-outs of single calls.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Where it tells what happens.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>Opens a store; null is one over RocksDB. For tests.</summary>
    internal Func<StoreRequest, CancellationToken, Task<IChunkStore>>? OpenStore { get; init; }

    /// <summary>What is wrong with these; null for nothing.</summary>
    public string? Fault() =>
        DataFolders.Count == 0 ? "A chunk server needs a data folder."
        : Metaservers.Count == 0 ? "A chunk server needs the address of a metaserver."
        : Address.ToString().Length > 255 || System.Text.Encoding.UTF8.GetByteCount(Rack) > 255
            ? "The address and the rack of a chunk server have at most 255 bytes."
        : CapacityBytes is <= 0 ? "The capacity of a chunk server is above zero."
        : ContentCacheBytes < 0 ? "The memory for contents of a chunk server is not below zero."
        : ScrubPass <= TimeSpan.Zero ? "The time for reading everything once is above zero."
        : null;
}
