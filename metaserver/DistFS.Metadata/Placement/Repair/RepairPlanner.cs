using DistFS.Primitives;

namespace DistFS.Metadata.Placement.Repair;

/// <summary>
/// Decides what is copied and removed, so that every chunk gets what it should have, the chunks in most danger first
/// and at a pace that clients do not feel. Time, servers, chunks and the ends of copies go in; commands come out of
/// <see cref="Tick"/>. The same inputs give the same commands.
/// </summary>
/// <remarks>
/// All of it can be made again: a new leader starts one from the servers' rows and the assignments that are
/// persisted, and it asks for the scans it needs. It must be told of every change of a chunk's record once that is
/// applied. What it says is a proposal: the operations that persist an assignment and that remove a replica check the
/// version and the good replicas again, in the log's order, so that what two leaders said cannot add up to harm.
/// </remarks>
public sealed partial class RepairPlanner
{
    private readonly RepairOptions _options;
    private readonly RepairQueue _queue = new();
    private readonly RateMeter _meter = new();
    private readonly List<RepairCommand> _pending = [];
    private readonly List<RepairEntry> _due = [];

    /// <summary>Under way, by <see cref="CopyId"/>: each is in the flights of its chunk's entry too.</summary>
    private readonly SortedDictionary<ulong, CopyAssignment> _flights = [];

    private readonly PriorityQueue<ulong, (long AtMs, ulong Copy)> _deadlines = new();

    /// <summary>Servers whose chunks are to be scanned at once; zero is all chunks.</summary>
    private readonly SortedSet<uint> _toScan = [];

    /// <summary>The same for what was forgotten for want of room: to be scanned when there is some again.</summary>
    private readonly SortedSet<uint> _toScanAgain = [];

    private readonly SortedSet<uint> _scanning = [];

    private ServerLoads _loads;
    private Ring _ring;
    private ServerThrottle[] _throttles = [];
    private bool[] _busy = [];
    private int _free;
    private long _flyingBytes;
    private long _nowMs;
    private long _scannedMs;
    private ulong _nextCopy;
    private bool _haveServersChanged;

    /// <summary>
    /// Starts with the servers as they are, and asks for scans: of those that are dead or to be emptied, and of all
    /// chunks, since nobody knows what the leader before had under way.
    /// </summary>
    /// <param name="options">What repair may cost.</param>
    /// <param name="loads">The servers, and what they store; targets of copies are counted in it.</param>
    /// <param name="firstCopy">
    /// Above all ids given before, such as the position of the log at which the leader began, times 2^20.
    /// </param>
    /// <param name="underWay">What was persisted and has not ended; its time-outs start anew.</param>
    /// <param name="nowMs">Milliseconds of any clock that does not go back.</param>
    public RepairPlanner(
        RepairOptions options,
        ServerLoads loads,
        CopyId firstCopy,
        IEnumerable<CopyAssignment> underWay,
        long nowMs)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(loads);
        ArgumentNullException.ThrowIfNull(underWay);
        options.Validate();
        _options = options;
        (_loads, _ring, _nowMs) = (loads, loads.Ring, nowMs);
        _scannedMs = nowMs - options.ScanAgainMs;
        _nextCopy = Math.Max(1, firstCopy.Value);
        foreach (var assignment in underWay)
        {
            Fly(assignment);
            _nextCopy = Math.Max(_nextCopy, assignment.Copy.Value + 1);
        }

        _toScan.Add(0);
        UseServers(loads, before: null);
    }

    /// <summary>How far it is.</summary>
    public RepairStatus Status
    {
        get
        {
            var pending = _queue.PendingBytes + _flyingBytes;
            var rate = _meter.BytesPerSecond(_nowMs);
            var queued = new int[RepairQueue.ClassCount];
            for (var i = 0; i < queued.Length; i++)
            {
                queued[i] = _queue.QueuedIn((RepairClass)i);
            }

            return new RepairStatus(
                queued,
                _queue.ParkedCount,
                _queue.UnavailableCount,
                _flights.Count,
                pending,
                rate,
                pending == 0 ? 0 : rate == 0 ? null : (long)((Int128)pending * 1000 / rate),
                _toScan.Count == 0 && _toScanAgain.Count == 0 && _scanning.Count == 0);
        }
    }

    /// <summary>Whether it has work of its own on a chunk, which is then no chunk for the balancer.</summary>
    public bool IsBusyWith(ChunkId chunk) => _queue.Find(chunk) != null;

    /// <summary>
    /// Servers came, went, changed their state or told what they store: takes the new loads, and counts in them what
    /// is under way.
    /// </summary>
    public void SetServers(ServerLoads loads)
    {
        ArgumentNullException.ThrowIfNull(loads);
        var before = _ring;
        (_loads, _ring) = (loads, loads.Ring);
        UseServers(loads, before);
    }

    /// <summary>What clients feel at a server: their latency in percent of what it is without repair.</summary>
    public void Feel(ServerId server, int latencyPercent)
    {
        if (_ring.IndexOf(server) is >= 0 and var index)
        {
            _throttles[index].Feel(latencyPercent, _nowMs);
        }
    }

    /// <summary>What repair may send and receive at a server now, in bytes per second; 0 for an unknown one.</summary>
    public long RateOf(ServerId server) =>
        _ring.IndexOf(server) is >= 0 and var index ? _throttles[index].BytesPerSecond : 0;

    /// <summary>A chunk's record as it is: because it has changed, or in a scan. Cheap when it needs nothing.</summary>
    public void Offer(in ChunkInfo chunk)
    {
        var entry = _queue.Find(chunk.Id);
        if (entry == null)
        {
            var health = new ChunkHealth(chunk, _ring, null);
            if (health.ClassFor(chunk, null) is { } need && MakeRoom(chunk, need, health.Sources > 0))
            {
                Review(_queue.Add(chunk));
            }

            return;
        }

        entry.Chunk = chunk;
        var isRemoved = entry.Removing.Value != 0 && chunk.IndexOf(entry.Removing) < 0;
        if (isRemoved)
        {
            entry.Removing = default;
        }

        Decide(entry, isAgain: isRemoved);
    }

    /// <summary>A chunk is no more.</summary>
    public void Forget(ChunkId chunk)
    {
        if (_queue.Find(chunk) is { } entry)
        {
            while (entry.Flights.Count > 0)
            {
                var flight = entry.Flights[^1];
                _pending.Add(new CancelCopy(flight.Copy));
                Land(flight, entry);
                _loads.Add(flight.Target, -flight.SizeBytes);
            }

            _queue.Remove(entry);
        }
    }

    /// <summary>The log refused to remove a replica: the record is as it was.</summary>
    public void RemovalRefused(in ChunkInfo chunk)
    {
        if (_queue.Find(chunk.Id) is { } entry)
        {
            entry.Removing = default;
            entry.Chunk = chunk;
            Decide(entry, isAgain: true);
        }
    }

    /// <summary>
    /// Takes a move of the balancer, as the least urgent work. False, and nothing taken, if the chunk is not whole,
    /// has other work, or there is no room; the balancer then reverts it.
    /// </summary>
    public bool TryMove(in ChunkInfo chunk, in Move move)
    {
        if (chunk.Id != move.Chunk || _queue.Find(chunk.Id) != null || _queue.Count >= _options.ChunksMax
            || new ChunkHealth(chunk, _ring, null).ClassFor(chunk, null) != null
            || chunk.IndexOf(move.From) < 0 || chunk.IndexOf(move.To) >= 0)
        {
            return false;
        }

        var entry = _queue.Add(chunk);
        entry.Move = (move.From, move.To);
        Review(entry);
        return true;
    }

    /// <summary>A scan that was asked for has ended.</summary>
    public void Scanned(ServerId server) => _scanning.Remove(server.Value);

    private void UseServers(ServerLoads loads, Ring? before)
    {
        var throttles = new ServerThrottle[_ring.Servers.Length];
        for (var i = 0; i < throttles.Length; i++)
        {
            var (id, state) = (_ring.Servers[i].Id, _ring.Servers[i].State);
            var old = before?.IndexOf(id) ?? -1;
            throttles[i] = old >= 0 ? _throttles[old] : new ServerThrottle(_options, _nowMs);
            var was = old >= 0 ? before!.Servers[old].State : ServerState.Up;
            _haveServersChanged |= old < 0 || state != was;
            if (state != was && (state is ServerState.Dead or ServerState.Draining || was == ServerState.Dead))
            {
                _toScan.Add(id.Value);
            }
        }

        (_throttles, _busy) = (throttles, new bool[throttles.Length]);
        if (before == null)
        {
            foreach (var flight in _flights.Values)
            {
                BeginAtEnds(flight);
            }
        }
        else
        {
            foreach (var server in before.Servers)
            {
                if (_ring.IndexOf(server.Id) < 0)
                {
                    _toScan.Add(server.Id.Value);
                }
            }

            // Chunks that share racks for want of racks have no entry: only a scan of all finds them.
            if (_ring.AcceptingRacks > before.AcceptingRacks)
            {
                _toScan.Add(0);
            }

            foreach (var flight in _flights.Values)
            {
                loads.Add(flight.Target, flight.SizeBytes);
            }
        }

        FailFlightsOf(static (planner, flight) =>
            planner._ring.StateOf(flight.Source) == ServerState.Dead
            || planner._ring.StateOf(flight.Target) is ServerState.Dead or ServerState.Draining);
    }

    /// <summary>
    /// Whether one more chunk may be remembered. One that can be copied takes the place of one that is less urgent; if
    /// there is none, somebody will have to scan for it. One that cannot is found when a server of it is back.
    /// </summary>
    private bool MakeRoom(in ChunkInfo chunk, RepairClass need, bool hasSource)
    {
        if (_queue.Count < _options.ChunksMax || !hasSource)
        {
            return _queue.Count < _options.ChunksMax;
        }

        var evicted = _queue.Evict(need, _nowMs);
        ScanAgainFor(evicted == null ? chunk : evicted.Chunk);
        return evicted != null;
    }

    private void ScanAgainFor(in ChunkInfo chunk)
    {
        var isFound = false;
        foreach (var replica in chunk.Replicas)
        {
            if (_ring.StateOf(replica.Server) is ServerState.Dead or ServerState.Draining)
            {
                isFound = true;
                _toScanAgain.Add(replica.Server.Value);
            }
        }

        if (!isFound)
        {
            _toScanAgain.Add(0);
        }
    }
}
