using DistFS.Chunks;
using DistFS.Chunkserver.Cluster;
using DistFS.Chunkserver.Data;
using DistFS.Chunkserver.Stores;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Services;
using ChunkInfo = DistFS.Chunks.ChunkInfo;

namespace DistFS.Simulation.Chains;

/// <summary>
/// A machine with a disk, and the chunk server on it: the shipped data path and what decides in its agent, joined as
/// the product joins them. What is on the disk outlives the process.
/// </summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage(
    "Design",
    "CA1001:Types that own disposable fields should be disposable",
    Justification = "What is in memory dies with the process.")]
internal sealed partial class ServerMachine : IServing, IChunkStores, IStoreWatcher
{
    private readonly ChainWorld _world;
    private readonly Prng _prng;
    private StoreId _storeId;
    private WatchedStore _store = null!;
    private OpenChunks _open = null!;
    private LeaderVersions _versions = null!;
    private DataMetrics? _metrics;
    private AgentCore _core = null!;

    // On the disk: the id, this run, the run before, and whether the cluster is known to know this run.
    private ulong _run;
    private ulong _runBefore;
    private bool _isKnown;

    /// <summary>One that has never run.</summary>
    public ServerMachine(ChainWorld world, int number, Prng prng)
    {
        (_world, _prng, Name) = (world, prng, $"s{number}");
        _storeId = new StoreId(prng.NextUInt64() | 1);
        _run = prng.NextUInt64() | 1;
        Disk = new MemoryChunkStore(_storeId);
    }

    /// <summary>Its name on the wire.</summary>
    public string Name { get; }

    /// <summary>Its address.</summary>
    public string Address => $"{Name}:1";

    /// <summary>What is on its disk, and what the process has not synced yet.</summary>
    public MemoryChunkStore Disk { get; private set; }

    /// <summary>What runs there; null: nothing.</summary>
    public SimulatedProcess? Process { get; private set; }

    /// <inheritdoc/>
    public ServerId Self { get; private set; }

    /// <inheritdoc/>
    public bool IsServing => Process is { } process && process.NowMs < _core.ServesUntilMs;

    /// <summary>Whether it never starts again.</summary>
    public bool IsGone { get; private set; }

    /// <summary>Whether all that it has was told in this run.</summary>
    public bool IsThrough => Process != null && _core.Phase == AgentPhase.Through;

    /// <inheritdoc/>
    public IChunkStore? Of(ChunkId chunk) => Disk.TryGet(chunk, out _) ? _store : null;

    /// <inheritdoc/>
    public IChunkStore ForNew(ChunkId chunk) => _store;

    /// <inheritdoc/>
    public void Made(ChunkId chunk, IChunkStore store)
    {
        // The one store finds its chunks itself.
    }

    /// <inheritdoc/>
    public void Has(IChunkStore store, ChunkId chunk)
    {
        // As above.
    }

    /// <inheritdoc/>
    public void HasNot(IChunkStore store, ChunkId chunk)
    {
        // As above.
    }

    /// <inheritdoc/>
    public void VersionBegun(ChunkId chunk, ChunkVersion version) => _core.VersionBegun(chunk, version);

    /// <inheritdoc/>
    public void Lost(ChunkInfo info, bool wasLost)
    {
        _world.Trace.Line($"{Name} has lost {info.Chunk} {info.Version}: {info.LostStatus}");
        _core.Lost(new LostCopy
        {
            Chunk = info.Chunk.Value,
            Version = info.Version.Value,
            Status = (int)info.LostStatus,
        });
    }

    /// <summary>The process starts.</summary>
    public void Start()
    {
        if (Process != null || IsGone)
        {
            return;
        }

        _world.Trace.Line($"{Name} starts");
        if (_isKnown)
        {
            // Not before the cluster is known to know the run before: else it may know another than is named.
            (_runBefore, _run, _isKnown) = (_run, _prng.NextUInt64() | 1, false);
        }

        var process = Process = new SimulatedProcess(_world, Name) { Died = Died };
        _store = new WatchedStore(new SimulatedStore(_world, process, Disk, this, _prng.Fork()), this);
        _open = new OpenChunks(this, this, process);
        _metrics = new DataMetrics(_open);
        var data = new ChunkDataService(this, this, _open, process.Caller, _metrics);
        _versions = new LeaderVersions(this, this, _open, data, static (_, _, _) => { });
        _core = new AgentCore(new AgentIdentity(Self, _storeId, _run, _runBefore, Address, Name));
        process.Offers
            .Handle(ChunkDataMethods.Write, (request, call) => WriteAsync(data, request, call))
            .Handle(ChunkDataMethods.Sync, data.SyncAsync)
            .Handle(ChunkDataMethods.Read, data.ReadAsync, quick: data.ReadAtHand)
            .Handle(ChunkDataMethods.Digest, data.Digest)
            .Handle(ChunkServerMethods.Fence, FenceAsync);
        StartAgent(process);
        _world.Wire.Listen(process);
    }

    /// <summary>The process is killed; of what was not synced some is gone.</summary>
    public void Kill()
    {
        if (Process != null)
        {
            _world.Trace.Line($"{Name} is killed");
            Process.Kill();
        }
    }

    /// <summary>It is killed, and never comes back.</summary>
    public void KillForGood()
    {
        IsGone = true;
        Kill();
    }

    /// <summary>It is killed, and has nothing of any chunk when it comes back.</summary>
    /// <param name="isKnown">Under its old name, as one of whose disks one was replaced; else as a new server.</param>
    public void LoseDisk(bool isKnown)
    {
        Kill();
        _world.Trace.Line($"{Name} loses its disk{(isKnown ? "" : ", and its name")}");
        if (!isKnown)
        {
            (_storeId, Self) = (new StoreId(_prng.NextUInt64() | 1), default);
            (_run, _runBefore, _isKnown) = (_prng.NextUInt64() | 1, 0, false);
        }

        Disk = new MemoryChunkStore(_storeId);
    }

    /// <summary>A block of a copy rots, and the scrubber finds that.</summary>
    public void Rot(ChainFile file, Prng prng)
    {
        var block = new BlockIndex((uint)prng.NextInt32(file.Ledger.Cells / 2));
        if (Process is { PausedSince: null } process && Disk.TryGet(file.Chunk, out var info)
            && info.State == ChunkState.Serving && Disk.Damage(file.Chunk, block, prng.NextInt32(1_000)))
        {
            _world.Trace.Line($"{Name}: {block} of {file.Chunk} {info.Version} rots");
            process.Start(async () =>
            {
                _open.Close(file.Chunk);
                await _store.MarkLostAsync(file.Chunk, info.Version, FsStatus.Corrupt, default).ConfigureAwait(false);
            });
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Name} ({Self})";

    private void Died()
    {
        Process = null;
        _metrics!.Dispose();
        var before = _world.Invariants.Remember(this);
        var keeps = _world.Options.CrashKeeps;
        Disk.Crash(_ => _prng.Chance(keeps));
        _world.Invariants.OnCrashed(this, before);
        _world.Stopped(this);
    }

    private async ValueTask<WriteChunkReply> WriteAsync(
        ChunkDataService data, WriteChunkRequest request, ServerCall call)
    {
        var known = Disk.TryGet(new ChunkId(request.Name.Chunk), out var info) ? info.Version.Value : 0;
        var reply = await data.WriteAsync(request, call).ConfigureAwait(false);
        _world.Invariants.Fenced.Check(Name, request.Name.Version, known, wasTaken: reply.Status == 0);
        return reply;
    }

    private async ValueTask<FenceReply> FenceAsync(FenceRequest request, ServerCall call)
    {
        if (request.Server == 0 || request.Server != Self.Value || request.Incarnation != _run)
        {
            throw new RpcException(ErrorCatalog.ChunkServerRunOver, "Another run.");
        }

        var unsettled = await _versions.FenceAsync(request.Fences, request.Members).ConfigureAwait(false);
        return new FenceReply { Unsettled = { unsettled.Select(static chunk => chunk.Value) } };
    }

    private List<Protocol.StoredCopy> Look(ulong from)
    {
        var infos = new ChunkInfo[AgentCore.PageMax];
        var count = Disk.List(new ChunkId(from), infos);
        return [.. infos.Take(count).Where(static info => info.State == ChunkState.Serving).Select(
            static info => new Protocol.StoredCopy
            {
                Chunk = info.Chunk.Value,
                Version = info.Version.Value,
                Length = info.Length,
                Unclean = info.IsUnclean,
                Unsealed = !info.IsSealed,
            })];
    }
}
