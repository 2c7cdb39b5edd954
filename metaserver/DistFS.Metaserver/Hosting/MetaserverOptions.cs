using DistFS.Metaserver.Chunks;
using DistFS.Metaserver.Consensus;
using DistFS.Metaserver.State;
using DistFS.Rpc;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace DistFS.Metaserver.Hosting;

/// <summary>How a <see cref="MetaserverHost"/> runs.</summary>
public sealed record MetaserverOptions
{
    /// <summary>All that it has. Made if it is missing; a folder that has a metaserver goes on as that.</summary>
    public required string DataFolder { get; init; }

    /// <summary>Where it listens, and where the others and clients reach it.</summary>
    public required RpcAddress Address { get; init; }

    /// <summary>Where it speaks gRPC too: the same services, for others than ourselves; null is nowhere.</summary>
    public RpcAddress? Grpc { get; init; }

    /// <summary>
    /// Members of the cluster that a new folder joins; empty begins a new cluster. A folder that has a member goes on
    /// as that, if they are of its cluster.
    /// </summary>
    public IReadOnlyList<RpcAddress> Join { get; init; } = [];

    /// <summary>So long it looks for a leader that takes it.</summary>
    public TimeSpan JoinTimeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The times of the group.</summary>
    public RaftTiming Timing { get; init; } = RaftTiming.Default;

    /// <summary>What the metadata may use.</summary>
    public StateOptions State { get; init; } = new();

    /// <summary>How chunk servers are dealt with.</summary>
    public ChunkServerOptions ChunkServers { get; init; } = new();

    /// <summary>A snapshot is made after so many entries since the last one, if not earlier by bytes.</summary>
    public ulong SnapshotEntries { get; init; } = 1_000_000;

    /// <summary>So many entries stay in the log behind a snapshot.</summary>
    public ulong KeepEntries { get; init; } = 100_000;

    /// <summary>Of the product, for who asks.</summary>
    public string Version { get; init; } = "";

    /// <summary>It was built from; may be empty.</summary>
    public string Commit { get; init; } = "";

    /// <summary>The clock that the entries of this member carry while it leads.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Where it tells what happens.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;
}
