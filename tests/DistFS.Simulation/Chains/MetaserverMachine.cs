using DistFS.Metadata;
using DistFS.Metadata.Ops;
using DistFS.Metadata.Placement;
using DistFS.Metadata.Store;
using DistFS.Metaserver.Chunks;
using DistFS.Metaserver.Services;
using DistFS.Metaserver.State;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Services;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;

namespace DistFS.Simulation.Chains;

/// <summary>
/// The metaservers as chunk servers and clients see them: one leader after the other over a log that loses nothing,
/// which the other worlds are about. The state machine, and what a leader does about chunk servers, are the shipped
/// ones; what a leader keeps in memory dies with it.
/// </summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage(
    "Design",
    "CA1001:Types that own disposable fields should be disposable",
    Justification = "What is in memory dies with the process; none of it has a handle.")]
internal sealed class MetaserverMachine : IMetadataRows, IProposals, IChunkLeading, IFenceSender
{
    /// <summary>Where the leader is asked, whoever leads.</summary>
    public const string Address = "m:1";

    private const string Machine = "m";
    private static readonly TimeSpan FenceAttempt = TimeSpan.FromSeconds(1);

    private readonly ChainWorld _world;
    private readonly Prng _prng;
    private readonly HashedStore _rows = new(new MemoryStore());
    private readonly MetadataMachine _machine;
    private readonly ChunkServerOptions _options;
    private readonly ChunkFeed _feed = new();
    private SimulatedProcess? _process;
    private ChunkLead? _lead;
    private RepairRunner? _repair;
    private FenceStage _fences = null!;
    private LogIndex _began;
    private ulong _term;

    /// <summary>With an empty log.</summary>
    public MetaserverMachine(ChainWorld world, Prng prng)
    {
        (_world, _prng) = (world, prng);
        _machine = new MetadataMachine(_rows) { OnChunksChanged = _feed.Add };
        _options = new ChunkServerOptions
        {
            SealIdleMs = world.Options.SealIdleMs,
            Repair = new Metadata.Placement.Repair.RepairOptions { RetryMsMax = 4_000, RemovalRepeatMs = 5_000 },
        };
        Apply(new MetadataCommand
        {
            Bootstrap = new BootstrapRequest
            {
                ClusterHigh = (ulong)(world.Cluster.Value >> 64),
                ClusterLow = (ulong)world.Cluster.Value,
                NameKeyHigh = 1,
                NameKeyLow = 2,
                Mode = 0b111_111_101,
            },
        });
    }

    /// <summary>Who leads; null: nobody at the moment.</summary>
    public SimulatedProcess? Leader => _process;

    /// <inheritdoc/>
    public LogIndex AppliedIndex => _machine.AppliedIndex;

    /// <inheritdoc/>
    public long NowMs => _world.Queue.Now / 1_000;

    /// <summary>The state.</summary>
    public Tree Tree => _machine.Tree!;

    /// <inheritdoc/>
    public TResult Read<TArgument, TResult>(TArgument argument, Func<IOrderedStore, TArgument, TResult> read) =>
        read(_rows.Rows, argument);

    /// <inheritdoc/>
    public ulong RateOf(ServerId server) => 0;

    /// <inheritdoc/>
    public bool TryLead(out ChunkLead lead, out ServerAnswer answer)
    {
        (lead, answer) = (_lead!, ChunkLeading.Starting);
        return _lead != null;
    }

    /// <summary>Another leader begins, with what is in the log.</summary>
    public void Start()
    {
        if (_process != null)
        {
            return;
        }

        _world.Trace.Line($"leader {++_term} begins");
        var process = _process = new SimulatedProcess(_world, Machine) { Died = Died };
        _feed.Open();
        _began = AppliedIndex;
        var lead = _lead = new ChunkLead(_term, new LiveServers(_options, NowMs));
        ReadRows(lead);
        _fences = new FenceStage(Teller(lead, process), _options.FenceTimeout);
        new ChunkServersService(this, this, this, _options, _world.Cluster, NullLogger.Instance)
            .AddTo(process.Offers);
        process.Offers
            .Handle(MetadataMethods.OpenSession, OpenSessionAsync)
            .Handle(MetadataMethods.Mutate, MutateAsync)
            .Handle(MetadataMethods.Read, ReadMap);
        process.Start(() => LookAroundAsync(process, lead));
        _world.Wire.Listen(process);
    }

    /// <summary>Applies an entry.</summary>
    public MetadataReply Apply(MetadataCommand command)
    {
        command.LeaderTime = new Time { Seconds = 1_700_000_000 + (_world.Queue.Now / 1_000_000) };
        var bytes = _machine.Apply(_machine.AppliedIndex.Next, command.ToByteArray());
        _machine.Flush();
        var reply = MetadataReply.Parser.ParseFrom(bytes);
        _world.Invariants.OnApplied(Tree, command, reply);
        return reply;
    }

    /// <inheritdoc/>
    public async ValueTask<MetadataReply?> TryAsync(MetadataCommand command, CancellationToken cancellation)
    {
        var process = _process!;
        process.Effect();
        await process.DelayAsync(Round()).ConfigureAwait(false);
        var reply = Apply(command.Clone());
        process.Effect();
        await process.DelayAsync(Round()).ConfigureAwait(false);
        return _prng.Chance(_world.Options.OutcomesUnknown) ? null : reply;
    }

    /// <inheritdoc/>
    public async Task<FenceReply?> TrySendAsync(string address, FenceRequest request, CancellationToken limit)
    {
        var process = _process!;
        try
        {
            return await process.Caller.To(address)
                .CallAsync(ChunkServerMethods.Fence, request, FenceAttempt, limit).ConfigureAwait(false);
        }
        catch (Exception error) when (error is DistFsException or OperationCanceledException)
        {
            await process.DelayAsync(50_000).ConfigureAwait(false);
            return null;
        }
    }

    private FenceTeller Teller(ChunkLead lead, SimulatedProcess process) =>
        new(this, this, this, () => lead.Servers, process.Clock);

    private long Round() => 1 + (long)DiskFaults.Exponential(_prng, 1_000);

    private void Died()
    {
        (_process, _lead, _repair) = (null, null, null);
        _feed.Close();
        _world.LeaderStopped();
    }

    /// <summary>As the product's ChunkDuties, round by round.</summary>
    private async Task LookAroundAsync(SimulatedProcess process, ChunkLead lead)
    {
        while (true)
        {
            foreach (var (id, incarnation) in lead.Servers.Tick(NowMs))
            {
                _world.Trace.Line($"{id} is dead");
                await TryAsync(
                    new MetadataCommand
                    {
                        SetServerState = new SetServerStateRequest
                        {
                            Server = id.Value,
                            Incarnation = incarnation,
                            State = Protocol.ServerState.Down,
                        },
                    },
                    default).ConfigureAwait(false);
            }

            ReadRows(lead);
            if (lead.Servers.TakeRing(Math.Max(1, Tree.Servers.RingUnit), NowMs) is { } ring)
            {
                if (_repair == null)
                {
                    _repair = new RepairRunner(
                        this,
                        this,
                        lead,
                        _feed,
                        Teller(lead, process),
                        _options,
                        ring,
                        _began,
                        NowMs,
                        process.Clock,
                        NullLogger.Instance);
                }
                else
                {
                    _repair.SetRing(ring);
                }
            }

            if (_repair != null && !await _repair.RunAsync(NowMs, default).ConfigureAwait(false))
            {
                throw new InvariantException("no change is lost", "the planner's feed ran over");
            }

            await process.DelayAsync((long)_options.Interval.TotalMicroseconds).ConfigureAwait(false);
        }
    }

    private void ReadRows(ChunkLead lead) => lead.Servers.SetRows(Tree.Servers.All, AppliedIndex, NowMs);

    private async ValueTask<MetadataReply> OpenSessionAsync(OpenSessionCall request, ServerCall call) =>
        Known(await TryAsync(
            new MetadataCommand
            {
                OpenSession = new OpenSessionRequest { Nonce = request.Nonce, LeaseMs = request.LeaseMs },
            },
            default).ConfigureAwait(false));

    private async ValueTask<MetadataReply> MutateAsync(MutateCall request, ServerCall call)
    {
        var command = new MetadataCommand
        {
            Client = request.Client,
            Sequence = request.Sequence,
            Acknowledged = request.Acknowledged,
            Mutate = request.Request,
        };
        var operations = MutateRequest.Parser.ParseFrom(request.Request);
        foreach (var _ in operations.Operations.Where(static one => one.AllocateChunks != null))
        {
            var chosen = new ServerId[ReplicaGoal.ReplicasMax];
            var goal = new ReplicaGoal(_world.Options.Goal, RackRule.Spread);
            var count = _lead!.Servers.Place(Tree.Chunks.Next.Value, goal, Blocks.ChunkLayout.ChunkBytes, chosen);
            if (count == 0)
            {
                return new MetadataReply
                {
                    Status = (int)FsStatus.TryAgain,
                    Code = ErrorCatalog.NoChunkServers.Number,
                };
            }

            command.Placements.Add(new ChunkPlacement
            {
                Goal = (uint)goal.Replicas,
                Servers = { chosen[..count].Select(static server => server.Value) },
            });
        }

        var fences = _fences;
        var reply = Known(await TryAsync(command, default).ConfigureAwait(false));
        await fences.LeaveAsync(new Mutation(command, operations, TimeSpan.MaxValue, default), reply)
            .ConfigureAwait(false);
        return reply;
    }

    private static MetadataReply Known(MetadataReply? reply) =>
        reply ?? throw new RpcException(ErrorCatalog.NotLeader, "Nobody knows.", outcomeUnknown: true);

    private ValueTask<ReadReply> ReadMap(ReadRequest request, ServerCall call)
    {
        var reply = new ReadReply();
        foreach (var one in request.Operations)
        {
            var map = new FileMap();
            if (Tree.Chunks.TryGetPlace(new InodeId(one.GetFileMap.Inode), 0, out var place))
            {
                map.Chunks.Add(Replies.ToChunkInfo(Tree.Chunks, 0, place, place.Chunk));
            }

            reply.Replies.Add(new ReadOperationReply { Map = map });
        }

        return new(reply);
    }
}
