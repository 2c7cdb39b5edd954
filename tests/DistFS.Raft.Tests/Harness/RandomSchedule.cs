namespace DistFS.Raft.Tests.Harness;

/// <summary>One short random life of a cluster: first everything goes wrong, then nothing does any more.</summary>
internal sealed class RandomSchedule
{
    private readonly Prng _prng;
    private readonly TestCluster _cluster;
    private readonly double _pace;
    private readonly double _loss;
    private readonly double _duplication;
    private readonly double _crash;
    private readonly double _hold;
    private readonly double _cut;
    private readonly double _change;
    private readonly double _compact;
    private readonly double _corruption;
    private ulong _contexts;
    private int _proposals;

    public RandomSchedule(ulong seed)
    {
        _prng = new Prng(seed);

        // A random subset of faults: all at once hide from each other.
        double Some(double most) => _prng.Chance(0.6) ? most * _prng.NextDouble() : 0;
        _pace = 0.2 + (2 * _prng.NextDouble());
        (_loss, _duplication) = (Some(0.3), Some(0.2));
        (_crash, _hold, _cut) = (Some(0.03), Some(0.1), Some(0.02));
        (_change, _compact, _corruption) = (Some(0.05), Some(0.05), Some(0.01));
        var inflight = _prng.NextInt32(1, 5);
        var appendBytes = _prng.Chance(0.5) ? 1 : 300;
        var apply = _prng.Chance(0.5) ? 100 : 10_000;
        var piece = _prng.NextInt32(10, 120);
        _cluster = new TestCluster(
            _prng.NextInt32(1, 6), learners: _prng.NextInt32(2), spares: 2, seed: seed, options: options => options with
            {
                InflightAppendsMax = inflight,
                AppendBytesMax = appendBytes,
                ApplyBytesMax = apply,
                SnapshotPieceBytes = piece,
                PromotionLagMax = 5,
            });
    }

    public TestCluster Cluster => _cluster;

    public void Run(int steps)
    {
        if (_prng.Chance(0.8))
        {
            _cluster.Run(25);
        }

        for (var i = 0; i < steps; i++)
        {
            Fault();
            Work();
        }

        Oracle.LogsMatch(_cluster.Nodes);
        BecomeCalm();
    }

    private TestNode Any() => _cluster.Nodes[_prng.NextInt32(_cluster.Nodes.Count)];

    private void Work()
    {
        for (var ticks = _pace; _prng.Chance(ticks); ticks--)
        {
            Any().Tick(_prng.Chance(0.02) ? 20 : 1);
        }

        if (_prng.Chance(0.1) && _cluster.Leader is { } leader)
        {
            leader.Propose($"p{_proposals++}");
        }

        if (_prng.Chance(0.05) && Any() is { IsDown: false } reader)
        {
            reader.Read(++_contexts);
        }

        if (_prng.Chance(0.01) && _cluster.Leader is { } old)
        {
            old.Transfer(Any());
        }

        for (var i = _prng.NextInt32(4); i > 0 && _cluster.Wire.Count > 0; i--)
        {
            DeliverAny();
        }
    }

    private void DeliverAny()
    {
        // Mostly in order, sometimes not.
        var at = _prng.Chance(0.8) ? 0 : _prng.NextInt32(_cluster.Wire.Count);
        var message = _cluster.Wire[at];
        if (!_prng.Chance(_duplication))
        {
            _cluster.Wire.RemoveAt(at);
        }

        if (!_prng.Chance(_loss))
        {
            _cluster.Arrive(message);
        }

        if (_cluster.Wire.Count > 300)
        {
            _cluster.Wire.RemoveRange(0, 100);
        }
    }

    private void Fault()
    {
        var node = Any();
        if (_prng.Chance(_hold))
        {
            Hold(node);
        }

        if (_prng.Chance(_crash))
        {
            CrashOrRestart(node);
        }

        if (_prng.Chance(_cut))
        {
            CutOrHeal(node);
        }

        if (_prng.Chance(_compact) && !node.IsDown && !node.Core.Status.SnapshotsInTransfer)
        {
            node.Compact(_prng.NextBelow(4));
        }

        if (_prng.Chance(_change) && _cluster.Leader is { } leader)
        {
            Change(leader);
        }
    }

    private void Hold(TestNode node)
    {
        if (node.IsDown)
        {
            return;
        }

        switch (_prng.NextInt32(5))
        {
            case 0: node.HoldsDisk = true; break;
            case 1: node.HoldsApply = true; break;
            case 2 when node.Disk.Count > 0: node.Write(); break;
            case 3 when node.Disk.Count > 0: node.Persist(); break;
            default:
                node.Tell();
                node.Release();
                break;
        }
    }

    private void CrashOrRestart(TestNode node)
    {
        if (node.IsDown)
        {
            node.Restart();
            return;
        }

        node.Crash(written: _prng.NextInt32(3));
        if (_prng.Chance(_corruption * 10) && CanLose(node))
        {
            node.Storage.LoseAfter(new LogIndex(_prng.NextBelow(node.Storage.Last.Index.Value + 1)));
        }

        if (_prng.Chance(0.5))
        {
            node.Restart();
        }
    }

    // One at a time, and nobody without whom there is no quorum: what two have lost, nobody may have.
    private bool CanLose(TestNode node) => _cluster.Nodes.All(other => other.Storage.IsWhole
        && other.Core.Status.Configuration is var known && (known.IsEmpty || known.HasQuorum(id => id != node.Id)));

    private void CutOrHeal(TestNode node)
    {
        switch (_prng.NextInt32(3))
        {
            case 0: _cluster.Isolate((int)node.Id.Value); break;
            case 1 when Any() is var other && other != node:
                _cluster.CutOneWay((int)node.Id.Value, (int)other.Id.Value);
                break;
            default: _cluster.Heal(); break;
        }
    }

    private void Change(TestNode leader)
    {
        var (voters, learners) = (new List<ulong>(), new List<ulong>());
        foreach (var node in _cluster.Nodes)
        {
            (_prng.NextInt32(4) switch { 0 => null, 1 => learners, _ => voters })?.Add(node.Id.Value);
        }

        // Who is no member yet comes in as a learner.
        var now = leader.Core.Status.Configuration;
        learners.AddRange(voters.Where(id => now.Find(new MemberId(id)) == null));
        voters.RemoveAll(id => now.Find(new MemberId(id)) == null);
        leader.ChangeMembership(TestCluster.Configuration(voters, learners));
    }

    /// <summary>
    /// All faults end; without a single new proposal everything must settle, and then one must go through.
    /// </summary>
    private void BecomeCalm()
    {
        _cluster.Heal();
        _cluster.Take();
        foreach (var node in _cluster.Nodes)
        {
            if (node.IsDown)
            {
                node.Restart();
            }

            node.Tell();
            node.Release();
        }

        for (var i = 0; i < 40 && !IsSettled(); i++)
        {
            _cluster.Run(10);
        }

        Assert.True(IsSettled(), $"not settled: {Describe()}");
        var leader = _cluster.Leader!;
        Assert.Equal(ProposeStatus.Accepted, leader.Read(++_contexts));
        Assert.Equal(ProposeStatus.Accepted, leader.Propose("calm").Status);
        _cluster.Run(30);
        Assert.Contains(leader.Reads, read => read.Context == _contexts);
        Assert.True(IsSettled(), $"not settled after a proposal: {Describe()}");
        Oracle.LogsMatch(_cluster.Nodes);
    }

    private bool IsSettled()
    {
        if (_cluster.Leader is not { } leader || leader.Core.Status is not { IsEstablished: true } status
            || status.Commit != status.Last.Index || status.Configuration.IsJoint || status.TransferTarget.Value != 0)
        {
            return false;
        }

        return _cluster.Nodes.Where(node => status.Configuration.Find(node.Id) != null).All(node =>
            node.Core.Status.Last == status.Last && node.Machine.Applied == status.Commit && node.Storage.IsWhole
            && node.Machine.Hash == leader.Machine.Hash && node.Core.Leader == leader.Id);
    }

    private string Describe() => string.Join("\n", _cluster.Nodes.Select(node =>
    {
        var s = node.Core.Status;
        return $"{node.Id} {s.Role} {s.Term} leader {s.Leader} commit {s.Commit} applied {s.Applied} last {s.Last} "
            + $"{s.Configuration} whole {s.IsWhole} {string.Join(",", s.Progress)}";
    }));
}
