using DistFS.Chunks;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Services;

namespace DistFS.Chunkserver.Data;

/// <content>Making durable what was written, and saying that it was all.</content>
internal sealed partial class ChunkDataService
{
    internal async ValueTask<WriteChunkReply> SyncAsync(SyncChunkRequest request, ServerCall call)
    {
        try
        {
            Require(request.Server, request.Chain.Count);
            var chunk = new ChunkId(request.Name.Chunk);
            var store = stores.Of(chunk)
                ?? throw new DistFsException(ErrorCatalog.ChunkUnknown, $"Chunk {chunk} is not here.");
            RequireOpen(store, chunk, new ChunkVersion(request.Name.Version), request.Seal);
            return await SyncAsync(store, request.Name, request.Chain, request.Seal, HopTime(call))
                .ConfigureAwait(false);
        }
        catch (DistFsException e)
        {
            return Failed(new ChainFailure(Refuser(request.Server, e), e.Code, e.Message), e.Status);
        }
    }

    /// <summary>
    /// Who started again since the version began may have lost what was acknowledged: he must not say it is durable.
    /// </summary>
    private void RequireOpen(IChunkStore store, ChunkId chunk, ChunkVersion version, bool isSeal)
    {
        if (store.TryGet(chunk, out var info) && info.Version.Value > version.Value)
        {
            // Nothing is wrong with this server: a reader brought it to a version that the writer does not know of yet.
            throw new DistFsException(
                ErrorCatalog.ChunkVersionStale, $"Chunk {chunk} has gone on from {version} on server {serving.Self}.");
        }

        if (open.Find(chunk) is not { } replica || replica.Replica.Version != version)
        {
            throw new DistFsException(
                ErrorCatalog.ChunkAtRest, $"Chunk {chunk} {version} was begun before server {serving.Self} started.");
        }

        lock (replica.Gate)
        {
            if (isSeal && !replica.Replica.IsQuiet)
            {
                throw new DistFsException(
                    ErrorCatalog.ChunkVersionOver, $"Chunk {chunk} {version} has writes under way.");
            }
        }
    }

    private async Task<WriteChunkReply> SyncAsync(
        IChunkStore store, ChunkName name, IReadOnlyList<ChainHop> chain, bool isSeal, TimeSpan timeout)
    {
        var (chunk, version) = (new ChunkId(name.Chunk), new ChunkVersion(name.Version));
        var behind = SyncBehindAsync(name, chain, isSeal, timeout);
        ChainFailure? here = null;
        if (isSeal && !IsSettledBehind(chunk) && await behind.ConfigureAwait(false) is { } notSealed)
        {
            return Failed(notSealed);
        }

        try
        {
            if (isSeal)
            {
                await store.SealAsync(chunk, version, CancellationToken.None).ConfigureAwait(false);
            }
            else
            {
                await store.SyncAsync(chunk, version, CancellationToken.None).ConfigureAwait(false);
            }
        }
        catch (DistFsException e)
        {
            here = new ChainFailure(serving.Self, e.Code, e.Message);
        }

        var there = await behind.ConfigureAwait(false);
        return (here ?? there) is { } failure ? Failed(failure) : Done(store, chunk);
    }

    /// <summary>
    /// Whether everybody behind is known to have settled: each did so before it took a write. Where nothing was written
    /// they may not have, and who is not settled must not become the tail of what is sealed here: they seal first.
    /// </summary>
    private bool IsSettledBehind(ChunkId chunk)
    {
        if (open.Find(chunk) is not { } replica)
        {
            return false;
        }

        lock (replica.Gate)
        {
            return replica.Replica.Committed > 0;
        }
    }

    private async Task<ChainFailure?> SyncBehindAsync(
        ChunkName name, IReadOnlyList<ChainHop> chain, bool isSeal, TimeSpan timeout)
    {
        if (chain.Count == 0)
        {
            return null;
        }

        var request = new SyncChunkRequest { Name = name, Server = chain[0].Server, Seal = isSeal };
        request.Chain.AddRange(chain.Skip(1));
        try
        {
            return FailureOf(await links.To(chain[0].Address)
                .CallAsync(ChunkDataMethods.Sync, request, timeout)
                .ConfigureAwait(false));
        }
        catch (DistFsException e)
        {
            return Behind(chain[0], e);
        }
    }
}
