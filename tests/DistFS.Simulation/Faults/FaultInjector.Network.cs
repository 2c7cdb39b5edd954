using DistFS.Primitives;

namespace DistFS.Simulation;

/// <summary>What happens to links.</summary>
public sealed partial class FaultInjector
{
    private bool InjectNetwork(FaultKind kind, Prng prng)
    {
        var members = _world.Nodes.Where(node => node.State != NodeState.Lost).Select(node => node.Id.Value).ToArray();
        if (members.Length < 2)
        {
            return false;
        }

        prng.Shuffle<ulong>(members);
        var half = prng.NextInt32(1, members.Length);
        var leader = _world.Leader()?.Id.Value;
        if (kind is FaultKind.Isolation or FaultKind.OneWayCut && leader is { } first && prng.Chance(0.5))
        {
            var at = Array.IndexOf(members, first);
            (members[0], members[at]) = (members[at], members[0]);
        }

        if (kind == FaultKind.Clog)
        {
            _world.Network.Link(members[0], members[1]).CloggedUntil =
                _world.Queue.Now + Exponential(prng, Any(prng, 100_000, 1_000_000, 4_000_000));
            return true;
        }

        if (kind == FaultKind.Flapping)
        {
            Flap(members[0], members[1], prng, prng.NextInt32(2, 20), cut: true);
            return true;
        }

        var places = Enumerable.Range(0, members.Length).ToDictionary(i => members[i], i => i);
        var cuts = new List<(ulong From, ulong To)>();
        foreach (var from in members)
        {
            foreach (var to in members)
            {
                if (from != to && IsCut(kind, places[from], places[to], half))
                {
                    cuts.Add((from, to));
                }
            }
        }

        Cut(cuts, kind, prng);
        return cuts.Count > 0;
    }

    private static bool IsCut(FaultKind kind, int from, int to, int half) => kind switch
    {
        FaultKind.Split => from < half != to < half,
        FaultKind.Isolation => from == 0 || to == 0,
        FaultKind.OneWayCut => from == 0 && to <= half,
        FaultKind.Bridge => from != 0 && to != 0 && from <= half != to <= half,
        _ => Math.Abs(from - to) > 1,
    };

    private void Cut(List<(ulong From, ulong To)> cuts, FaultKind kind, Prng prng)
    {
        _world.Trace.Line($"{kind}: {string.Join(' ', cuts.Select(cut => $"{cut.From}>{cut.To}"))}");
        foreach (var (from, to) in cuts)
        {
            _world.Network.Cut(from, to, cut: true);
        }

        _world.Queue.After(Exponential(prng, Any(prng, 100_000, 500_000, 2_000_000, 6_000_000)), () =>
        {
            // After the faults are over, links that are cut belong to members that stay cut off.
            if (!_world.IsQuieting)
            {
                cuts.ForEach(cut => _world.Network.Cut(cut.From, cut.To, cut: false));
                _world.Trace.Line($"{kind} mended");
            }
        });
    }

    private void Flap(ulong from, ulong to, Prng prng, int times, bool cut)
    {
        if (_world.IsQuieting)
        {
            return;
        }

        _world.Network.Cut(from, to, cut);
        _world.Network.Cut(to, from, cut);
        if (times > 0 || cut)
        {
            _world.Queue.After(Exponential(prng, 50_000), () => Flap(from, to, prng, times - 1, !cut));
        }
    }
}
