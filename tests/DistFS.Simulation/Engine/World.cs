using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>
/// A whole cluster with its clients, its operator and its bad luck, in one thread and virtual time, from one seed.
/// </summary>
public sealed partial class World
{
    private readonly SortedDictionary<ulong, SimulatedNode> _nodes = [];
    private readonly Prng _nodePrng;
    private readonly Prng _restartPrng;
    private readonly Prng _quietPrng;
    private readonly Prng _rumours;
    private readonly HashSet<MemberId> _staysDead = [];
    private ulong _members;
    private ulong _contexts;

    /// <summary>Makes the world of a seed.</summary>
    public World(ulong seed, SimulationSize size, SimulationMachine machine = SimulationMachine.Registers)
    {
        // One generator for each part, in an order that never changes: more draws in one part do not shift the others.
        var root = new Prng(seed);
        Options = WorldOptions.Draw(root.Fork(), size);
        var network = root.Fork();
        var faults = root.Fork();
        var operators = root.Fork();
        var clients = root.Fork();
        _nodePrng = root.Fork();
        _restartPrng = root.Fork();
        _quietPrng = root.Fork();
        Cluster = new ClusterId(new UInt128(root.NextUInt64(), root.NextUInt64()));
        _rumours = root.Fork();
        Trace = new Trace(Queue);
        Network = new SimulatedNetwork(Queue, Trace, network, Options.Quality) { Arrived = Arrive, Lost = Lose };
        Workload = machine == SimulationMachine.Metadata
            ? new MetadataWorkload(this, size, clients)
            : new RegisterWorkload(this, clients);
        Invariants = new InvariantSet(
            Options.Raft(new MemberId(1), default), Workload.CommandBytesMax, Workload.MakeInvariants);
        var bootstrap = Bootstrap();
        Planner = new FaultPlanner(this, bootstrap);
        foreach (var member in bootstrap.Members)
        {
            Make(member.Id, member.Store, bootstrap);
        }

        Injector = new FaultInjector(this, faults);
        Operator = new Operator(this, operators);
    }

    /// <summary>The knobs.</summary>
    public WorldOptions Options { get; }

    /// <summary>What is to happen.</summary>
    public EventQueue Queue { get; } = new();

    /// <summary>What has happened.</summary>
    public Trace Trace { get; }

    /// <summary>Between members and clients.</summary>
    public SimulatedNetwork Network { get; }

    /// <summary>What must hold.</summary>
    public InvariantSet Invariants { get; }

    /// <summary>Which damage is fair.</summary>
    public FaultPlanner Planner { get; }

    /// <summary>Bad luck.</summary>
    public FaultInjector Injector { get; }

    /// <summary>Who changes the members.</summary>
    public Operator Operator { get; }

    /// <summary>The state machine, and who uses it.</summary>
    public Workload Workload { get; }

    /// <summary>The cluster's name.</summary>
    public ClusterId Cluster { get; }

    /// <summary>All nodes, by id.</summary>
    public IReadOnlyCollection<SimulatedNode> Nodes => _nodes.Values;

    /// <summary>Whether faults are over.</summary>
    public bool IsQuieting { get; private set; }

    /// <summary>Snapshots made.</summary>
    public long Snapshots { get; set; }

    /// <summary>Operations answered.</summary>
    public int OperationsDone => Workload.Clients.Sum(client => client.Done);

    /// <summary>Mean pause of a client between two operations.</summary>
    public double ThinkMicroseconds =>
        IsQuieting ? 5_000 : (double)Options.FaultsMicroseconds * Options.Clients / Options.Operations;

    /// <summary>The node of that id, or null.</summary>
    public SimulatedNode? Find(MemberId id) => _nodes.GetValueOrDefault(id.Value);

    /// <summary>A name for a read that no other has.</summary>
    public ulong NextContext() => ++_contexts;

    /// <summary>Some member's endpoint, as a client knows them.</summary>
    public ulong AnyMember(Prng prng)
    {
        var members = Planner.Committed.Members;
        return members[prng.NextInt32(members.Count)].Id.Value;
    }

    /// <summary>The node that leads in the latest term, or null.</summary>
    public SimulatedNode? Leader()
    {
        SimulatedNode? leader = null;
        foreach (var node in _nodes.Values)
        {
            if (node.Leads && (leader == null || node.Status!.Term > leader.Status!.Term))
            {
                leader = node;
            }
        }

        return leader;
    }

    /// <summary>A new node, ready to be added to the cluster.</summary>
    public RaftMember NewMember()
    {
        var member = NameMember(MemberRole.Learner);
        Make(member.Id, member.Store, RaftConfiguration.Empty).Start();
        return member;
    }

    /// <summary>
    /// A machine whose disk was lost comes back under its old name. Its store has another name, so that nobody takes it
    /// for what it was.
    /// </summary>
    public void ReturnWiped(SimulatedNode lost)
    {
        ArgumentNullException.ThrowIfNull(lost);
        var planted = Teeth.Has(PlantedBug.WipedVoterReturns);
        var store = planted ? lost.Store : new StoreId(_nodePrng.NextUInt64());
        Trace.Line($"{lost.Id} returns with an empty disk, {store}");
        var node = Make(lost.Id, store, planted ? Planner.Committed : RaftConfiguration.Empty);
        node.Shadow.WasDamaged = true;
        node.Start();
    }

    /// <summary>A process ended: others notice soon, and it is started again, unless it was to stay dead.</summary>
    public void Stopped(SimulatedNode node)
    {
        foreach (var other in _nodes.Values)
        {
            if (other != node && _rumours.Chance(0.5))
            {
                Queue.After(1 + _rumours.NextInt32(2_000), () => other.NoticeLoss(node.Id, isGone: true));
            }
        }

        var delay = 10_000 + (long)DiskFaults.Exponential(_restartPrng, IsQuieting ? 50_000 : 500_000);
        Queue.After(delay, () =>
        {
            if (!_staysDead.Contains(node.Id) && ReferenceEquals(Find(node.Id), node))
            {
                node.Start();
            }
        });
    }

    /// <summary>A core reported something.</summary>
    public void Happened(RaftEvent happened)
    {
        if (happened.Kind == RaftEventKind.PeerAtFault)
        {
            throw new InvariantException("no member is at fault", $"{happened}");
        }
    }

    private SimulatedNode Make(MemberId id, StoreId store, RaftConfiguration bootstrap) =>
        _nodes[id.Value] = new SimulatedNode(this, id, store, bootstrap, _nodePrng.Fork());

    private RaftConfiguration Bootstrap()
    {
        var members = new List<RaftMember>();
        for (var i = 0; i < Options.Voters + Options.Learners; i++)
        {
            members.Add(NameMember(i < Options.Voters ? MemberRole.Voter : MemberRole.Learner));
        }

        return new RaftConfiguration(members);
    }

    private RaftMember NameMember(MemberRole role)
    {
        var id = new MemberId(++_members);
        return new RaftMember(id, new StoreId(_nodePrng.NextUInt64()), $"{id}", role);
    }

    private void Arrive(Packet packet)
    {
        if (packet.To >= SimulatedNetwork.FirstClient)
        {
            var client = Workload.Clients[(int)(packet.To - SimulatedNetwork.FirstClient)];
            if (packet.Call is LeaseAnswer answer)
            {
                ((LeaseClient)client).Receive(answer);
            }
            else
            {
                client.Receive(packet.From, (ClientReply)packet.Call!);
            }

            return;
        }

        if (Find(new MemberId(packet.To)) is not { State: NodeState.Running } node)
        {
            return;
        }

        if (packet.Call is ClientRequest request)
        {
            node.Receive(request);
            return;
        }

        if (packet.Call is LeaseCall call)
        {
            node.Receive(call);
            return;
        }

        // In the product the frame's checksum refuses what was damaged; here the codec must survive it.
        var read = RaftCodec.TryReadMessage(packet.Bytes, out var message, out var fault);
        if (packet.IsCorrupt)
        {
            return;
        }

        if (!read)
        {
            throw new InvariantException("what is encoded can be decoded", fault ?? "");
        }

        if (Trace.IsDetailed)
        {
            Trace.Detail($"{message!.From} -> {message}");
        }

        node.Receive(message!);
    }

    private void Lose(Packet packet)
    {
        // Sometimes it is taken for more than it is.
        var isAlarm = _rumours.Chance(0.02);
        Find(new MemberId(packet.From))?.NoticeLoss(new MemberId(packet.To), isAlarm);
    }
}
