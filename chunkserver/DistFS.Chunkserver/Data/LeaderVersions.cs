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
    private const int AtOnceMax = 8;

    /// <summary>With the pauses about 10 s: by then the leader has told everybody, or taken him out.</summary>
    private const int Attempts = 40;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    private readonly Turnstile _places = new(open.Scheduler, AtOnceMax);

    /// <summary>
    /// Ends when older versions are refused, after a restart too. What is carried is settled beside the caller: nobody
    /// has to wait for it, and what is not settled is read at the tail.
    /// </summary>
    /// <param name="fences">At most <see cref="StoreLimits.OrdersMax"/>.</param>
    /// <param name="members">Where their servers are.</param>
    /// <returns>Sealed ones in which this server has not come to rest yet: all of it settled, and sealed.</returns>
    /// <exception cref="DistFsException">A store failed.</exception>
    public async Task<IReadOnlyList<ChunkId>> FenceAsync(
        IReadOnlyList<ChunkFence> fences, IReadOnlyList<ChainHop> members)
    {
        // Who is not in the chain has nothing to come to rest with: what it has stays as it is, until it is made as
        // another's.
        var self = serving.Self.Value;
        var begun = await open.FenceAsync(
            fences.Select(fence => new VersionFence(
                new ChunkId(fence.Chunk),
                new ChunkVersion(fence.Version),
                fence.Length,
                Counts: fence.Counts == self,
                KeepsBeyond: fence.KeepsBeyond,
                IsSealed: fence.Sealed && fence.Servers.Contains(self))))
            .ConfigureAwait(false);
        var byChunk = new Dictionary<ulong, ChunkFence>();
        foreach (var fence in fences)
        {
            byChunk[fence.Chunk] = fence;
        }

        foreach (var replica in begun)
        {
            var fence = byChunk[replica.Chunk.Value];
            if (fence.Servers.Contains(self) && replica.TryBeginRest())
            {
                _ = open.Scheduler.Run(() => RestAsync(replica, fence, members));
            }
        }

        return [.. fences.Where(fence => fence.Sealed && fence.Servers.Contains(self) && IsUnsettled(fence))
            .Select(static fence => new ChunkId(fence.Chunk))];
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

    private bool IsUnsettled(ChunkFence fence)
    {
        var chunk = new ChunkId(fence.Chunk);
        return stores.Of(chunk) is { } store && store.TryGet(chunk, out var info)
            && info is { State: ChunkState.Serving, IsUnclean: false, IsSealed: false }
            && info.Version.Value == fence.Version;
    }

    /// <summary>Settles what is carried; and seals it then, if nobody writes in the version.</summary>
    private async Task RestAsync(OpenChunk replica, ChunkFence fence, IReadOnlyList<ChainHop> members)
    {
        // Members hear of a version in any order, so the tail may not know it yet, or be busy: that passes. What
        // does not succeed stays dirty here, and is read at the tail, until a writer comes, or a version.
        for (var attempt = 0; attempt < Attempts && open.Find(replica.Chunk) == replica; attempt++)
        {
            await _places.EnterAsync(CancellationToken.None).ConfigureAwait(false);
            try
            {
                if (await TryRestAsync(replica, fence, members).ConfigureAwait(false))
                {
                    break;
                }
            }
            finally
            {
                _places.Leave();
            }

            await Task.Delay(Pause, open.Scheduler.Clock, CancellationToken.None).ConfigureAwait(false);
        }

        replica.EndRest();
    }

    private async Task<bool> TryRestAsync(OpenChunk replica, ChunkFence fence, IReadOnlyList<ChainHop> members)
    {
        if (!await data.TrySettleAsync(replica, fence, members).ConfigureAwait(false))
        {
            return false;
        }

        try
        {
            return !fence.Sealed
                || (await data.IsSealedBehindAsync(fence, members).ConfigureAwait(false)
                    && await open.TrySealAsync(replica.Chunk, replica.Replica.Version).ConfigureAwait(false));
        }
        catch (DistFsException e)
        {
            // It has gone on, was deleted, or the store has failed, which says so itself.
            onNotSealed(replica.Chunk, replica.Replica.Version, e.Message);
            return true;
        }
    }
}
