using System.Security.Cryptography;
using DistFS.Metaserver.Consensus;
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

namespace DistFS.Metaserver.Hosting;

/// <summary>
/// One metaserver of a process: opens its folder, joins the parts, serves, and stops in the order in which nothing that
/// is still used goes first (docs/design/metaserver.md).
/// </summary>
public sealed class MetaserverHost : IAsyncDisposable
{
    private const string RaftFolder = "raft";

    private readonly FolderLock _lock;
    private readonly RaftStore _store;
    private readonly MetadataState _state;
    private readonly RaftTransport _transport;
    private readonly RaftDriver _driver;
    private readonly FrameServer _server;
    private readonly LeaderDuties _duties;
    private readonly NodeService _node;
    private readonly RaftTiming _timing;
    private readonly TaskCompletionSource<DistFsException> _failed;

    private MetaserverHost(MetaserverOptions options, FolderLock folderLock, Prng prng)
    {
        (_lock, _timing) = (folderLock, options.Timing);
        _failed = new TaskCompletionSource<DistFsException>(TaskCreationOptions.RunContinuationsAsynchronously);
        _node = new NodeService(options.Version, options.Commit, Role.Metaserver);
        var made = new Stack<Action>();
        try
        {
            _store = OpenStore(options, prng);
            made.Push(_store.Dispose);
            _state = MetadataState.Open(options.DataFolder, _store.Identity.Cluster, options.State);
            made.Push(_state.Dispose);
            (_transport, _driver, _server) = Join(options, prng, made);
            _duties = new LeaderDuties(_driver, _state, _store.Identity.Cluster, options.Clock, options.Logger);
        }
        catch
        {
            while (made.TryPop(out var undo))
            {
                undo();
            }

            throw;
        }

        _node.State = NodeState.Serving;
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
    public static MetaserverHost Start(MetaserverOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Directory.CreateDirectory(Path.Combine(options.DataFolder, RaftFolder));
        var folderLock = FolderLock.Acquire(options.DataFolder);
        try
        {
            return new MetaserverHost(options, folderLock, new Prng((ulong)Random.Shared.NextInt64()));
        }
        catch
        {
            folderLock.Dispose();
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
        await _duties.DisposeAsync().ConfigureAwait(false);
        if (!_failed.Task.IsCompleted)
        {
            // Others need not wait for a time-out when a leader leaves on purpose.
            await _driver.HandOverAsync(_timing.Election).ConfigureAwait(false);
        }

        await _server.DisposeAsync().ConfigureAwait(false);
        await _driver.DisposeAsync().ConfigureAwait(false);
        await _transport.DisposeAsync().ConfigureAwait(false);
        _state.Dispose();
        _store.Dispose();
        _lock.Dispose();
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
                    $"{options.DataFolder} has metadata but no log: its folder '{RaftFolder}' was lost. Bring it back, or "
                    + "remove this member from the cluster and add a new one in an empty folder.");
            }

            var identity = new Identity(
                new ClusterId(new UInt128(RandomNumber(), RandomNumber())), new MemberId(1), new StoreId(RandomNumber()));
            var member = new RaftMember(identity.Member, identity.Store, options.Address.ToString());
            RaftStore.Format(disk, identity, new RaftConfiguration([member]));
        }

        return RaftStore.Open(disk, new RaftStoreOptions(), prng.Fork());
    }

    private static ulong RandomNumber() => BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));

    private (RaftTransport Transport, RaftDriver Driver, FrameServer Server) Join(
        MetaserverOptions options, Prng prng, Stack<Action> made)
    {
        var identity = _store.Identity;
        var raft = new RaftOptions { Self = identity.Member, Store = identity.Store };
        var transport = new RaftTransport(new RaftTransportOptions
        {
            Cluster = identity.Cluster,
            Self = identity.Member,
            Address = options.Address.ToString(),
            Logger = options.Logger,
        });
        made.Push(() => transport.DisposeAsync().AsTask().GetAwaiter().GetResult());
        var driver = RaftDriver.Start(
            new RaftDriverOptions
            {
                Raft = raft,
                Timing = options.Timing,
                SnapshotEntries = options.SnapshotEntries,
                KeepEntries = options.KeepEntries,
                Logger = options.Logger,
                OnFailed = reason => _failed.TrySetResult(reason),
            },
            _store,
            _state,
            transport,
            prng.Fork());
        made.Push(() => driver.DisposeAsync().AsTask().GetAwaiter().GetResult());
        transport.DeliverTo(driver);
        var dispatcher = new RpcDispatcher();
        _node.AddTo(dispatcher);
        transport.AddTo(dispatcher);
        new MetadataService(driver, options.Clock).AddTo(dispatcher);
        new MetadataReadService(driver, _state).AddTo(dispatcher);
        var server = FrameServer.Start(dispatcher, new FrameServerOptions
        {
            Listen = [options.Address],
            Frames = RaftTransportOptions.ServerFrames(new FrameOptions(), raft),
            Logger = options.Logger,
        });
        return (transport, driver, server);
    }
}
