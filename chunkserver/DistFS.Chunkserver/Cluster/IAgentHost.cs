using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Chunkserver.Cluster;

/// <summary>What the agent needs of the rest of the server. Any thread; nothing here is called under a lock.</summary>
internal interface IAgentHost
{
    /// <summary>What heartbeats tell.</summary>
    ServerFacts Facts { get; }

    /// <summary>The cluster has taken this run: durable when it ends.</summary>
    /// <exception cref="DistFsException">The server belongs to another cluster.</exception>
    Task RegisteredAsync(ServerId server, ClusterId cluster, CancellationToken cancellation);

    /// <summary>
    /// What is served of the chunks from one on, by id, as it is now: not what is lost, and not what is not whole.
    /// </summary>
    Task<List<StoredCopy>> LookAsync(ChunkId from, int max, CancellationToken cancellation);

    /// <summary>Chunks came to versions: durable, and told to who writes them, when it ends.</summary>
    /// <param name="fences">The versions.</param>
    /// <param name="members">Where their servers are, as far as that is known.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>Sealed ones in which this server has not come to rest yet.</returns>
    Task<IReadOnlyList<ChunkId>> FenceAsync(
        IReadOnlyList<ChunkFence> fences, IReadOnlyList<ChainHop> members, CancellationToken cancellation);

    /// <summary>Deletes: durable when it ends.</summary>
    /// <returns>Those that were done; the others could not be.</returns>
    Task<List<DeleteOrder>> DeleteAsync(IReadOnlyList<DeleteOrder> orders, CancellationToken cancellation);

    /// <summary>Begins copies, gives others up, and says how fast they may be. Ends at once.</summary>
    void Order(AgentOrders orders);
}
