using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Services;

namespace DistFS.Chunkserver.Data;

/// <content>Fetching from the tail what was dirty when a version ended, and who has come to rest.</content>
internal sealed partial class ChunkDataService
{
    /// <summary>
    /// A version was begun: what was dirty in it is made as its tail has it, without waiting for a writer.
    /// </summary>
    /// <param name="replica">In the version.</param>
    /// <param name="fence">The version; this server is one of its chain.</param>
    /// <param name="members">Where its servers are.</param>
    /// <returns>Whether nothing is carried any more.</returns>
    internal async Task<bool> TrySettleAsync(
        OpenChunk replica, ChunkFence fence, IReadOnlyList<ChainHop> members)
    {
        var isTail = fence.Servers[^1] == serving.Self.Value;
        var tail = isTail ? null : members.FirstOrDefault(member => member.Server == fence.Servers[^1]);
        Task<ChainFailure?> settling;
        lock (replica.Gate)
        {
            if (replica.Replica.Carried.Count == 0)
            {
                return true;
            }

            if (!isTail && tail == null)
            {
                return false;
            }

            settling = replica.SettleOnce((chunk, blocks) => SettleAsync(chunk, blocks, tail));
        }

        return await settling.ConfigureAwait(false) == null;
    }

    /// <summary>
    /// Whether everybody behind has sealed a version in which nobody writes: a member seals it only then. So whoever is
    /// the last of the chain when others were taken out is what the sealed ones came to rest with.
    /// </summary>
    internal async Task<bool> IsSealedBehindAsync(ChunkFence fence, IReadOnlyList<ChainHop> members)
    {
        var place = fence.Servers.IndexOf(serving.Self.Value);
        if (place == fence.Servers.Count - 1)
        {
            return true;
        }

        if (members.FirstOrDefault(member => member.Server == fence.Servers[place + 1]) is not { } next)
        {
            return false;
        }

        var request = new DigestChunkRequest
        {
            Name = new ChunkName
            {
                Chunk = fence.Chunk,
                Version = fence.Version,
                StoredLength = fence.Length,
                Sealed = true,
            },
            Server = next.Server,
            StateOnly = true,
        };
        try
        {
            return (await links.To(next.Address).CallAsync(ChunkDataMethods.Digest, request, SilenceMax)
                .ConfigureAwait(false)).Sealed;
        }
        catch (RpcException)
        {
            // Asked again, until the leader says that it is not in the chain any more.
            return false;
        }
    }

    /// <summary>Makes carried blocks as the tail of the present version has them.</summary>
    /// <param name="replica">In the present version.</param>
    /// <param name="carried">Which blocks.</param>
    /// <param name="tail">The last of the chain; null: this server.</param>
    /// <returns>Null: all of them are. Else why not, and at whom.</returns>
    private async Task<ChainFailure?> SettleAsync(
        OpenChunk replica, IReadOnlyList<BlockIndex> carried, ChainHop? tail)
    {
        try
        {
            var store = stores.Of(replica.Chunk)
                ?? throw new DistFsException(ErrorCatalog.ChunkUnknown, $"Chunk {replica.Chunk} is not here.");
            var settling = tail == null
                ? null
                : new Settling(links, store, replica.Chunk, replica.Replica.Version, tail);
            await foreach (var block in (settling?.RunAsync(carried) ?? carried.ToAsyncEnumerable())
                .ConfigureAwait(false))
            {
                replica.HasSettled(block);
                metrics.Settled();
            }

            return null;
        }
        catch (DistFsException e)
        {
            var at = e is RpcException && tail != null ? new ServerId(tail.Server) : serving.Self;
            return new ChainFailure(at, ErrorCatalog.ChainBroken, e.Message);
        }
    }
}
