using ChunkInfo = DistFS.Chunks.ChunkInfo;
using DistFS.Chunks;
using DistFS.Chunkserver.Cluster;
using DistFS.Chunkserver.Copies;
using DistFS.Chunkserver.Data;
using DistFS.Chunkserver.Scrubbing;
using DistFS.Chunkserver.Stores;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Cluster;
using DistFS.Rpc.Frames;
using DistFS.Rpc.Services;
using Microsoft.Extensions.Logging;

namespace DistFS.Chunkserver.Hosting;

/// <summary>
/// One chunk server of a process: opens its folders, joins the parts, serves, and stops in the order in which nothing
/// that is still used goes first (docs/design/chunkserver.md).
/// </summary>
public sealed partial class ChunkserverHost : IAsyncDisposable
{
    private static readonly HashSet<string> HealthServices =
        [DataReflection.Descriptor.Services[0].FullName, NodeReflection.Descriptor.Services[0].FullName];

    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(3);

    // A block that is read has at most its own bytes in pieces, and as many in patches over them.
    private static readonly FrameOptions Frames = new() { PayloadBytesMax = 16 << 20, RequestWindowBytes = 64L << 20 };

    private readonly ChunkserverOptions _options;
    private readonly NodeService _node;
    private readonly ContentCache? _contents;
    private readonly TaskCompletionSource<DistFsException> _failed =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Made in this order. What was not made yet is null.
    private StoreFolders _folders = null!;
    private StoreSet _stores = null!;
    private Serving _serving = null!;
    private OpenChunks _open = null!;
    private FrameChannels _links = null!;
    private DataMetrics _dataMetrics = null!;
    private CopyRunner _copies = null!;
    private CopyPacer _pacer = null!;
    private ScrubRunner _scrub = null!;
    private LeaderChannel _leader = null!;
    private Mender _mender = null!;
    private FrameServer _server = null!;
    private ClusterAgent? _agent;
    private ChunkserverMetrics? _metrics;
    private Housekeeping _keeping = null!;

    private ChunkserverHost(ChunkserverOptions options)
    {
        _options = options;
        _node = new NodeService(options.Version, options.Commit, Role.Chunkserver);
        _contents = options.ContentCacheBytes > 0 ? new ContentCache(options.ContentCacheBytes) : null;
    }

    /// <summary>Who it is; zero before it first registered.</summary>
    public ServerId Server => _folders.Self.Server;

    /// <summary>Whose cluster; zero before it first registered.</summary>
    public ClusterId Cluster => _folders.Self.Cluster;

    /// <summary>Where it listens.</summary>
    public RpcAddress Address => _server.Addresses[0];

    /// <summary>Whether it may serve at the moment.</summary>
    public bool IsServing => _serving.IsServing;

    /// <summary>What it tells of itself, and if it does not serve, what it waits for.</summary>
    public (NodeState State, string Progress) Node => (_node.State, _node.Progress);

    /// <summary>
    /// Ends when this server must not go on: the process has to end, without disposing of it. Says why.
    /// </summary>
    public Task<DistFsException> Failed => _failed.Task;

    /// <summary>Its stores, for tests to look at.</summary>
    internal StoreSet Stores => _stores;

    /// <summary>Who it is on its disks, likewise.</summary>
    internal ServerFile Self => _folders.Self;

    /// <summary>Its copies, likewise.</summary>
    internal CopyRunner Copies => _copies;

    /// <summary>What checks its stores, likewise.</summary>
    internal ScrubRunner Scrub => _scrub;

    /// <summary>What mends its copies, likewise.</summary>
    internal Mender Mender => _mender;

    /// <summary>What it says to the cluster, likewise.</summary>
    internal ClusterAgent Agent => _agent!;

    /// <summary>
    /// Starts the chunk server of some folders. It registers and tells what it has by itself, after this.
    /// </summary>
    /// <exception cref="DistFsException">It cannot start; the message says what to do.</exception>
    public static async Task<ChunkserverHost> StartAsync(
        ChunkserverOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Fault() is { } fault)
        {
            throw new DistFsException(ErrorCatalog.Configuration, fault);
        }

        var host = new ChunkserverHost(options);
        try
        {
            await host.MakePartsAsync(cancellation).ConfigureAwait(false);
            return host;
        }
        catch
        {
            await host.DisposePartsAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// Stops cleanly: serves nobody any more and says so, ends what is under way, and closes its stores.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        _node.State = NodeState.Stopping;
        try
        {
            await _agent!.LeaveAsync(CancellationToken.None).ConfigureAwait(false);
            using var limit = new CancellationTokenSource(StopLimit);
            await _server.StopAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // They end as unknown, and are asked again elsewhere.
            LogNotDrained(_options.Logger, Server, StopLimit);
        }
        finally
        {
            await DisposePartsAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Ends as if its process had, but for its stores: nobody is told.</summary>
    internal ValueTask AbortAsync() => DisposePartsAsync();

    private async ValueTask DisposePartsAsync()
    {
        try
        {
            // Copies tell the agent that they have ended, and whatever it orders afterwards they do not begin.
            foreach (var part in new IAsyncDisposable?[]
            {
                _keeping, _server, _scrub, _mender, _copies, _pacer, _agent, _leader, _links,
            })
            {
                if (part != null)
                {
                    await part.DisposeAsync().ConfigureAwait(false);
                }
            }

            _metrics?.Dispose();
            _dataMetrics?.Dispose();
            _node.Dispose();
        }
        finally
        {
            // Whatever failed: the folders are free for the next attempt.
            if (_folders != null)
            {
                await _folders.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private async Task MakePartsAsync(CancellationToken cancellation)
    {
        _folders = await StoreFolders.OpenAsync(
            new StoreSetOptions
            {
                Folders = _options.DataFolders,
                ForgetMissing = _options.ForgetMissing,
                Open = _options.OpenStore ?? OpenRocksAsync,
            },
            cancellation).ConfigureAwait(false);
        _stores = new StoreSet(_folders.Stores);
        _stores.OnStoreFailed = StoreFailed;
        await _stores.LoadAsync(cancellation).ConfigureAwait(false);
        _serving = new Serving(() => _folders.Self.Server, new ServingLease(_options.Clock));
        _open = new OpenChunks(_stores, _serving);
        _links = ChunkDataService.CreateLinks("dfs chunkserver");
        _dataMetrics = new DataMetrics(_open);
        _copies = new CopyRunner(
            _stores, _open, _options.Clock, _options.Logger, result => _agent?.CopyEnded(result));
        _pacer = new CopyPacer(_copies.Rate, () => _copies.Running > 0, _options.Clock);
        _scrub = new ScrubRunner(_stores, _open, _options.ScrubPass, _options.Clock, _options.Logger);
        var use = new ServerUse(_stores, _folders.Folders, _options.CapacityBytes, _options.Clock);
        var calls = new CallCount();
        var data = new ChunkDataService(_stores, _serving, _open, _links, _dataMetrics, _pacer);
        var versions = new LeaderVersions(
            _stores,
            _serving,
            _open,
            data,
            (chunk, version, reason) => LogNotSealed(_options.Logger, chunk, version, reason));
        var host = new AgentHost(_folders, _stores, _open, _copies, use, versions, calls, _pacer);
        _leader = new LeaderChannel(
            _options.Metaservers, _options.Clock, new LeaderChannelOptions { Agent = "dfs chunkserver" });
        _mender = new Mender(
            _stores.Of, _open, _leader, _links, _copies.Rate, _options.Clock, _options.Logger);
        var dispatcher = new RpcDispatcher().Use(calls);
        _node.AddTo(dispatcher);
        new HealthService(_node, HealthServices).AddTo(dispatcher);
        new FenceService(() => _folders.Self, host).AddTo(dispatcher);
        new ScrubService(_scrub, _stores, _mender).AddTo(dispatcher);
        data.AddTo(dispatcher);
        _server = FrameServer.Start(dispatcher, new FrameServerOptions
        {
            Listen = [_options.Address],
            Frames = Frames,
            Logger = _options.Logger,
        });
        var self = _folders.Self;
        _agent = new ClusterAgent(
            new AgentCore(new AgentIdentity(
                self.Server, self.Name, self.Run, self.PreviousRun, Address.ToString(), _options.Rack)),
            _leader,
            host,
            _serving.Lease,
            _options.Agent,
            _options.Clock,
            _options.Logger,
            Fail);
        _stores.OnCopyLost = info => _mender.Lost(info, TellLost);
        _stores.OnVersionBegun = _agent.VersionBegun;
        _agent.Start();
        _pacer.Start();
        _metrics = new ChunkserverMetrics(_serving, _stores, _agent, _copies, _scrub, use);
        _keeping = new Housekeeping(_stores, _open, _serving, _agent, _node, _options.Clock, Fail);
    }

    private void TellLost(ChunkInfo info)
    {
        LogLost(_options.Logger, Server, info.Chunk, info.Version, info.LostStatus);
        _agent?.Lost(new LostCopy
        {
            Chunk = info.Chunk.Value,
            Version = info.Version.Value,
            Status = (int)info.LostStatus,
        });
    }

    /// <summary>What the disk had is lost; the others serve on, if there are others.</summary>
    private void StoreFailed(DistFsException reason, bool wasLast)
    {
        LogStoreFailed(_options.Logger, Server, reason.Message);
        if (wasLast)
        {
            Fail(reason);
        }
        else
        {
            _agent?.TellAgain();
        }
    }

    private void Fail(DistFsException reason) => _failed.TrySetResult(reason);

    /// <summary>Reads the disk, and waits for it: not on the caller's thread.</summary>
    private Task<IChunkStore> OpenRocksAsync(StoreRequest request, CancellationToken cancellation) =>
        Task.Run<IChunkStore>(
            () =>
            {
                var usual = new RocksChunkStoreOptions
                {
                    Folder = request.Folder,
                    CreateIfMissing = request.CreateIfMissing,
                    Cluster = request.Cluster,
                    Server = request.Server,
                    Contents = _contents,
                };
                return RocksChunkStore.Open(
                    _options.ReserveBytes is { } reserve ? usual with { ReserveBytes = reserve } : usual);
            },
            cancellation);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Chunk server {Self} stops with calls under way that were not answered within {Limit}.")]
    private static partial void LogNotDrained(ILogger logger, ServerId self, TimeSpan limit);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "Chunk server {Self} has lost its copy of chunk {Chunk} {Version}: {Status}.")]
    private static partial void LogLost(
        ILogger logger, ServerId self, ChunkId chunk, ChunkVersion version, FsStatus status);

    [LoggerMessage(Level = LogLevel.Critical, Message = "A store of chunk server {Self} has failed: {Reason}")]
    private static partial void LogStoreFailed(ILogger logger, ServerId self, string reason);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Chunk {Chunk} {Version} was not sealed here: {Reason}")]
    private static partial void LogNotSealed(ILogger logger, ChunkId chunk, ChunkVersion version, string reason);
}
