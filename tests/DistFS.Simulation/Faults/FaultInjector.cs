using DistFS.Primitives;

namespace DistFS.Simulation;

/// <summary>Lets the faults of a seed happen, each kind from a generator of its own.</summary>
public sealed partial class FaultInjector
{
    private readonly World _world;
    private readonly SortedDictionary<FaultKind, Prng> _prngs = [];
    private readonly SortedDictionary<FaultKind, long> _counts = [];
    private readonly Prng _weather;
    private bool _isCalm;

    /// <summary>Bad luck for a world.</summary>
    public FaultInjector(World world, Prng prng)
    {
        _world = world;
        _weather = prng.Fork();
        foreach (var kind in Enum.GetValues<FaultKind>())
        {
            _prngs[kind] = prng.Fork();
        }
    }

    /// <summary>How often what happened.</summary>
    public IReadOnlyDictionary<FaultKind, long> Counts => _counts;

    /// <summary>Begins.</summary>
    public void Start()
    {
        Weather();
        foreach (var kind in _world.Options.Faults.Keys)
        {
            Next(kind);
        }
    }

    /// <summary>Storms and calms by turns: what never settles does little that could go wrong.</summary>
    private void Weather() => _world.Queue.After(Exponential(_weather, _isCalm ? 1_500_000 : 3_000_000), () =>
    {
        _isCalm = !_isCalm;
        Weather();
    });

    private void Next(FaultKind kind) => _world.Queue.After(
        1 + (long)DiskFaults.Exponential(_prngs[kind], _world.Options.Faults[kind]), () => Happen(kind));

    private void Happen(FaultKind kind)
    {
        if (_world.IsQuieting)
        {
            return;
        }

        if (!_isCalm && Inject(kind, _prngs[kind]))
        {
            _counts[kind] = _counts.GetValueOrDefault(kind) + 1;
        }

        Next(kind);
    }

    private bool Inject(FaultKind kind, Prng prng) => kind switch
    {
        FaultKind.MessageLoss or FaultKind.MessageDuplicates or FaultKind.MessageDelay or FaultKind.MessageCorruption
            => true,
        >= FaultKind.Split and <= FaultKind.Clog => InjectNetwork(kind, prng),
        >= FaultKind.SlowDisk and <= FaultKind.DiskLost => InjectDisk(kind, prng),
        FaultKind.MembershipChange =>
            _world.Leader() is { Status.ConfigurationCommitted: true } leader && _world.Operator.Change(leader),
        FaultKind.LeadershipTransfer => _world.Leader() is { } leader && _world.Operator.Transfer(leader),
        _ => InjectProcess(kind, prng),
    };

    private bool InjectProcess(FaultKind kind, Prng prng)
    {
        if (kind == FaultKind.PowerFailureOfAll)
        {
            foreach (var node in _world.Nodes)
            {
                node.PowerFails("with all others");
            }

            return true;
        }

        if (Victim(prng) is not { } victim)
        {
            return false;
        }

        switch (kind)
        {
            case FaultKind.PowerFailure:
                victim.PowerFails("");
                break;
            case FaultKind.PowerFailureInDiskOperation:
                victim.Disk.CrashAtOperation(prng.NextInt32(40));
                break;
            case FaultKind.PowerFailureBetweenEffects:
                victim.CrashAtBoundary(prng.NextInt32(40));
                break;
            case FaultKind.ProcessKilled:
                victim.Kill("is killed");
                break;
            case FaultKind.Pause:
                _world.Trace.Line($"{victim} pauses");
                victim.Pause(Exponential(prng, Any(prng, 50_000, 500_000, 3_000_000)));
                break;
            case FaultKind.ClockDrift:
                victim.ClockRate = 0.5 + (1.5 * prng.NextDouble());
                break;
            default:
                victim.JumpClock(prng.NextInt32(1, 60));
                break;
        }

        return true;
    }

    /// <summary>A running node; more often than not the leader, where most can go wrong.</summary>
    private SimulatedNode? Victim(Prng prng)
    {
        if (_world.Leader() is { } leader && prng.Chance(0.4))
        {
            return leader;
        }

        var running = _world.Nodes.Where(node => node.State == NodeState.Running).ToArray();
        return running.Length == 0 ? null : running[prng.NextInt32(running.Length)];
    }

    private static long Exponential(Prng prng, double mean) => 1 + (long)DiskFaults.Exponential(prng, mean);

    private static int Any(Prng prng, params ReadOnlySpan<int> values) => values[prng.NextInt32(values.Length)];
}
