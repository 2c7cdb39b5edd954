using DistFS.Chunks;
using DistFS.Chunkserver.Cluster;
using DistFS.Chunkserver.Copies;
using DistFS.Chunkserver.Data;
using DistFS.Chunkserver.Stores;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Chunkserver.Hosting;

/// <summary>What the agent asks for, done by the parts of the server.</summary>
internal sealed class AgentHost(
    StoreFolders folders,
    StoreSet stores,
    OpenChunks open,
    CopyRunner copies,
    ServerUse use,
    LeaderVersions versions,
    CallCount calls,
    CopyPacer pacer) : IAgentHost
{
    /// <inheritdoc/>
    public ServerFacts Facts
    {
        get
        {
            var (capacity, used) = use.Now;
            return new ServerFacts(
                (ulong)capacity,
                (ulong)used,
                stores.IsFull || used >= capacity,
                (uint)(calls.Now + copies.Running),
                (uint)pacer.Percent,
                (ulong)open.DirtyBlocks,
                (ulong)stores.DamagedBlocks,
                (ulong)stores.LostCopies);
        }
    }

    /// <inheritdoc/>
    public Task RegisteredAsync(ServerId server, ClusterId cluster, CancellationToken cancellation) =>
        folders.RegisteredAsync(cluster, server, cancellation);

    /// <inheritdoc/>
    public Task<List<StoredCopy>> LookAsync(ChunkId from, int max, CancellationToken cancellation) => Task.Run(
        () => stores.Served(from, max).ConvertAll(static info => new StoredCopy
        {
            Chunk = info.Chunk.Value,
            Version = info.Version.Value,
            Length = info.Length,
            Unclean = info.IsUnclean,
            Unsealed = !info.IsSealed,
        }),
        cancellation);

    /// <inheritdoc/>
    public Task<IReadOnlyList<ChunkId>> FenceAsync(
        IReadOnlyList<ChunkFence> fences, IReadOnlyList<ChainHop> members, CancellationToken cancellation) =>
        versions.FenceAsync(fences, members);

    /// <inheritdoc/>
    public async Task<List<DeleteOrder>> DeleteAsync(
        IReadOnlyList<DeleteOrder> orders, CancellationToken cancellation)
    {
        var deletions = orders.Select(static order => new ChunkDeletion(
            new ChunkId(order.Chunk), new ChunkVersion(order.Version), new CopyId(order.Copy))).ToList();
        versions.Close(deletions);
        await stores.DeleteAsync(deletions, cancellation).ConfigureAwait(false);
        return [.. orders];
    }

    /// <inheritdoc/>
    public void Order(AgentOrders orders)
    {
        if (orders.CopyBytesPerSecond > 0)
        {
            pacer.Limit = (long)Math.Min(orders.CopyBytesPerSecond, long.MaxValue);
        }

        if (orders.Listed is { } listed)
        {
            copies.SweepOnce(stores, listed);
        }

        foreach (var order in orders.Begin)
        {
            copies.Begin(order);
        }

        foreach (var copy in orders.Cancel)
        {
            copies.Cancel(copy);
        }
    }
}
