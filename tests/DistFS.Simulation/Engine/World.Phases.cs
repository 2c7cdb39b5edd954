namespace DistFS.Simulation;

/// <summary>First safety under faults, then liveness without them.</summary>
public sealed partial class World
{
    private const long QuietMicrosecondsMax = 60_000_000;
    private const long QuietStepMicroseconds = 20_000;

    // A world that does so much is in a loop.
    private const long EventsPerVirtualSecondMax = 50_000;

    /// <summary>Runs all of it. Throws where something is wrong.</summary>
    public void Run()
    {
        foreach (var node in _nodes.Values.ToArray())
        {
            node.Start();
        }

        Workload.Start();
        Injector.Start();
        Operator.Start();
        RunUntil(Options.FaultsMicroseconds);
        Quiet();
        Settle();
        Invariants.Tell(invariant => invariant.OnEnd());
        Workload.Check();
    }

    private void RunUntil(long end)
    {
        var most = Queue.Done + 200_000 + ((end - Queue.Now) * EventsPerVirtualSecondMax / 1_000_000);
        while (Queue.RunOne(end))
        {
            if (Queue.Done > most)
            {
                throw new InvariantException("the world goes on", $"{Queue.Done} events in {Queue.Now} microseconds");
            }
        }
    }

    private void Quiet()
    {
        Trace.Line("quiet");
        IsQuieting = true;
        Network.MendAll();
        Options.Quality.Heal();
        foreach (var node in _nodes.Values)
        {
            node.Disk.Faults.Heal();
            node.Disk.CancelCrash();
            node.CrashAtBoundary(-1);
            node.ClockRate = 1;
        }

        LeaveSomeDead();
        foreach (var node in _nodes.Values.Where(node => node.State == NodeState.Down && !_staysDead.Contains(node.Id)))
        {
            node.Start();
        }

        Workload.Quiet();
    }

    /// <summary>All but a random majority of intact voters stay dead or cut off.</summary>
    private void LeaveSomeDead()
    {
        var configurations = Planner.InForce();
        var nodes = _nodes.Values.Where(node => node.State != NodeState.Lost).ToArray();
        _quietPrng.Shuffle<SimulatedNode>(nodes);
        foreach (var node in nodes)
        {
            if (!_quietPrng.Chance(0.5)
                || !configurations.All(configuration => configuration.HasQuorum(
                    id => id != node.Id && !_staysDead.Contains(id) && Planner.IsIntact(id))))
            {
                continue;
            }

            _staysDead.Add(node.Id);
            if (_quietPrng.Chance(0.5))
            {
                node.Kill("stays dead");
                continue;
            }

            Trace.Line($"{node.Id} stays cut off");
            foreach (var other in _nodes.Keys)
            {
                Network.Cut(node.Id.Value, other, cut: true);
                Network.Cut(other, node.Id.Value, cut: true);
            }
        }
    }

    private void Settle()
    {
        var end = Queue.Now + QuietMicrosecondsMax;
        while (WhatIsNotQuiet() is { } trouble)
        {
            if (Queue.Now >= end)
            {
                throw new InvariantException("liveness", $"60 seconds without faults, and still {trouble}");
            }

            RunUntil(Queue.Now + QuietStepMicroseconds);
        }

        Trace.Line("settled");
    }

    private string? WhatIsNotQuiet()
    {
        if (Workload.Clients.FirstOrDefault(client => !client.IsDone) is { } waiting)
        {
            return $"{waiting} has no answer";
        }

        var leader = _nodes.Values.FirstOrDefault(
            node => node.Leads && node.Status!.IsEstablished && !_staysDead.Contains(node.Id));
        if (leader?.Status is not { } status)
        {
            return "no leader";
        }

        if (!status.ConfigurationCommitted || status.Configuration.IsJoint)
        {
            return $"a change of members is under way: {status.Configuration}";
        }

        if (status.Commit != Invariants.Oracle.Commit || leader.AppliedIndex != status.Commit)
        {
            return $"{leader} is at {leader.AppliedIndex} of {status.Commit}, all of {Invariants.Oracle.Commit}";
        }

        foreach (var member in status.Configuration.Members)
        {
            if (_staysDead.Contains(member.Id) || Find(member.Id) is not { } node || node.State == NodeState.Lost
                || node.Store != member.Store)
            {
                continue;
            }

            if (node.Status is not { IsWhole: true } || node.AppliedIndex != leader.AppliedIndex)
            {
                return $"{node} is {node.State} at {node.AppliedIndex} of {leader.AppliedIndex}";
            }

            if (node.StateHash != leader.StateHash)
            {
                throw new InvariantException("replicas are equal",
                    $"{node} and {leader} differ at {node.AppliedIndex}");
            }
        }

        return Workload.WhatIsNotQuiet(leader);
    }
}
