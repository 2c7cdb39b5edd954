using DistFS.Chunks;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Chunkserver.Data;

/// <summary>
/// Versions that the leader tells: begun, settled by their tails, and sealed if nobody writes in them.
/// </summary>
/// <param name="stores">What is here.</param>
/// <param name="serving">Who this is.</param>
/// <param name="open">Where versions begin.</param>
/// <param name="data">Settles.</param>
/// <param name="onNotSealed">Told of a copy that could not be sealed, and why.</param>
internal sealed class LeaderVersions(
    IChunkStores stores,
    IServing serving,
    OpenChunks open,
    ChunkDataService data,
    Action<ChunkId, ChunkVersion, string> onNotSealed)
{
    /// <summary>
    /// Ends when older versions are refused, after a restart too. What is carried is settled beside the caller: nobody
    /// has to wait for it, and what is not settled is read at the tail.
    /// </summary>
    /// <param name="fences">At most <see cref="StoreLimits.OrdersMax"/>.</param>
    /// <param name="members">Where their servers are.</param>
    /// <exception cref="DistFsException">A store failed.</exception>
    public async Task FenceAsync(IReadOnlyList<ChunkFence> fences, IReadOnlyList<ChainHop> members)
    {
        var self = serving.Self.Value;
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
            _ = open.Scheduler.Run(() => SettleAsync(begun, fences, members));
        }
    }

    /// <summary>
    /// Copies are to be deleted: nothing is written in them from here on, so that nothing comes behind the deletion.
    /// </summary>
    public void Close(IEnumerable<ChunkDeletion> orders)
    {
        foreach (var order in orders)
        {
            if (stores.Of(order.Chunk) is { } store && store.TryGet(order.Chunk, out var info)
                && order.IsAbout(info.Version, info.Copy))
            {
                open.Close(order.Chunk);
            }
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

            var (chunk, version) = (new ChunkId(fence.Chunk), new ChunkVersion(fence.Version));
            try
            {
                await open.TrySealAsync(chunk, version).ConfigureAwait(false);
            }
            catch (DistFsException e)
            {
                // It has gone on, was deleted, or the store has failed, which says so itself.
                onNotSealed(chunk, version, e.Message);
            }
        }
    }
}
