using DistFS.Primitives;

namespace DistFS.Metadata.Placement;

/// <summary>What a search for a server came to.</summary>
internal enum PickOutcome
{
    /// <summary>There is none.</summary>
    None,

    /// <summary>There is one.</summary>
    Found,

    /// <summary>Those that would do are busy.</summary>
    Busy,
}

/// <summary>A server that was found.</summary>
internal readonly record struct Pick(PickOutcome Outcome, int Server = -1, bool IsAboveBound = false);

/// <summary>
/// Finds servers for more replicas of a chunk, one after the other. First a short walk on the ring for one that breaks
/// no rule; if that ends, all servers are looked at once, for the least bad: racks come before the bound, and the
/// bound before the rank that rendezvous hashing gives.
/// </summary>
/// <remarks>
/// The walk ends almost always: it is long only where few servers take replicas, or a rack is much smaller than the
/// others. Without its end such clusters would walk the whole ring for every chunk.
/// </remarks>
internal ref struct TargetPicker
{
    /// <summary>Most servers that can be taken: those of a record, and as many as a goal can ask for.</summary>
    public const int TakenMax = ChunkInfo.ReplicasMax + (2 * ReplicaGoal.ReplicasMax);

    private const int WalkMax = 512;

    private readonly ServerLoads _loads;
    private readonly Ring _ring;
    private readonly ulong _hash;
    private readonly long _sizeBytes;
    private readonly ReplicaGoal _goal;
    private readonly Span<int> _taken;
    private readonly Span<int> _racks;
    private int _takenCount;
    private int _rackCount;
    private int _racksPossible;
    private int _token;
    private int _walked;

    /// <summary>Starts at the chunk's hash.</summary>
    /// <param name="loads">The servers.</param>
    /// <param name="chunk">Which chunk.</param>
    /// <param name="sizeBytes">What one replica takes.</param>
    /// <param name="goal">Of all its replicas.</param>
    /// <param name="taken">Room for <see cref="TakenMax"/> servers.</param>
    /// <param name="racks">Room for <see cref="TakenMax"/> racks.</param>
    public TargetPicker(
        ServerLoads loads, ChunkId chunk, long sizeBytes, ReplicaGoal goal, Span<int> taken, Span<int> racks)
    {
        (_loads, _ring, _hash, _sizeBytes, _goal) = (loads, loads.Ring, PlacementHash.Of(chunk), sizeBytes, goal);
        _taken = taken;
        _racks = racks;
        _racksPossible = _ring.AcceptingRacks;
        _token = _ring.TokenCount == 0 ? -1 : _ring.TokenAt(_hash);
    }

    /// <summary>Different racks of the replicas that count.</summary>
    public int DistinctRacks { get; private set; }

    /// <summary>Different racks that the chunk could have, whatever its goal.</summary>
    public readonly int RacksPossible => _racksPossible;

    /// <summary>A server that must not be found: it has a replica, good or not.</summary>
    public void Exclude(int server) => _taken[_takenCount++] = server;

    /// <summary>A server that has, or will have, a replica that counts.</summary>
    public void Take(int server)
    {
        Exclude(server);
        var rack = _ring.RackOf(server);
        if (InRack(rack) == 0)
        {
            DistinctRacks++;
            _racksPossible += _ring.RackAccepts(rack) ? 0 : 1;
        }

        _racks[_rackCount++] = rack;
    }

    /// <summary>Whether a server takes replicas, has room, and is not taken.</summary>
    public readonly bool CanTake(int server) =>
        _ring.Accepts(server) && _loads.HasRoom(server, _sizeBytes) && !_taken[.._takenCount].Contains(server);

    /// <summary>
    /// Whether a replica there keeps the rule of racks: no more in its rack than even spread allows, and enough
    /// replicas left for the racks that have none.
    /// </summary>
    public readonly bool RackAllows(int server)
    {
        if (_goal.Racks == RackRule.None)
        {
            return true;
        }

        var inRack = InRack(_ring.RackOf(server));
        var racks = Math.Min(_goal.Replicas, _racksPossible);
        return inRack == 0
            || (inRack * racks < _goal.Replicas && _goal.Replicas - _rackCount > racks - DistinctRacks);
    }

    /// <summary>The next server; it is to be taken or excluded before the search goes on.</summary>
    /// <param name="busy">Of each server whether it cannot begin now; empty for none.</param>
    public Pick Next(ReadOnlySpan<bool> busy)
    {
        if (_token < 0)
        {
            return new Pick(PickOutcome.None);
        }

        var wouldDo = false;
        var added = _sizeBytes * Math.Max(1, _goal.Replicas);
        for (; _walked < WalkMax; _walked++, _token = _ring.NextToken(_token))
        {
            var server = _ring.OwnerOf(_token);
            if (CanTake(server) && RackAllows(server) && _loads.IsBelowBound(server, added))
            {
                if (busy.IsEmpty || !busy[server])
                {
                    return new Pick(PickOutcome.Found, server);
                }

                wouldDo = true;
            }
        }

        return wouldDo ? new Pick(PickOutcome.Busy) : LeastBad(busy, added);
    }

    private readonly Pick LeastBad(ReadOnlySpan<bool> busy, long added)
    {
        var (best, bestRank, bestHash, bestIsBusy) = (-1, int.MaxValue, 0UL, false);
        for (var server = 0; server < _ring.Servers.Length; server++)
        {
            if (!CanTake(server))
            {
                continue;
            }

            var isAbove = !_loads.IsBelowBound(server, added);
            var inRack = _goal.Racks == RackRule.None ? 0 : InRack(_ring.RackOf(server));
            var rank = (inRack << 1) | (isAbove ? 1 : 0);
            if (rank > bestRank)
            {
                continue;
            }

            var isBusy = !busy.IsEmpty && busy[server];
            var hash = PlacementHash.OfPair(_hash, _ring.Servers[server].Id.Value);
            if (rank < bestRank || (bestIsBusy && !isBusy) || (bestIsBusy == isBusy && hash > bestHash))
            {
                (best, bestRank, bestHash, bestIsBusy) = (server, rank, hash, isBusy);
            }
        }

        return best < 0 ? new Pick(PickOutcome.None)
            : bestIsBusy ? new Pick(PickOutcome.Busy)
            : new Pick(PickOutcome.Found, best, (bestRank & 1) != 0);
    }

    private readonly int InRack(int rack)
    {
        var count = 0;
        foreach (var other in _racks[.._rackCount])
        {
            count += other == rack ? 1 : 0;
        }

        return count;
    }
}
