using System.Diagnostics;
using DistFS.Metaserver.Chunks;
using DistFS.Metaserver.Consensus;
using DistFS.Metaserver.Leases;
using DistFS.Metaserver.Locks;
using DistFS.Metaserver.Services;
using DistFS.Metaserver.State;
using DistFS.Metaserver.Storage;
using DistFS.Native;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Raft;
using DistFS.Rpc;
using DistFS.Rpc.Frames;
using DistFS.Rpc.Grpc;
using DistFS.Rpc.Services;
using Microsoft.Extensions.Logging;

namespace DistFS.Metaserver.Hosting;

/// <summary>
/// One metaserver of a process: opens its folder, joins the parts, serves, and stops in the order in which nothing that
/// is still used goes first (docs/design/metaserver.md).
/// </summary>
public sealed partial class MetaserverHost : IAsyncDisposable
{
    private const string RaftFolder = "raft";

    private static readonly HashSet<string> HealthServices =
        [MetadataMethods.Read.Service, NodeMethods.Describe.Service];

    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(3);

    // So the copies of a state cost four bytes for each byte of the log at most.
    private const double SnapshotShareMin = 0.25;

    private readonly MetaserverOptions _options;
    private readonly FolderLock _lock;
    private readonly NodeService _node;
    private readonly TaskCompletionSource<DistFsException> _failed =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Made in this order, and disposed of in the opposite one; what was not made yet is null.
    private RaftStore _store = null!;
    private MetadataState _state = null!;
    private RaftTransport _transport = null!;
    private RaftDriver _driver = null!;
    private MembershipKeeper _keeper = null!;
    private FsckService _fsck = null!;
    private FrameServer _server = null!;
    private LeaderDuties _duties = null!;
    private MembershipWatch _watch = null!;
    private ChunkDuties _chunks = null!;
    private FenceSender _fences = null!;
    private MetaserverMetrics? _metrics;
    private Readiness _readiness = null!;
    private IAsyncDisposable? _grpc;
    private Func<CancellationToken, Task>? _stopGrpc;
    private LeaseKeeper _leases = null!;

    private MetaserverHost(MetaserverOptions options, FolderLock folderLock)
    {
        (_options, _lock) = (options, folderLock);
        _node = new NodeService(options.Version, options.Commit, Role.Metaserver);
    }

    /// <summary>Whose cluster.</summary>
    public ClusterId Cluster => _store.Identity.Cluster;

    /// <summary>Who this is.</summary>
    public MemberId Member => _store.Identity.Member;

    /// <summary>Where it listens.</summary>
    public RpcAddress Address => _server.Addresses[0];

    /// <summary>Where it speaks gRPC; null is nowhere.</summary>
    public RpcAddress? GrpcAddress { get; private set; }

    /// <summary>Whether it serves at the moment, and if not, what it waits for.</summary>
    public (NodeState State, string Progress) Node => (_node.State, _node.Progress);

    /// <summary>Whether it leads, as far as it knows.</summary>
    public bool IsLeader => _driver.IsLeader;

    /// <summary>
    /// Ends when this metaserver must not go on: the process has to end, without disposing of it. Says why.
    /// </summary>
    public Task<DistFsException> Failed => _failed.Task;

    /// <summary>Its metadata, for tests to look at.</summary>
    internal MetadataState State => _state;

    /// <summary>Its consensus, likewise.</summary>
    internal RaftDriver Driver => _driver;

    /// <summary>What it does about chunk servers while it leads, likewise.</summary>
    internal ChunkDuties Chunks => _chunks;

    /// <summary>Who waits for locks here, likewise.</summary>
    internal LockWaits Locks { get; } = new();

    /// <summary>The leases that it knows while it leads, likewise.</summary>
    internal LeaseKeeper Leases => _leases;

    /// <summary>
    /// Starts the metaserver of a folder; in an empty one the first of a new cluster, or one that joins another's.
    /// </summary>
    /// <exception cref="DistFsException">It cannot start; the message says what to do.</exception>
    public static async Task<MetaserverHost> StartAsync(
        MetaserverOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        Directory.CreateDirectory(Path.Combine(options.DataFolder, RaftFolder));
        var host = new MetaserverHost(options, FolderLock.Acquire(options.DataFolder));
        try
        {
            await host.MakePartsAsync(new Prng((ulong)Random.Shared.NextInt64()), cancellation)
                .ConfigureAwait(false);
            return host;
        }
        catch
        {
            await host.DisposePartsAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// Stops cleanly: hands its leadership over if it can, ends what is under way, and makes its state durable, so
    /// that the next start is quick.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        _node.State = NodeState.Stopping;
        try
        {
            // Others need not wait for a time-out when a leader leaves on purpose.
            await _driver.HandOverAsync(_options.Timing.Election).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or DistFsException)
        {
            // Then they wait: nothing rests on it.
            LogNotHandedOver(_options.Logger, Member, e.Message);
        }
        finally
        {
            await DrainAsync().ConfigureAwait(false);
            await DisposePartsAsync().ConfigureAwait(false);
        }
    }

    /// <summary>What is under way is answered: the next leader decides what this one has proposed, or nobody.</summary>
    private async ValueTask DrainAsync()
    {
        using var limit = new CancellationTokenSource(StopLimit);
        try
        {
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
            while (_driver.CallsUnderWay > 0)
            {
                await timer.WaitForNextTickAsync(limit.Token).ConfigureAwait(false);
            }

            await Task.WhenAll(_server.StopAsync(limit.Token), _stopGrpc?.Invoke(limit.Token) ?? Task.CompletedTask)
                .ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            // They end as unknown, and are asked again elsewhere.
            LogNotDrained(_options.Logger, Member, StopLimit);
        }
    }

    /// <summary>Ends as if its machine had: nobody is told, and nothing is handed over.</summary>
    internal ValueTask AbortAsync() => DisposePartsAsync();

    private async ValueTask DisposePartsAsync()
    {
        try
        {
            foreach (var part in new IAsyncDisposable?[]
            {
                _readiness, _watch, _duties, _leases, _grpc, _server, _fsck, _keeper, _chunks, _fences, _driver,
                _transport,
            })
            {
                if (part != null)
                {
                    await part.DisposeAsync().ConfigureAwait(false);
                }
            }

            _metrics?.Dispose();
            _node.Dispose();
            _state?.Dispose();
            _store?.Dispose();
        }
        finally
        {
            // Whatever failed: the folder is free for the next attempt.
            _lock.Dispose();
        }
    }

    private async Task MakePartsAsync(Prng prng, CancellationToken cancellation)
    {
        var began = Stopwatch.GetTimestamp();
        _store = await MemberFolder.OpenAsync(_options, prng.Fork(), cancellation).ConfigureAwait(false);
        var identity = _store.Identity;
        var opened = Stopwatch.GetElapsedTime(began);
        var run = prng.NextUInt64() | 1;
        _state = MetadataState.Open(_options.DataFolder, identity.Cluster, _options.State);
        var loaded = Stopwatch.GetElapsedTime(began) - opened;
        LogOpened(_options.Logger, identity.Member, opened, loaded);
        var clock = new LeaderClock(_options.Clock);
        _state.OnTime = clock.Logged;
        var raft = new RaftOptions { Self = identity.Member, Store = identity.Store };
        _transport = new RaftTransport(new RaftTransportOptions
        {
            Cluster = identity.Cluster,
            Self = identity.Member,
            Address = _options.Address.ToString(),
            Logger = _options.Logger,
        });
        var driverOptions = new RaftDriverOptions
        {
            Raft = raft,
            Timing = _options.Timing,
            SnapshotEntries = _options.SnapshotEntries,
            KeepEntries = _options.KeepEntries,
            SnapshotShareMin = SnapshotShareMin,
            Logger = _options.Logger,
            OnFailed = Fail,
        };
        _driver = RaftDriver.Start(driverOptions, _store, _state, _transport, prng.Fork());
        _transport.DeliverTo(_driver);
        var dispatcher = new RpcDispatcher();
        _node.AddTo(dispatcher);
        new HealthService(_node, HealthServices).AddTo(dispatcher);
        _transport.AddTo(dispatcher);
        var proposals = new Proposals(_driver, clock);
        _fences = new FenceSender();
        _chunks = new ChunkDuties(
            _driver,
            _state,
            proposals,
            _fences,
            _options.ChunkServers,
            clock,
            _options.Logger,
            Fail);
        new ChunkServersService(
            new ChunkLeading(_driver, _chunks),
            _state,
            proposals,
            _options.ChunkServers,
            identity.Cluster,
            _options.Logger)
            .AddTo(dispatcher);
        _leases = new LeaseKeeper(_driver, _state, clock, _options.Logger, Fail);
        new LeaseService(_leases, _driver, _state).AddTo(dispatcher);
        IMutationStage[] stages =
        [
            new LeaseStage(_leases, _state),
            new PlacementStage(_state, _chunks),
            new FenceStage(
                new FenceTeller(_state, proposals, _fences, () => _chunks.Lead?.Servers, TimeProvider.System),
                _options.ChunkServers.FenceTimeout),
        ];
        new MetadataService(_driver, clock, stages).AddTo(dispatcher);
        new MetadataReadService(_driver, _state, _leases).AddTo(dispatcher);
        _state.OnLocksGranted = Locks.Granted;
        new LockService(_driver, _state, Locks).AddTo(dispatcher);
        _keeper = new MembershipKeeper(_driver, _state, driverOptions, _options.Logger, Fail);
        new AdminService(
            identity, _driver, _transport, _state, _keeper, run, _options.Timing.Election, clock).AddTo(dispatcher);
        _fsck = new FsckService(_driver, _state, clock);
        _fsck.AddTo(dispatcher);
        _server = FrameServer.Start(dispatcher, new FrameServerOptions
        {
            Listen = [_options.Address],
            Frames = RaftTransportOptions.ServerFrames(new FrameOptions(), raft),
            Logger = _options.Logger,
        });
        _duties = new LeaderDuties(
            _driver,
            _state,
            identity.Cluster,
            clock,
            _options.Logger,
            Fail);
        if (_options.Grpc != null)
        {
            await StartGrpcAsync(dispatcher, _options.Grpc, cancellation).ConfigureAwait(false);
        }

        _metrics = new MetaserverMetrics(
            _driver, _state, Path.Combine(_options.DataFolder, RaftFolder), clock);
        _readiness = new Readiness(_driver, _store, _state, _node, _options.Logger);
        _watch = new MembershipWatch(identity, _driver, _options.Address, run, _options.Join, _options.Logger, Fail);
        using var process = Process.GetCurrentProcess();
        var since = DateTime.Now - process.StartTime;
        LogListens(_options.Logger, identity.Member, since);
    }

    // A method of its own: what is not used, ASP.NET above all, is not loaded.
    private async Task StartGrpcAsync(RpcDispatcher dispatcher, RpcAddress address, CancellationToken cancellation)
    {
        var server = await GrpcServer.StartAsync(
            dispatcher, new GrpcServerOptions { Listen = [address], Logger = _options.Logger }, cancellation)
            .ConfigureAwait(false);
        (_grpc, _stopGrpc, GrpcAddress) = (server, server.StopAsync, server.Addresses[0]);
    }

    private void Fail(DistFsException reason) => _failed.TrySetResult(reason);

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Metaserver {Self} opened its log in {Log} and its metadata in {State}.")]
    private static partial void LogOpened(ILogger logger, MemberId self, TimeSpan log, TimeSpan state);

    [LoggerMessage(
        Level = LogLevel.Information, Message = "Metaserver {Self} listens, {Time} after its process began.")]
    private static partial void LogListens(ILogger logger, MemberId self, TimeSpan time);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Metaserver {Self} stops with calls under way that were not answered within {Limit}.")]
    private static partial void LogNotDrained(ILogger logger, MemberId self, TimeSpan limit);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Metaserver {Self} stops without handing over: {Reason}")]
    private static partial void LogNotHandedOver(ILogger logger, MemberId self, string reason);
}
