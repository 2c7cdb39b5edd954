using DistFS.Primitives;

namespace DistFS.Metadata.Placement;

/// <summary>A replica that is to go elsewhere.</summary>
/// <param name="Chunk">Of which chunk.</param>
/// <param name="From">Where it is.</param>
/// <param name="To">Where it goes.</param>
/// <param name="SizeBytes">What that costs.</param>
public readonly record struct Move(ChunkId Chunk, ServerId From, ServerId To, long SizeBytes);

/// <summary>What became of a chunk that the balancer was offered.</summary>
public enum BalanceOutcome
{
    /// <summary>It stays: not whole, or no better place for it.</summary>
    Stays,

    /// <summary>It is to be moved.</summary>
    Moves,

    /// <summary>The budget is spent: offer it again later.</summary>
    NoBudget,

    /// <summary>Its server has nothing more to give.</summary>
    Enough,
}

/// <summary>
/// Chooses moves that make the servers of a ring evenly full, few and slowly: it is offered the chunks of the fullest
/// servers, one by one, and takes those that can go to one that has too little.
/// </summary>
/// <remarks>
/// A server out of its band is active until it is back within half of it. A move goes from above the share to below
/// it, does not end above it, and one of the two is active: so the sum of what servers deviate falls with each, and
/// it ends. What the shell plans of these it gives to the repair planner, which copies first and removes then.
/// </remarks>
public sealed class Balancer
{
    private const int ProbesMax = 32;
    private const int WalkMax = 32;

    private readonly BalancerOptions _options;
    private ByteBucket _budget;
    private Ring _ring;
    private ServerLoads _loads;

    /// <summary>Of each server its share in bytes, the band around it, and whether it is out of it.</summary>
    private long[] _fair = [];
    private long[] _band = [];
    private bool[] _isActive = [];

    /// <summary>Servers below their share: those out of their band, or all if some server is above its own.</summary>
    private readonly List<int> _receivers = [];

    private readonly List<ServerId> _donors = [];

    /// <summary>How many of the receivers are active: while there are any, everybody above the share gives.</summary>
    private int _activeReceivers;

    /// <summary>Starts with a full budget and nobody active.</summary>
    public Balancer(BalancerOptions options, ServerLoads loads, long nowMs)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(loads);
        options.Validate();
        _options = options;
        _budget = new ByteBucket(options.BytesPerSecond, nowMs);
        (_loads, _ring) = (loads, loads.Ring);
        Refresh(loads, nowMs);
    }

    /// <summary>Servers whose chunks are to be offered, the one with most to give first; none if all is even.</summary>
    public IReadOnlyList<ServerId> Donors => _donors;

    /// <summary>
    /// Takes new loads and time. Those must contain what is under way: moved bytes count where they go, not where they
    /// come from.
    /// </summary>
    public void Refresh(ServerLoads loads, long nowMs)
    {
        ArgumentNullException.ThrowIfNull(loads);
        _budget.Advance(nowMs);
        var isActive = new bool[loads.Ring.Servers.Length];
        _fair = new long[isActive.Length];
        _band = new long[isActive.Length];
        for (var i = 0; i < isActive.Length; i++)
        {
            var old = _ring.IndexOf(loads.Ring.Servers[i].Id);
            _fair[i] = loads.FairShare(i);
            _band[i] = Math.Max(_options.BandBytesMin, _fair[i] / 100 * _options.BandPercent);
            var deviation = Math.Abs(loads.Used(i) - _fair[i]);
            var wasActive = old >= 0 && old < _isActive.Length && _isActive[old];
            isActive[i] = loads.Ring.Servers[i].State.Stays()
                && deviation > (wasActive ? _band[i] / 2 : _band[i]);
        }

        (_ring, _loads, _isActive) = (loads.Ring, loads, isActive);
        ListServers();
    }

    /// <summary>Offers a chunk of a donor that has nothing under way; a move counts against budget and loads.</summary>
    public BalanceOutcome Offer(in ChunkInfo chunk, ServerId from, out Move move)
    {
        move = default;
        var source = _ring.IndexOf(from);
        if (source < 0 || !HasToGive(source))
        {
            return BalanceOutcome.Enough;
        }

        if (!_budget.HasAny)
        {
            return BalanceOutcome.NoBudget;
        }

        if (!IsWhole(chunk, from) || FindTarget(chunk, source) is not (>= 0 and var target))
        {
            return BalanceOutcome.Stays;
        }

        move = new Move(chunk.Id, from, _ring.Servers[target].Id, chunk.SizeBytes);
        _budget.Take(chunk.SizeBytes);
        Count(source, target, chunk.SizeBytes);
        return BalanceOutcome.Moves;
    }

    /// <summary>A move did not come about: its bytes are where they were.</summary>
    public void Revert(in Move move)
    {
        _loads.Add(move.To, -move.SizeBytes);
        _loads.Add(move.From, move.SizeBytes);
    }

    private void Count(int source, int target, long bytes)
    {
        _loads.Add(source, -bytes);
        _loads.Add(target, bytes);
        _isActive[source] &= _loads.Used(source) - _fair[source] > _band[source] / 2;
        if (_isActive[target] && _fair[target] - _loads.Used(target) <= _band[target] / 2)
        {
            _isActive[target] = false;
            _activeReceivers--;
        }

        // What was just moved would not fit again: the list stays one of servers that can still take something.
        if (_fair[target] - _loads.Used(target) < bytes && _receivers.BinarySearch(target) is >= 0 and var index)
        {
            _receivers.RemoveAt(index);
        }
    }

    private void ListServers()
    {
        _receivers.Clear();
        _donors.Clear();
        _activeReceivers = 0;
        var isAnyOver = false;
        for (var i = 0; i < _fair.Length; i++)
        {
            isAnyOver |= _isActive[i] && _loads.Used(i) > _fair[i];
            _activeReceivers += _isActive[i] && _loads.Used(i) < _fair[i] && _ring.Accepts(i) ? 1 : 0;
        }

        var donors = new List<int>();
        for (var i = 0; i < _fair.Length; i++)
        {
            var over = _loads.Used(i) - _fair[i];
            if (over > 0 && _ring.Servers[i].State.Stays() && (_activeReceivers > 0 || _isActive[i]))
            {
                donors.Add(i);
            }
            else if (over < 0 && _ring.Accepts(i) && (isAnyOver || _isActive[i]))
            {
                _receivers.Add(i);
            }
        }

        donors.Sort((left, right) =>
        {
            var order = (_loads.Used(right) - _fair[right]).CompareTo(_loads.Used(left) - _fair[left]);
            return order != 0 ? order : left.CompareTo(right);
        });
        foreach (var donor in donors)
        {
            _donors.Add(_ring.Servers[donor].Id);
        }
    }

    private bool HasToGive(int server) =>
        _receivers.Count > 0 && (_activeReceivers > 0 || _isActive[server])
        && _ring.Servers[server].State.Stays() && _loads.Used(server) > _fair[server];

    /// <summary>Only chunks that have all they should have are moved: redundancy comes first.</summary>
    private bool IsWhole(in ChunkInfo chunk, ServerId from)
    {
        if (chunk.Replicas.Length != chunk.Goal.Replicas || chunk.IndexOf(from) < 0)
        {
            return false;
        }

        foreach (var replica in chunk.Replicas)
        {
            if (replica.State != ReplicaState.Good || !_ring.StateOf(replica.Server).Stays())
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>A server on the chunk's way round the ring if one wants it, or else any of those that do.</summary>
    private int FindTarget(in ChunkInfo chunk, int source)
    {
        var hash = PlacementHash.Of(chunk.Id);
        if (_ring.TokenCount == 0)
        {
            return -1;
        }

        for (var (token, i) = (_ring.TokenAt(hash), 0); i < WalkMax; i++, token = _ring.NextToken(token))
        {
            if (IsBetter(chunk, source, _ring.OwnerOf(token)))
            {
                return _ring.OwnerOf(token);
            }
        }

        var start = _receivers.Count == 0 ? 0 : (int)(PlacementHash.OfPair(hash, 0) % (ulong)_receivers.Count);
        for (var i = 0; i < Math.Min(ProbesMax, _receivers.Count); i++)
        {
            var target = _receivers[(start + i) % _receivers.Count];
            if (IsBetter(chunk, source, target))
            {
                return target;
            }
        }

        return -1;
    }

    private bool IsBetter(in ChunkInfo chunk, int source, int target) =>
        (_isActive[source] || _isActive[target])
        && _ring.Accepts(target)
        && _loads.Used(target) + chunk.SizeBytes <= _fair[target]
        && _loads.HasRoom(target, chunk.SizeBytes)
        && chunk.IndexOf(_ring.Servers[target].Id) < 0
        && KeepsRacks(chunk, source, target);

    /// <summary>The rack it comes to has then no more replicas than the rack it leaves had.</summary>
    private bool KeepsRacks(in ChunkInfo chunk, int source, int target)
    {
        if (chunk.Goal.Racks == RackRule.None || _ring.RackOf(source) == _ring.RackOf(target))
        {
            return true;
        }

        var (before, after) = (0, 1);
        foreach (var replica in chunk.Replicas)
        {
            var rack = _ring.RackOf(_ring.IndexOf(replica.Server));
            before += rack == _ring.RackOf(source) ? 1 : 0;
            after += rack == _ring.RackOf(target) ? 1 : 0;
        }

        return after <= before;
    }
}
