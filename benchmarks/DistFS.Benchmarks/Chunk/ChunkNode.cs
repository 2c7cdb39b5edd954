using DistFS.Chunks;
using DistFS.Chunkserver.Data;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Frames;
using DistFS.Rpc.Services;

namespace DistFS.Benchmarks.Chunk;

/// <summary>
/// The data path of a chunk server over RocksDB, as a process: without a metaserver, so that nothing else is measured.
/// </summary>
internal sealed class ChunkNode(ServerId self, IChunkStore store) : IServing, IChunkStores
{
    public ServerId Self { get; } = self;

    public bool IsServing => true;

    public IChunkStore? Of(ChunkId chunk) => store.TryGet(chunk, out _) ? store : null;

    public IChunkStore ForNew(ChunkId chunk) => store;

    public void Made(ChunkId chunk, IChunkStore store)
    {
    }

    /// <summary>Serves until its standard input ends; prints where.</summary>
    public static async Task<int> RunAsync(uint id, string folder, CancellationToken cancellation)
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await using var store = RocksChunkStore.Open(
            new RocksChunkStoreOptions
            {
                Folder = folder,
                CreateIfMissing = true,
                Contents = new ContentCache(64 << 20),
            });
        var node = new ChunkNode(new ServerId(id), store);
        var open = new OpenChunks(node, node);
        await using var links = ChunkDataService.CreateLinks("bench");
        using var metrics = new DataMetrics(open);
        var dispatcher = new RpcDispatcher();
        new ChunkDataService(node, node, open, links, metrics).AddTo(dispatcher);
        dispatcher.Handle(
            NodeMethods.Ping, static (request, call) => new(new PingReply()), HandlerScheduling.Pool);
        var frames = new FrameOptions { PayloadBytesMax = 16 << 20, RequestWindowBytes = 64L << 20 };
        await using var server = FrameServer.Start(
            dispatcher, new FrameServerOptions { Listen = [RpcAddress.Tcp("127.0.0.1", 0)], Frames = frames });
        var bare = BareSink.Listen(folder, stopping.Token);
        Console.WriteLine($"{server.Addresses[0]} {bare}");
        var ended = Console.In.ReadToEndAsync(cancellation);
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        while (!ended.IsCompleted)
        {
            await store.TidyAsync(Environment.TickCount64, cancellation);
            await Task.WhenAny(ended, timer.WaitForNextTickAsync(cancellation).AsTask());
        }

        await stopping.CancelAsync();
        return 0;
    }
}
