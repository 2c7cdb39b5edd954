using DistFS.Blocks;
using DistFS.Chunks;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Services;

namespace DistFS.Chunkserver.Data;

/// <summary>
/// The data path of a chunk server (docs/design/chain.md): takes writes in their order, stores and forwards them, and
/// reads what is clean.
/// </summary>
internal sealed partial class ChunkDataService(
    IChunkStores stores, IServing serving, OpenChunks open, PeerLinks links, DataMetrics metrics)
{
    private const int HopsMax = 4;

    /// <summary>A write that nobody waits for any more goes on for so long: others have to know how it ended.</summary>
    private static readonly TimeSpan HopTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Offers the methods.</summary>
    public void AddTo(RpcDispatcher dispatcher) => dispatcher
        .Handle(ChunkDataMethods.Write, WriteAsync, HandlerScheduling.Pool)
        .Handle(ChunkDataMethods.Sync, SyncAsync, HandlerScheduling.Pool)
        .Handle(ChunkDataMethods.Read, ReadAsync, HandlerScheduling.Pool)
        .Handle(ChunkDataMethods.Digest, Digest, HandlerScheduling.Pool);

    internal async ValueTask<WriteChunkReply> WriteAsync(WriteChunkRequest request, ServerCall call)
    {
        try
        {
            Require(request.Server, request.Chain.Count);
            var blocks = VerifiedBlocks(request, call.Payload.Span);
            return await WriteAsync(request, call, blocks).ConfigureAwait(false);
        }
        catch (DistFsException e)
        {
            metrics.WriteRefused();
            return Failed(new ChainFailure(serving.Self, e.Code, e.Message), e.Status);
        }
    }

    private async ValueTask<WriteChunkReply> WriteAsync(
        WriteChunkRequest request, ServerCall call, List<BlockIndex> blocks)
    {
        var chunk = new ChunkId(request.Name.Chunk);
        var version = new ChunkVersion(request.Name.Version);
        var replica = await open
            .ForWriteAsync(chunk, version, request.Name.StoredLength, request.Begins)
            .ConfigureAwait(false);
        var store = stores.Of(chunk)
            ?? throw new DistFsException(ErrorCatalog.ChunkUnknown, $"Chunk {chunk} is not here.");
        for (;;)
        {
            Task wait;
            Task<ChainFailure?> stored;
            Task<ChainFailure?> behind;
            lock (replica.Gate)
            {
                var verdict = replica.Replica.Admit(new ClientId(request.Writer), request.Sequence, blocks);
                if (verdict == WriteVerdict.Broken)
                {
                    return Failed(replica.Replica.Failure ?? Refused(request));
                }

                (stored, behind, wait) = verdict switch
                {
                    WriteVerdict.Take => (
                        StoreAsync(store, replica, request, call.Payload),
                        ForwardAsync(replica, request, call.Payload),
                        Task.CompletedTask),
                    WriteVerdict.Repeated => (NotMine, NotMine, replica.CommitOf(request.Sequence)),
                    _ => (NotMine, NotMine, TurnOf(replica, request)),
                };
                if (verdict == WriteVerdict.Take)
                {
                    replica.LetNext();
                }
                else if (verdict == WriteVerdict.Repeated && replica.Replica.Committed >= request.Sequence)
                {
                    wait = Task.CompletedTask;
                }
            }

            if (stored != NotMine)
            {
                // Both, always: they use the request's memory.
                var failures = await Task.WhenAll(stored, behind).ConfigureAwait(false);
                return (failures[0] ?? failures[1]) is { } failure ? Failed(failure) : Done(store, chunk);
            }

            await WaitAsync(wait, call).ConfigureAwait(false);
            if (IsCommitted(replica, request) is not { } isCommitted)
            {
                continue;
            }

            return isCommitted && request.Durable
                ? await SyncAsync(store, request.Name, request.Chain).ConfigureAwait(false)
                : Done(store, chunk);
        }
    }

    /// <summary>Null: not taken yet, or never; else whether a repeated write has been committed.</summary>
    private static bool? IsCommitted(OpenChunk replica, WriteChunkRequest request)
    {
        lock (replica.Gate)
        {
            return request.Sequence <= replica.Replica.Committed ? true : null;
        }
    }

    private static readonly Task<ChainFailure?> NotMine = Task.FromResult<ChainFailure?>(null);

    /// <summary>Waits for those before it; or first for what is carried, which needs the way to the tail.</summary>
    private Task TurnOf(OpenChunk replica, WriteChunkRequest request) => replica.Replica.Carried.Count > 0
        ? replica.SettleOnce((chunk, blocks) => SettleAsync(chunk, blocks, request.Chain.LastOrDefault()))
        : replica.TurnOf(request.Sequence);

    /// <summary>Begun under the chunk's gate, so that the store keeps the order.</summary>
    private async Task<ChainFailure?> StoreAsync(
        IChunkStore store, OpenChunk replica, WriteChunkRequest request, ReadOnlyMemory<byte> payload)
    {
        try
        {
            await store.WriteAsync(
                replica.Chunk, replica.Replica.Version, payload, request.Durable, CancellationToken.None)
                .ConfigureAwait(false);
            replica.HasStored(request.Sequence);
            metrics.Written(payload.Length);
            return null;
        }
        catch (DistFsException e)
        {
            return Break(replica, new ChainFailure(serving.Self, e.Code, e.Message));
        }
    }

    /// <summary>To who is behind, with the way from there on.</summary>
    private async Task<ChainFailure?> ForwardAsync(
        OpenChunk replica, WriteChunkRequest request, ReadOnlyMemory<byte> payload)
    {
        if (request.Chain.Count == 0)
        {
            replica.HasBehind(request.Sequence);
            return null;
        }

        var next = request.Chain[0];
        var forwarded = new WriteChunkRequest
        {
            Name = request.Name,
            Server = next.Server,
            Writer = request.Writer,
            Sequence = request.Sequence,
            Begins = request.Begins,
            Durable = request.Durable,
        };
        forwarded.Chain.AddRange(request.Chain.Skip(1));
        try
        {
            using var reply = await links.To(next.Address)
                .CallAsync(ChunkDataMethods.Write, forwarded, new CallOptions(HopTimeout, payload))
                .ConfigureAwait(false);
            if (FailureOf(reply.Message) is { } failure)
            {
                return Break(replica, failure);
            }

            replica.HasBehind(request.Sequence);
            return null;
        }
        catch (DistFsException e)
        {
            return Break(replica, Behind(next, e));
        }
    }

    internal async ValueTask<WriteChunkReply> SyncAsync(SyncChunkRequest request, ServerCall call)
    {
        try
        {
            Require(request.Server, request.Chain.Count);
            var store = stores.Of(new ChunkId(request.Name.Chunk)) ?? throw new DistFsException(
                ErrorCatalog.ChunkUnknown, $"Chunk {new ChunkId(request.Name.Chunk)} is not here.");
            return await SyncAsync(store, request.Name, request.Chain).ConfigureAwait(false);
        }
        catch (DistFsException e)
        {
            return Failed(new ChainFailure(serving.Self, e.Code, e.Message), e.Status);
        }
    }

    private async Task<WriteChunkReply> SyncAsync(IChunkStore store, ChunkName name, IReadOnlyList<ChainHop> chain)
    {
        var behind = SyncBehindAsync(name, chain);
        ChainFailure? here = null;
        try
        {
            await store
                .SyncAsync(new ChunkId(name.Chunk), new ChunkVersion(name.Version), CancellationToken.None)
                .ConfigureAwait(false);
        }
        catch (DistFsException e)
        {
            here = new ChainFailure(serving.Self, e.Code, e.Message);
        }

        return (here ?? await behind.ConfigureAwait(false)) is { } failure
            ? Failed(failure)
            : Done(store, new ChunkId(name.Chunk));
    }

    private async Task<ChainFailure?> SyncBehindAsync(ChunkName name, IReadOnlyList<ChainHop> chain)
    {
        if (chain.Count == 0)
        {
            return null;
        }

        var request = new SyncChunkRequest { Name = name, Server = chain[0].Server };
        request.Chain.AddRange(chain.Skip(1));
        try
        {
            return FailureOf(await links.To(chain[0].Address)
                .CallAsync(ChunkDataMethods.Sync, request, HopTimeout)
                .ConfigureAwait(false));
        }
        catch (DistFsException e)
        {
            return Behind(chain[0], e);
        }
    }

    /// <summary>Each piece has the right checksum; which blocks they are of.</summary>
    private List<BlockIndex> VerifiedBlocks(WriteChunkRequest request, ReadOnlySpan<byte> pieces)
    {
        var blocks = new List<BlockIndex>();
        if (PieceReader.Verify(pieces, out var block) is not PieceFault.None and var fault)
        {
            metrics.Damaged();
            throw new DistFsException(
                ErrorCatalog.BlockCorrupt,
                $"Block {block} of chunk {new ChunkId(request.Name.Chunk)} came damaged to server {serving.Self}: "
                + $"{fault}.");
        }

        var reader = new PieceReader(pieces);
        while (reader.Next(out var header, out _))
        {
            if (blocks.Count == 0 || blocks[^1] != header.Block)
            {
                blocks.Add(header.Block);
            }
        }

        return blocks;
    }

    private void Require(uint server, int hops)
    {
        RequireSelf(server);
        if (hops > HopsMax)
        {
            throw new RpcException(ErrorCatalog.BadRequest, $"A chain has at most {HopsMax + 1} servers.");
        }
    }

    private void RequireSelf(uint server)
    {
        if (server != serving.Self.Value)
        {
            throw new DistFsException(
                ErrorCatalog.ChunkServerWrong, $"This is chunk server {serving.Self}, not {new ServerId(server)}.");
        }

        RequireServing();
    }

    private void RequireServing()
    {
        if (!serving.IsServing)
        {
            throw new DistFsException(
                ErrorCatalog.ChunkServerNotServing, $"Chunk server {serving.Self} does not serve at the moment.");
        }
    }

    /// <summary>Early or repeated: until its turn comes, or its caller gives up.</summary>
    private static async Task WaitAsync(Task wait, ServerCall call)
    {
        try
        {
            await wait.WaitAsync(call.CancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            throw new RpcException(ErrorCatalog.DeadlineExceeded, "Those before it did not come in time.");
        }
    }

    private ChainFailure Break(OpenChunk replica, ChainFailure failure)
    {
        metrics.Broken();
        replica.Break(failure);
        return failure;
    }

    private static ChainFailure Behind(ChainHop hop, DistFsException e) => new(
        new ServerId(hop.Server), ErrorCatalog.ChainBroken, $"Server {hop.Server} at {hop.Address}: {e.Message}");

    private ChainFailure Refused(WriteChunkRequest request) => new(
        serving.Self,
        ErrorCatalog.ChainBroken,
        $"Write {request.Sequence} of another client, or out of its order, in this version.");

    private static ChainFailure? FailureOf(WriteChunkReply reply) => reply.Status == 0
        ? null
        : new ChainFailure(
            new ServerId(reply.Server),
            ErrorCatalog.TryFind($"DFS{reply.Code:0000}", out var code) ? code : ErrorCatalog.ChainBroken,
            reply.Message);

    private static WriteChunkReply Failed(ChainFailure failure, FsStatus? status = null) => new()
    {
        Status = (int)(status ?? failure.Code.Status),
        Code = failure.Code.Number,
        Server = failure.Server.Value,
        Message = failure.Message,
    };

    private static WriteChunkReply Done(IChunkStore store, ChunkId chunk) =>
        new() { Length = store.TryGet(chunk, out var info) ? info.Length : 0 };
}
