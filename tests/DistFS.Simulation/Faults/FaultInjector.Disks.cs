using DistFS.Primitives;

namespace DistFS.Simulation;

/// <summary>What happens to disks.</summary>
public sealed partial class FaultInjector
{
    private bool InjectDisk(FaultKind kind, Prng prng)
    {
        if (kind is FaultKind.BitRot or FaultKind.DiskLost)
        {
            return Damage(kind, prng);
        }

        if (Victim(prng) is not { } victim)
        {
            return false;
        }

        var faults = victim.Disk.Faults;
        var time = Exponential(prng, Any(prng, 50_000, 500_000, 2_000_000));
        switch (kind)
        {
            case FaultKind.SlowDisk:
                faults.LatencyFactor = Any(prng, 10, 100, 1_000);
                Later(time, () => faults.LatencyFactor = 1);
                break;
            case FaultKind.HangingDisk:
                faults.HangsUntil = _world.Queue.Now + time;
                break;
            case FaultKind.FullDisk:
                faults.IsFull = true;
                Later(time, () => faults.IsFull = false);
                break;
            case FaultKind.SyncError:
                faults.SyncError = Any(prng, 10, 50, 100) / 100.0;
                Later(time, () => faults.SyncError = 0);
                break;
            case FaultKind.ShortWrite:
                faults.ShortWrite = Any(prng, 2, 20) / 100.0;
                Later(time, () => faults.ShortWrite = 0);
                break;
            default:
                faults.ReadError = Any(prng, 2, 20) / 100.0;
                Later(time, () => faults.ReadError = 0);
                break;
        }

        _world.Trace.Line($"{victim} {kind}");
        return true;
    }

    private bool Damage(FaultKind kind, Prng prng)
    {
        var fair = _world.Nodes
            .Where(node => node.State != NodeState.Lost && _world.Planner.MayDamage(node))
            .ToArray();
        if (fair.Length == 0)
        {
            return false;
        }

        var victim = fair[prng.NextInt32(fair.Length)];
        if (kind == FaultKind.BitRot)
        {
            return Rot(victim, prng);
        }

        _world.Planner.Damages(victim);
        victim.LoseDisk("loses its disk");
        if (prng.Chance(0.7))
        {
            Later(Exponential(prng, 100_000), () => _world.ReturnWiped(victim));
        }

        // What takes a disk often takes more: an election soon after is what a lost copy must survive.
        if (prng.Chance(0.5))
        {
            Later(Exponential(prng, 300_000), () => _world.Leader()?.PowerFails("after a disk was lost"));
        }

        return true;
    }

    private bool Rot(SimulatedNode victim, Prng prng)
    {
        // At rest: most rot is found when the machine starts.
        if (victim.State == NodeState.Running && prng.Chance(0.7))
        {
            victim.PowerFails("before its disk rots");
        }

        if (victim.Disk.Rot(static name => name.StartsWith("log-", StringComparison.Ordinal)) is not { } file)
        {
            return false;
        }

        _world.Planner.Damages(victim);
        _world.Trace.Line($"{victim} has a bit flipped in {file}");
        return true;
    }

    private void Later(long time, Action action) => _world.Queue.After(time, () =>
    {
        if (!_world.IsQuieting)
        {
            action();
        }
    });
}
