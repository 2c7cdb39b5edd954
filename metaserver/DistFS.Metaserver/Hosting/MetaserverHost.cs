using System.Security.Cryptography;
using DistFS.Metaserver.Consensus;
using DistFS.Metaserver.Leases;
using DistFS.Metaserver.Services;
using DistFS.Metaserver.State;
using DistFS.Metaserver.Storage;
using DistFS.Native;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Raft;
using DistFS.Rpc;
using DistFS.Rpc.Frames;
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
    private FrameServer _server = null!;
    private LeaderDuties _duties = null!;
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

    /// <summary>Whether it leads, as far as it knows.</summary>
    public bool IsLeader => _driver.IsLeader;

    /// <summary>
    /// Ends when this metaserver must not go on: the process has to end, without disposing of it. Says why.
    /// </summary>
    public Task<DistFsException> Failed => _failed.Task;

    /// <summary>Starts the metaserver of a folder, or the first of a new cluster in an empty one.</summary>
    /// <exception cref="DistFsException">It cannot start; the message says what to do.</exception>
    public static async Task<MetaserverHost> StartAsync(MetaserverOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Directory.CreateDirectory(Path.Combine(options.DataFolder, RaftFolder));
        var host = new MetaserverHost(options, FolderLock.Acquire(options.DataFolder));
        try
        {
            host.MakeParts(new Prng((ulong)Random.Shared.NextInt64()));
            host._node.State = NodeState.Serving;
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
            await DisposePartsAsync().ConfigureAwait(false);
        }
    }

    private async ValueTask DisposePartsAsync()
    {
        try
        {
            foreach (var part in new IAsyncDisposable?[] { _duties, _leases, _server, _driver, _transport })
            {
                if (part != null)
                {
                    await part.DisposeAsync().ConfigureAwait(false);
                }
            }

            _state?.Dispose();
            _store?.Dispose();
        }
        finally
        {
            // Whatever failed: the folder is free for the next attempt.
            _lock.Dispose();
        }
    }

    private static RaftStore OpenStore(MetaserverOptions options, Prng prng)
    {
        var disk = new PosixDisk(Path.Combine(options.DataFolder, RaftFolder));
        if (!RaftStore.IsFormatted(disk))
        {
            if (Directory.Exists(Path.Combine(options.DataFolder, MetadataState.StateFolder)))
            {
                throw new StoreRefusedException(
                    ErrorCatalog.StoreWiped,
                    $"{options.DataFolder} has metadata but no log: its folder '{RaftFolder}' was lost. Bring it back, "
                    + "or remove this member from the cluster and add a new one in an empty folder.");
            }

            var identity = new Identity(
                new ClusterId(new UInt128(RandomNumber(), RandomNumber())),
                new MemberId(1),
                new StoreId(RandomNumber()));
            var member = new RaftMember(identity.Member, identity.Store, options.Address.ToString());
            RaftStore.Format(disk, identity, new RaftConfiguration([member]));
        }

        return RaftStore.Open(disk, new RaftStoreOptions(), prng.Fork());
    }

    private static ulong RandomNumber() => BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));

    private void MakeParts(Prng prng)
    {
        _store = OpenStore(_options, prng);
        var identity = _store.Identity;
        _state = MetadataState.Open(_options.DataFolder, identity.Cluster, _options.State);
        var raft = new RaftOptions { Self = identity.Member, Store = identity.Store };
        _transport = new RaftTransport(new RaftTransportOptions
        {
            Cluster = identity.Cluster,
            Self = identity.Member,
            Address = _options.Address.ToString(),
            Logger = _options.Logger,
        });
        _driver = RaftDriver.Start(
            new RaftDriverOptions
            {
                Raft = raft,
                Timing = _options.Timing,
                SnapshotEntries = _options.SnapshotEntries,
                KeepEntries = _options.KeepEntries,
                Logger = _options.Logger,
                OnFailed = reason => _failed.TrySetResult(reason),
            },
            _store,
            _state,
            _transport,
            prng.Fork());
        _transport.DeliverTo(_driver);
        var dispatcher = new RpcDispatcher();
        _node.AddTo(dispatcher);
        _transport.AddTo(dispatcher);
        _leases = new LeaseKeeper(
            _driver, _state, _options.Clock, _options.Logger, reason => _failed.TrySetResult(reason));
        new LeaseService(_leases, _driver, _state).AddTo(dispatcher);
        new MetadataService(_driver, _options.Clock, [new LeaseStage(_leases, _state)]).AddTo(dispatcher);
        new MetadataReadService(_driver, _state, _leases).AddTo(dispatcher);
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
            _options.Clock,
            _options.Logger,
            reason => _failed.TrySetResult(reason));
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Metaserver {Self} stops without handing over: {Reason}")]
    private static partial void LogNotHandedOver(ILogger logger, MemberId self, string reason);
}
