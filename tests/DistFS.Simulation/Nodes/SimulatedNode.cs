using DistFS.Metaserver.Consensus;
using DistFS.Metaserver.Storage;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>What a node is doing.</summary>
public enum NodeState
{
    /// <summary>The process runs, perhaps paused.</summary>
    Running,

    /// <summary>The process ended; it will be started again with the same disk.</summary>
    Down,

    /// <summary>The disk is gone or refused for good; the node never comes back.</summary>
    Lost,
}

/// <summary>
/// A machine with a disk on which one member runs: the shipped core, the shipped store, and what the product's shell
/// does between them, as events of virtual time.
/// </summary>
public sealed partial class SimulatedNode
{
    private readonly World _world;
    private readonly Prng _prng;
    private readonly RaftOptions _raft;
    private ReadyExecutor? _executor;
    private RaftStore? _store;
    private RaftStatus? _status;
    private int _life;
    private int _stepsToBoundary = -1;

    /// <summary>A node with an empty disk, not yet started.</summary>
    public SimulatedNode(World world, MemberId id, StoreId store, RaftConfiguration bootstrap, Prng prng)
    {
        _world = world;
        _prng = prng;
        Id = id;
        Store = store;
        _raft = world.Options.Raft(id, store);
        Disk = new SimulatedDisk($"{id}", prng.Fork(), world.Trace);
        Disk.Faults.SyncMicroseconds = world.Options.SyncMicroseconds;
        Engine = new EngineDisk(prng);
        Shadow = new MemberShadow(id, store);
        world.Invariants.Oracle.Add(Shadow);
        RaftStore.Format(Disk, new Identity(world.Cluster, id, store), bootstrap);
    }

    /// <summary>Who.</summary>
    public MemberId Id { get; }

    /// <summary>Its data folder.</summary>
    public StoreId Store { get; }

    /// <summary>Its disk.</summary>
    public SimulatedDisk Disk { get; }

    /// <summary>What the world knows of it.</summary>
    public MemberShadow Shadow { get; }

    /// <summary>What it is doing.</summary>
    public NodeState State { get; private set; } = NodeState.Down;

    /// <summary>Until then the process does nothing, while its clock goes on.</summary>
    public long PausedUntil { get; private set; }

    /// <summary>How fast its clock is.</summary>
    public double ClockRate { get; set; } = 1;

    /// <summary>How far its wall clock is off, in microseconds.</summary>
    public long ClockOffset { get; set; }

    /// <summary>The latest look at its core; null when it does not run.</summary>
    public RaftStatus? Status => State == NodeState.Running ? _status : null;

    /// <summary>Whether it runs and believes that it leads.</summary>
    public bool Leads => Status?.Role == RaftRole.Leader;

    /// <summary>Its state machine's hash.</summary>
    public ulong StateHash => _machine!.Hash!.Value;

    /// <summary>Its state machine; null before its first start.</summary>
    public IReplicatedMachine? Machine => _machine;

    /// <summary>What its state machine's engine has on its disk, for those that have one.</summary>
    public EngineDisk Engine { get; }

    /// <summary>What its wall clock shows, in microseconds since the start of the world, if it were right.</summary>
    public long WallClock => Now + ClockOffset;

    /// <summary>Up to where its state machine is.</summary>
    public LogIndex AppliedIndex => _adapter?.AppliedIndex ?? default;

    private RaftCore Core => _executor!.Core;

    private long Now => _world.Queue.Now;

    /// <summary>Starts the process with what the disk has.</summary>
    public void Start()
    {
        if (State != NodeState.Down)
        {
            return;
        }

        State = NodeState.Running;
        PausedUntil = 0;
        _life++;
        Guard(Open, pump: true);
    }

    /// <summary>Power is lost: the process ends, and the disk loses what was not synced.</summary>
    public void PowerFails(string why)
    {
        End($"loses power {why}");
        Disk.Crash();
    }

    /// <summary>The process ends; what the operating system holds of its files stays.</summary>
    public void Kill(string why)
    {
        End(why);
        Disk.KillProcess();
    }

    /// <summary>The disk is gone, with all that was on it.</summary>
    public void LoseDisk(string why)
    {
        End(why);
        State = NodeState.Lost;
        Shadow.WasDamaged = true;
    }

    /// <summary>It is no member any more and is switched off for good.</summary>
    public void Retire()
    {
        End("is switched off for good");
        State = NodeState.Lost;
    }

    /// <summary>The process does nothing for a while (a long garbage collection, SIGSTOP).</summary>
    public void Pause(long microseconds) => PausedUntil = Math.Max(PausedUntil, Now + microseconds);

    /// <summary>Its clock jumps ahead.</summary>
    public void JumpClock(int ticks)
    {
        ClockOffset += ticks * _world.Options.TickMicroseconds;
        Post(0, () =>
        {
            for (var i = 0; i < ticks; i++)
            {
                Core.Tick();
                Observe();
            }
        });
    }

    /// <summary>Power is lost at that effect boundary from now on: before or after a send, a write, an apply.</summary>
    public void CrashAtBoundary(int boundaries) => _stepsToBoundary = boundaries;

    /// <summary>Lets the process do something later, if it still runs then.</summary>
    public void Do(long delay, Action action) => Post(delay, action);

    /// <summary>Asks the core for something, as the operator does.</summary>
    public T? Ask<T>(Func<RaftCore, T> question)
        where T : struct
    {
        T? answer = null;
        if (State == NodeState.Running && PausedUntil <= Now)
        {
            Guard(() => answer = question(Core), pump: true);
        }

        return answer;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Id}";

    private void Open()
    {
        Disk.TakeCost();
        _store = OpenStore();
        foreach (var finding in _store.Findings)
        {
            _world.Trace.Line($"{Id} finds: {finding}");
        }

        _world.Invariants.Tell(invariant => invariant.OnOpened(Shadow, _store));
        Shadow.Started(_store);
        _executor = new ReadyExecutor(_raft, _store, NewMachine(), _prng.Fork(), this);
        _world.Invariants.Tell(invariant => invariant.OnRestored(Shadow, AppliedIndex, StateHash));
        _status = Core.Status;
        ResetLanes();
        _world.Trace.Line(
            $"{Id} starts: {_store.HardState}, log {_store.Compacted}..{_store.Last}, applied {AppliedIndex}"
            + (_store.IsWhole ? "" : $", not whole: promised {_store.Promised}"));
        PostTick();
        _world.Workload.Started(this);
    }

    private RaftStore OpenStore() => RaftStore.Open(
        Disk, _world.Options.Store(), _prng.Fork(), new Identity(_world.Cluster, Id, Store));

    private void End(string why)
    {
        if (State != NodeState.Running)
        {
            return;
        }

        _world.Trace.Line($"{Id} {why}");
        State = NodeState.Down;
        _life++;
        _stepsToBoundary = -1;
        Disk.CancelCrash();

        // Not disposed: a process that dies has no time for that.
        (_executor, _store, _status) = (null, null, null);
        _world.Stopped(this);
    }

    private void PostTick() => Post((long)(_world.Options.TickMicroseconds / ClockRate), () =>
    {
        PostTick();
        Core.Tick();
    });

    /// <summary>Lets this process do something later, if it still runs then.</summary>
    private void Post(long delay, Action action)
    {
        var life = _life;
        _world.Queue.After(delay, () => Run(life, action));
    }

    private void Run(int life, Action action)
    {
        if (life != _life || State != NodeState.Running)
        {
            return;
        }

        if (PausedUntil > Now)
        {
            _world.Queue.At(PausedUntil, () => Run(life, action));
            return;
        }

        Guard(action, pump: true);
    }

    private void Guard(Action action, bool pump)
    {
        try
        {
            action();
            if (pump && _executor != null)
            {
                Pump();
            }
        }
        catch (SimulatedCrashException)
        {
            PowerFails("in the middle of its work");
        }
        catch (DistFsException error) when (IsOfDisk(error))
        {
            _world.Trace.Line($"{Id} {error.GetType().Name}: {error.Message}");
            // Without its snapshot a state machine that is not durable by itself has nothing to start from.
            var isFinal = error is StoreRefusedException || (error is SnapshotCorruptException && _executor == null);
            Kill("stops: its disk failed");
            if (isFinal)
            {
                LoseForGood(error);
            }
        }
    }

    // What a store may answer when its disk fails. Whether it was entitled to is asked below.
    private static bool IsOfDisk(DistFsException error) =>
        error is StoreFailedException or LogCorruptException or SnapshotCorruptException or StoreRefusedException;

    private void LoseForGood(DistFsException error)
    {
        if (!Shadow.WasDamaged)
        {
            throw new InvariantException("a healthy disk is never refused", $"{Id}: {error.Message}");
        }

        _world.Trace.Line($"{Id} will not come back");
        State = NodeState.Lost;
        _world.Planner.Lost(this);
    }

    private void Boundary()
    {
        if (_stepsToBoundary >= 0 && _stepsToBoundary-- == 0)
        {
            throw new SimulatedCrashException();
        }
    }

    private void Observe()
    {
        var now = Core.Status;
        var before = _status!;
        _status = now;
        _world.Invariants.Observe(Shadow, before, now);
    }
}
