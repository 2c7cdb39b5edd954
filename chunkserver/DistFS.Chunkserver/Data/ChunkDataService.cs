using System.Diagnostics;
using DistFS.Blocks;
using DistFS.Chunks;
using DistFS.Chunkserver.Copies;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Frames;
using DistFS.Rpc.Services;

namespace DistFS.Chunkserver.Data;

/// <summary>
/// The data path of a chunk server (docs/design/chain.md): takes writes in their order, stores and forwards them, and
/// reads what is clean.
/// </summary>
internal sealed partial class ChunkDataService(
    IChunkStores stores,
    IServing serving,
    OpenChunks open,
    IRpcCallers links,
    DataMetrics metrics,
    CopyPacer? pacer = null)
{
    private const int HopsMax = 4;

    /// <summary>Who is behind and silent is given up after this: everyone in its chains waits for that.</summary>
    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(2);

    /// <summary>A write whose caller has no deadline.</summary>
    private static readonly TimeSpan HopTimeout = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Who is behind has so much less time than who is before: so the one nearest to the failure speaks first.
    /// </summary>
    private static readonly TimeSpan HopMargin = TimeSpan.FromMilliseconds(500);

    /// <summary>Connections to other chunk servers.</summary>
    public static FrameChannels CreateLinks(string agent) => FrameChannels.Impatient(agent, SilenceMax);

    /// <summary>Offers the methods.</summary>
    public void AddTo(RpcDispatcher dispatcher) => dispatcher
        .Handle(ChunkDataMethods.Write, WriteAsync, HandlerScheduling.Pool)
        .Handle(ChunkDataMethods.Sync, SyncAsync, HandlerScheduling.Pool)
        .Handle(ChunkDataMethods.Read, ReadAsync, HandlerScheduling.Pool, ReadAtHand)
        .Handle(ChunkDataMethods.Digest, Digest, HandlerScheduling.Pool);

    internal async ValueTask<WriteChunkReply> WriteAsync(WriteChunkRequest request, ServerCall call)
    {
        var began = Stopwatch.GetTimestamp();
        try
        {
            Require(request.Server, request.Chain.Count);
            var pieces = Verified(request, call.Payload);
            var reply = await WriteAsync(request, call, pieces, BlocksOf(pieces)).ConfigureAwait(false);
            pacer?.Wrote(call.Payload.Length, request.Durable, Stopwatch.GetElapsedTime(began));
            return reply;
        }
        catch (DistFsException e)
        {
            metrics.WriteRefused();
            return Failed(new ChainFailure(Refuser(request.Server, e), e.Code, e.Message), e.Status);
        }
    }

    /// <summary>
    /// Who has failed when this server refuses. If it is not the one that was meant, which has had its address, that
    /// one is not there; this one may be another of the same chunk's, and nothing is wrong with it.
    /// </summary>
    private ServerId Refuser(uint meant, DistFsException e) =>
        e.Code == ErrorCatalog.ChunkServerWrong ? new ServerId(meant) : serving.Self;

    private async ValueTask<WriteChunkReply> WriteAsync(
        WriteChunkRequest request, ServerCall call, VerifiedPieces pieces, List<BlockIndex> blocks)
    {
        var chunk = new ChunkId(request.Name.Chunk);
        var version = new ChunkVersion(request.Name.Version);
        var replica = await open
            .ForWriteAsync(chunk, version, request.Name.StoredLength, request.Begins)
            .ConfigureAwait(false);
        var store = stores.Of(chunk)
            ?? throw new DistFsException(ErrorCatalog.ChunkUnknown, $"Chunk {chunk} is not here.");
        for (; ; )
        {
            Task wait;
            Task<ChainFailure?> stored;
            Task<ChainFailure?> behind;
            lock (replica.Gate)
            {
                var verdict = replica.Replica.Admit(request.Writer, request.Sequence, blocks);
                if (verdict == WriteVerdict.Broken)
                {
                    return Failed(replica.Replica.Failure ?? Refused(request));
                }

                (stored, behind, wait) = verdict switch
                {
                    WriteVerdict.Take => (
                        StoreAsync(store, replica, request, pieces),
                        ForwardAsync(replica, request, call),
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

            if (stored != NotMine && Teeth.Has(PlantedBug.AcknowledgedBeforeTail))
            {
                return await stored.ConfigureAwait(false) is { } alone ? Failed(alone) : Done(store, chunk);
            }

            if (stored != NotMine)
            {
                // Both, always: they use the request's memory.
                var failures = await Task.WhenAll(stored, behind).ConfigureAwait(false);
                return (failures[0] ?? failures[1]) is { } failure ? Failed(failure) : Done(store, chunk);
            }

            await WaitAsync(wait, call).ConfigureAwait(false);
            if (!IsCommitted(replica, request))
            {
                continue;
            }

            return request.Durable
                ? await SyncAsync(store, request.Name, request.Chain, isSeal: false, HopTime(call))
                    .ConfigureAwait(false)
                : Done(store, chunk);
        }
    }

    /// <summary>A repeated write has been committed; else it is not its turn yet, or never will be.</summary>
    private static bool IsCommitted(OpenChunk replica, WriteChunkRequest request)
    {
        lock (replica.Gate)
        {
            return request.Sequence <= replica.Replica.Committed;
        }
    }

    private static readonly Task<ChainFailure?> NotMine = Task.FromResult<ChainFailure?>(null);

    /// <summary>Waits for those before it; or first for what is carried, which needs the way to the tail.</summary>
    private Task TurnOf(OpenChunk replica, WriteChunkRequest request) => replica.Replica.Carried.Count > 0
        ? SettleForWriteAsync(replica, request.Chain.LastOrDefault())
        : replica.TurnOf(request.Sequence);

    /// <summary>A tail that cannot be read has failed as one that takes no write.</summary>
    private async Task SettleForWriteAsync(OpenChunk replica, ChainHop? tail)
    {
        var failure = await replica
            .SettleOnce((chunk, blocks) => SettleAsync(chunk, blocks, tail)).ConfigureAwait(false);
        if (failure != null)
        {
            Break(replica, failure);
        }
    }

    /// <summary>Begun under the chunk's gate, so that the store keeps the order.</summary>
    private async Task<ChainFailure?> StoreAsync(
        IChunkStore store, OpenChunk replica, WriteChunkRequest request, VerifiedPieces pieces)
    {
        try
        {
            await store.WriteAsync(
                replica.Chunk, replica.Replica.Version, pieces, request.Durable, CancellationToken.None)
                .ConfigureAwait(false);
            replica.HasStored(request.Sequence);
            metrics.Written(pieces.Memory.Length);
            return null;
        }
        catch (DistFsException e) when (e.Code == ErrorCatalog.ChunkSealed)
        {
            return Break(replica, new ChainFailure(serving.Self, ErrorCatalog.ChunkVersionOver, e.Message));
        }
        catch (DistFsException e)
        {
            return Break(replica, new ChainFailure(serving.Self, e.Code, e.Message));
        }
        catch
        {
            // A defect: but nobody may take it for stored.
            Break(replica, new ChainFailure(serving.Self, ErrorCatalog.Internal, "The store failed to store a write."));
            throw;
        }
    }

    /// <summary>To who is behind, with the way from there on.</summary>
    private async Task<ChainFailure?> ForwardAsync(OpenChunk replica, WriteChunkRequest request, ServerCall call)
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
            Members = request.Members,
        };
        forwarded.Chain.AddRange(request.Chain.Skip(1));
        try
        {
            using var reply = await links.To(next.Address)
                .CallAsync(
                    ChunkDataMethods.Write,
                    forwarded,
                    new CallOptions(HopTime(call), call.Payload, Cancellation: replica.Broken))
                .ConfigureAwait(false);
            if (FailureOf(reply.Message) is { } failure)
            {
                return Break(replica, Blamed(failure, next, call.Payload.Span));
            }

            replica.HasBehind(request.Sequence);
            return null;
        }
        catch (DistFsException e)
        {
            return Break(replica, Behind(next, e));
        }
        catch (OperationCanceledException)
        {
            // Broken by another write: this one gets no further either.
            return replica.Replica.Failure;
        }
        catch
        {
            Break(replica, new ChainFailure(serving.Self, ErrorCatalog.Internal, "A write could not be forwarded."));
            throw;
        }
    }

    /// <summary>Bytes that came damaged to who is behind may be damaged here: then it is this server's.</summary>
    private ChainFailure Blamed(ChainFailure failure, ChainHop next, ReadOnlySpan<byte> payload) =>
        failure.Code == ErrorCatalog.BlockCorrupt && failure.Server.Value == next.Server
            && PieceReader.Verify(payload, out _) != PieceFault.None
                ? failure with { Server = serving.Self }
                : failure;

    /// <summary>Each piece has the right checksum: looked at once, before anything is taken or forwarded.</summary>
    private VerifiedPieces Verified(WriteChunkRequest request, ReadOnlyMemory<byte> pieces)
    {
        if (VerifiedPieces.Verify(pieces, out var verified, out var block) is not PieceFault.None and var fault)
        {
            metrics.Damaged();
            throw new DistFsException(
                ErrorCatalog.BlockCorrupt,
                $"Block {block} of chunk {new ChunkId(request.Name.Chunk)} came damaged to server {serving.Self}: "
                + $"{fault}.");
        }

        return verified;
    }

    private static List<BlockIndex> BlocksOf(VerifiedPieces pieces)
    {
        var blocks = new List<BlockIndex>();
        var reader = new PieceReader(pieces.Span);
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
        ErrorCatalog.ChunkVersionOver,
        $"Write {request.Sequence} is another client's, or out of its order, in this version.");

    private static TimeSpan HopTime(ServerCall call)
    {
        var left = call.TimeRemaining;
        return left >= HopTimeout ? HopTimeout : left > 2 * HopMargin ? left - HopMargin : HopMargin;
    }

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
