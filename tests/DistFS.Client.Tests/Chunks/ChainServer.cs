using System.Collections.Concurrent;
using DistFS.Chunks;
using DistFS.Chunkserver.Data;
using DistFS.Client.Chunks;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Frames;
using DistFS.Rpc.Services;

namespace DistFS.Client.Tests.Chunks;

/// <summary>The data path of a chunk server over loopback; chunks in memory; it can be killed and held.</summary>
internal sealed class ChainServer : IServing, IChunkStores, IAsyncDisposable
{
    private readonly ConcurrentDictionary<ulong, bool> _made = [];
    private FrameServer? _server;
    private FrameChannels? _links;
    private DataMetrics? _metrics;
    private ChunkDataService? _service;

    public ChainServer(uint id)
    {
        Self = new ServerId(id);
        Store = new MemoryChunkStore(new StoreId(id));
    }

    public MemoryChunkStore Store { get; }

    public ServerId Self { get; }

    public bool IsServing { get; set; } = true;

    public bool IsRunning => _server != null;

    public OpenChunks Open { get; private set; } = null!;

    public ChunkServerAddress Address { get; private set; } = null!;

    /// <summary>Writes that come wait for it before anything is done with them.</summary>
    public TaskCompletionSource? Hold { get; set; }

    /// <summary>Reads that come wait for it before anything is done with them.</summary>
    public TaskCompletionSource? HoldsReads { get; set; }

    /// <summary>Counts reads that came.</summary>
    public int ReadsCame;

    /// <summary>Reads whose caller gave them up while they waited.</summary>
    public int ReadsGivenUp;

    /// <summary>Counts writes that came.</summary>
    public int WritesCame;

    /// <summary>Writes that wait for <see cref="Hold"/>.</summary>
    public int WritesHeld;

    /// <summary>Replies of writes are lost, as many as it says: the connection ends instead.</summary>
    public int RepliesLost;

    /// <summary>Of this sequence every reply is lost.</summary>
    public ulong LosesRepliesOf;

    public void Start()
    {
        _links = ChunkDataService.CreateLinks($"test {Self}");
        Open = new OpenChunks(this, this);
        _metrics = new DataMetrics(Open);
        _service = new ChunkDataService(this, this, Open, _links, _metrics);
        var dispatcher = new RpcDispatcher();
        dispatcher
            .Handle(ChunkDataMethods.Write, WriteAsync, HandlerScheduling.Pool)
            .Handle(ChunkDataMethods.Sync, _service.SyncAsync, HandlerScheduling.Pool)
            .Handle(ChunkDataMethods.Read, ReadAsync, HandlerScheduling.Pool)
            .Handle(ChunkDataMethods.Digest, _service.Digest, HandlerScheduling.Pool);
        _server = FrameServer.Start(
            dispatcher, new FrameServerOptions { Listen = [RpcAddress.Parse("127.0.0.1:0")] });
        Address = new ChunkServerAddress(Self, _server.Addresses[0].ToString());
    }

    /// <summary>Makes what is dirty here as the tail has it; nobody has to write for that.</summary>
    public Task SettleAsync(IReadOnlyList<OpenChunk> begun, ChunkFence fence, IReadOnlyList<ChainHop> members) =>
        Task.WhenAll(begun.Select(replica => _service!.TrySettleAsync(replica, fence, members)));

    /// <summary>As kill -9: what was not durable is lost if <paramref name="loses"/>.</summary>
    public async Task KillAsync(bool loses = false)
    {
        if (_server is not { } server)
        {
            return;
        }

        _server = null;
        Hold?.TrySetResult();
        HoldsReads?.TrySetResult();
        await server.DisposeAsync();
        await _links!.DisposeAsync();
        _metrics!.Dispose();
        Store.Crash(_ => !loses);
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        await Store.DisposeAsync();
    }

    public IChunkStore? Of(ChunkId chunk) => Store.TryGet(chunk, out _) ? Store : null;

    public IChunkStore ForNew(ChunkId chunk) => Store;

    public void Made(ChunkId chunk, IChunkStore store) => _made[chunk.Value] = true;

    private async ValueTask<ReadChunkReply> ReadAsync(ReadChunkRequest request, ServerCall call)
    {
        Interlocked.Increment(ref ReadsCame);
        if (HoldsReads is { } hold)
        {
            try
            {
                await hold.Task.WaitAsync(call.CancellationToken);
            }
            catch (OperationCanceledException)
            {
                Interlocked.Increment(ref ReadsGivenUp);
                throw;
            }
        }

        return await _service!.ReadAsync(request, call);
    }

    private async ValueTask<WriteChunkReply> WriteAsync(WriteChunkRequest request, ServerCall call)
    {
        Interlocked.Increment(ref WritesCame);
        if (Hold is { } hold)
        {
            Interlocked.Increment(ref WritesHeld);
            await hold.Task;
            Interlocked.Decrement(ref WritesHeld);
        }

        var reply = await _service!.WriteAsync(request, call);
        return Interlocked.Decrement(ref RepliesLost) >= 0 || request.Sequence == Volatile.Read(ref LosesRepliesOf)
            ? throw new RpcException(ErrorCatalog.ConnectionLost, "Lost on purpose.", outcomeUnknown: true)
            : reply;
    }
}
