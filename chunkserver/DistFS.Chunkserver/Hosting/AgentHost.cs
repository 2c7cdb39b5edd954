using DistFS.Chunks;
using DistFS.Chunkserver.Cluster;
using DistFS.Chunkserver.Copies;
using DistFS.Chunkserver.Data;
using DistFS.Chunkserver.Stores;
using DistFS.Primitives;
using DistFS.Protocol;
using Microsoft.Extensions.Logging;

namespace DistFS.Chunkserver.Hosting;

/// <summary>What the agent asks for, done by the parts of the server.</summary>
internal sealed partial class AgentHost(
    StoreFolders folders,
    StoreSet stores,
    OpenChunks open,
    CopyRunner copies,
    ServerUse use,
    ChunkDataService data,
    CallCount calls,
    CopyPacer pacer,
    ILogger logger) : IAgentHost
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
    public async Task FenceAsync(
        IReadOnlyList<ChunkFence> fences, IReadOnlyList<ChainHop> members, CancellationToken cancellation)
    {
        var self = folders.Self.Server.Value;
        var begun = await open.FenceAsync(
            fences.Select(fence => new VersionFence(
                new ChunkId(fence.Chunk),
                new ChunkVersion(fence.Version),
                fence.Length,
                Counts: fence.Counts == self,
                KeepsBeyond: fence.KeepsBeyond,
                IsSealed: fence.Sealed)))
            .ConfigureAwait(false);
        if (begun.Count > 0)
        {
            // Beside the answer: nobody has to wait for it, and what is not settled is read at the tail.
            _ = Task.Run(() => SettleAsync(begun, fences, members), CancellationToken.None);
        }
    }

    private async Task SettleAsync(
        IReadOnlyList<OpenChunk> begun, IReadOnlyList<ChunkFence> fences, IReadOnlyList<ChainHop> members)
    {
        await data.SettleAsync(begun, fences, members).ConfigureAwait(false);
        foreach (var fence in fences)
        {
            if (!fence.Sealed)
            {
                continue;
            }

            try
            {
                await open.TrySealAsync(new ChunkId(fence.Chunk), new ChunkVersion(fence.Version))
                    .ConfigureAwait(false);
            }
            catch (DistFsException e)
            {
                // It has gone on, was deleted, or the store has failed, which says so itself.
                LogNotSealed(logger, new ChunkId(fence.Chunk), new ChunkVersion(fence.Version), e.Message);
            }
        }
    }

    /// <inheritdoc/>
    public async Task<List<DeleteOrder>> DeleteAsync(
        IReadOnlyList<DeleteOrder> orders, CancellationToken cancellation)
    {
        var deletions = new List<ChunkDeletion>();
        foreach (var order in orders)
        {
            var deletion = new ChunkDeletion(
                new ChunkId(order.Chunk), new ChunkVersion(order.Version), new CopyId(order.Copy));
            deletions.Add(deletion);
            if (stores.Of(deletion.Chunk) is { } store && store.TryGet(deletion.Chunk, out var info)
                && deletion.IsAbout(info.Version, info.Copy))
            {
                // Nothing is written in it from here on, so that nothing comes behind the deletion.
                open.Close(deletion.Chunk);
            }
        }

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

    [LoggerMessage(Level = LogLevel.Debug, Message = "Chunk {Chunk} {Version} was not sealed here: {Reason}")]
    private static partial void LogNotSealed(ILogger logger, ChunkId chunk, ChunkVersion version, string reason);
}
