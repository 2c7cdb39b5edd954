using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Client.Chunks;

/// <summary>A server of a chunk, and where it is.</summary>
/// <param name="Id">Which.</param>
/// <param name="Address">host:port.</param>
public sealed record ChunkServerAddress(ServerId Id, string Address);

/// <summary>A chunk in a version, as the metaserver tells it.</summary>
/// <param name="Chunk">Which.</param>
/// <param name="Version">In which version.</param>
/// <param name="StoredLength">With what length in bytes the version began on its servers.</param>
/// <param name="Servers">In the order of the chain: the head first, the tail last. One at least.</param>
/// <param name="KeepsBeyond">What servers have beyond that length stays: the cluster began the version.</param>
/// <param name="IsSealed">Nobody writes in this version.</param>
/// <param name="DecidedIn">
/// The last version in which one of its copies was decided to be the chunk, since all had become unclean: what was
/// acknowledged before it and not synced may be zeros. 0: none.
/// </param>
public sealed record ChunkTarget(
    ChunkId Chunk,
    ChunkVersion Version,
    uint StoredLength,
    IReadOnlyList<ChunkServerAddress> Servers,
    bool KeepsBeyond = false,
    bool IsSealed = false,
    ChunkVersion DecidedIn = default)
{
    /// <summary>Takes the writes.</summary>
    public ChunkServerAddress Head => Servers[0];

    /// <summary>Has nothing that is not committed.</summary>
    public ChunkServerAddress Tail => Servers[^1];

    /// <summary>As chunk servers are told which copy is meant.</summary>
    internal ChunkName Name => new()
    {
        Chunk = Chunk.Value,
        Version = Version.Value,
        StoredLength = StoredLength,
        KeepsBeyond = KeepsBeyond,
        Sealed = IsSealed,
    };
}

/// <summary>Asks the metaservers about one chunk.</summary>
public interface IChunkVersions
{
    /// <summary>
    /// Begins another version of the chunk. It may have begun when this fails.
    /// </summary>
    /// <param name="before">The version that ends.</param>
    /// <param name="length">Bytes that every server which stays is known to have.</param>
    /// <param name="drop">Servers that failed.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="DistFsException">Refused: the chunk is not this client's to write any more.</exception>
    Task<ChunkTarget> BeginVersionAsync(
        ChunkTarget before, uint length, IReadOnlyCollection<ServerId> drop, CancellationToken cancellation);

    /// <summary>The chunk as it is now.</summary>
    /// <exception cref="DistFsException">There is no such chunk any more.</exception>
    Task<ChunkTarget> LookUpAsync(ChunkTarget before, CancellationToken cancellation);
}
