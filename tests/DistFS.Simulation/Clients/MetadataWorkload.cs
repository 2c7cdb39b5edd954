using DistFS.Metadata.Reads;
using DistFS.Metadata.Rows;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Simulation;

/// <summary>The metadata of a file system, with clients, chunk servers, and what a leader does by itself.</summary>
public sealed class MetadataWorkload : Workload
{
    private static readonly DateTimeOffset Epoch = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000);

    private readonly World _world;
    private readonly List<MetadataClient> _clients = [];
    private readonly List<LeaseClient> _leaseClients = [];
    private readonly Dictionary<SimulatedNode, LeaseLeader> _leaseLeaders = [];
    private readonly List<IClient> _all = [];
    private readonly SortedDictionary<string, long> _counts = new(StringComparer.Ordinal);
    private readonly Prng _prng;
    private readonly UInt128 _nameKey;
    private ulong _sessions;

    /// <summary>For a world.</summary>
    public MetadataWorkload(World world, SimulationSize size, Prng prng)
    {
        ArgumentNullException.ThrowIfNull(world);
        ArgumentNullException.ThrowIfNull(prng);
        (_world, _prng) = (world, prng.Fork());
        Options = MetadataOptions.Draw(prng.Fork(), size);
        world.Options.ForMetadata();
        _nameKey = new UInt128(prng.NextUInt64(), prng.NextUInt64());
        Places = new MetadataPlaces(Options.Groups);
        Servers = new ChunkServers(world, this, prng.Fork());
        for (var i = 0; i < world.Options.Clients; i++)
        {
            _clients.Add(new MetadataClient(world, this, i, prng.Fork()));
        }

        _all.AddRange(_clients);
        _all.AddRange(Servers.Make(_all.Count));
        (Exclude, Fresh) = (new LeasesExclude(Leased), new LeasedReadsAreFresh(Leased));
        for (var i = 0; i < Options.LeaseClients; i++)
        {
            _leaseClients.Add(new LeaseClient(world, this, _all.Count + i, prng.Fork()));
        }

        _all.AddRange(_leaseClients);
        Leased.Holders.AddRange(_leaseClients);
    }

    /// <summary>The knobs.</summary>
    public MetadataOptions Options { get; }

    /// <summary>Where clients work.</summary>
    public MetadataPlaces Places { get; }

    /// <summary>What they saw of names.</summary>
    public NamespaceHistory History { get; } = new();

    /// <summary>What clients with leases wrote.</summary>
    public LeasedValues Leased { get; } = new();

    /// <summary>What must hold of who believes in which lease.</summary>
    public LeasesExclude Exclude { get; }

    /// <summary>What must hold of what they read.</summary>
    public LeasedReadsAreFresh Fresh { get; }

    /// <summary>The chunk servers.</summary>
    public ChunkServers Servers { get; }

    /// <summary>The state as one member has it that never fails, and what must hold of it.</summary>
    public MetadataReference? Reference { get; private set; }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, long> Counts => _counts;

    /// <inheritdoc/>
    public override IReadOnlyList<IClient> Clients => _all;

    /// <inheritdoc/>
    public override int CommandBytesMax => 8 << 10;

    /// <inheritdoc/>
    public override IEnumerable<Invariant> MakeInvariants(Oracle oracle)
    {
        Reference = new MetadataReference(oracle, Servers, [Exclude, Fresh]);
        Reference.Requests.Executed = History.Executed;
        return [Reference, new AcknowledgedSurvives(oracle, Reference.Requests)];
    }

    /// <inheritdoc/>
    public override IReplicatedMachine NewMachine(SimulatedNode node, out LogIndex applied)
    {
        ArgumentNullException.ThrowIfNull(node);
        node.Engine.FlushProbability = Options.EngineFlushes;
        var machine = new MetadataMachineAdapter(
            node.Engine, _prng.Fork(), Options.StoreFlushes, new NodeClock(_world, node, Epoch));
        applied = machine.AppliedIndex;
        return machine;
    }

    /// <summary>What a member stamps its commands with while it leads.</summary>
    public static FileTime Clock(SimulatedNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return FileTime.Of(((MetadataMachineAdapter)node.Machine!).Now);
    }

    /// <summary>How a client opens a session.</summary>
    public MetadataCommand NextSession(ulong leaseMs, bool leases = false) => new()
    {
        OpenSession = new OpenSessionRequest { Nonce = ++_sessions, LeaseMs = leaseMs, Leases = leases },
    };

    /// <summary>An operation was answered.</summary>
    public void Count(Operation operation, OperationReply reply)
    {
        ArgumentNullException.ThrowIfNull(operation);
        ArgumentNullException.ThrowIfNull(reply);
        var name = $"{operation.KindCase} {(FsStatus)reply.Status}";
        _counts[name] = _counts.GetValueOrDefault(name) + 1;
    }

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> ToCommand(SimulatedNode leader, ReadOnlyMemory<byte> request)
    {
        var command = MetadataCommand.Parser.ParseFrom(request.Span);
        var now = Clock(leader);
        command.LeaderTime = new Time { Seconds = now.Seconds, Nanoseconds = now.Nanoseconds };
        if (command.KindCase == MetadataCommand.KindOneofCase.Mutate)
        {
            var chunks = MutateRequest.Parser.ParseFrom(command.Mutate).Operations
                .Sum(static operation => operation.AllocateChunks?.Indices.Count ?? 0);
            if (chunks > 0 && MetadataView.Open(((MetadataMachineAdapter)leader.Machine!).Published) is { } view)
            {
                command.Placements.AddRange(ChunkServers.Place(view.Tree, chunks, Options.Goal));
            }
        }

        return command.ToByteArray();
    }

    /// <summary>The first entry of the cluster.</summary>
    public MetadataCommand Bootstrap() => new()
    {
        Bootstrap = new BootstrapRequest
        {
            ClusterHigh = (ulong)(_world.Cluster.Value >> 64),
            ClusterLow = (ulong)_world.Cluster.Value,
            NameKeyHigh = (ulong)(_nameKey >> 64),
            NameKeyLow = (ulong)_nameKey,
            Mode = 0b111_111_101,
        },
    };

    /// <inheritdoc/>
    public override void Started(SimulatedNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        new MetadataLeader(_world, this, node, _prng.Fork()).Start();
        if (_leaseClients.Count > 0)
        {
            (_leaseLeaders[node] = new LeaseLeader(_world, this, node, _prng.Fork())).Start();
        }
    }

    /// <inheritdoc/>
    public override void Receive(SimulatedNode node, LeaseCall call) => _leaseLeaders[node].Receive(call);

    /// <inheritdoc/>
    public override void Start()
    {
        foreach (var client in _clients)
        {
            client.Budget = _world.Options.Operations / _world.Options.Clients;
            client.Think(_world.ThinkMicroseconds);
            client.StayAlive();
        }

        foreach (var client in _leaseClients)
        {
            client.Budget = 2 * _world.Options.Operations / _world.Options.Clients;
            client.Think(_world.ThinkMicroseconds);
        }

        Servers.Start();
    }

    /// <inheritdoc/>
    public override void Quiet()
    {
        foreach (var client in _clients)
        {
            client.Budget = 2;
            client.Think(_world.ThinkMicroseconds);
        }

        foreach (var client in _leaseClients)
        {
            client.Budget = 2;
            client.Think(_world.ThinkMicroseconds);
        }

        Servers.Quiet();
    }

    /// <inheritdoc/>
    public override string? WhatIsNotQuiet(SimulatedNode leader)
    {
        ArgumentNullException.ThrowIfNull(leader);
        var rows = ((MetadataMachineAdapter)leader.Machine!).Published;
        if (MetadataView.Open(rows) is not { } view)
        {
            return "there is no tree";
        }

        // Of clients that ended, or whose time is over, nothing is left; and nothing that only collection sees.
        foreach (var table in (ReadOnlySpan<RowTable>)
            [
                RowTable.Session, RowTable.SessionNonce, RowTable.EndedSession, RowTable.Open, RowTable.SessionOpen,
                RowTable.Locks, RowTable.SessionLock, RowTable.LockWait, RowTable.Orphan, RowTable.Trim,
                RowTable.Reply, RowTable.EndedHolder,
            ])
        {
            var found = false;
            rows.Scan([(byte)table], [(byte)(table + 1)], (_, _) => !(found = true));
            if (found)
            {
                return $"there are rows of {table}";
            }
        }

        return view.HasCollectableAt(Clock(leader))
            ? "there is something to collect" : Servers.WhatIsNotQuiet(view.Tree);
    }

    /// <inheritdoc/>
    public override void Check()
    {
        _counts["copies of repair"] = Reference!.Copies;
        foreach (var node in _world.Nodes.Where(static node => node.Machine != null))
        {
            Reference!.MustBeSound(node);
        }

        History.MustBeLinearizable();
        Fresh.OnEnd();
        foreach (var (what, count) in Leased.Counts)
        {
            _counts[what] = count;
        }
    }
}
