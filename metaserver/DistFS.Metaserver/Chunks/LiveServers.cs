using DistFS.Metadata.Placement;
using DistFS.Metadata.Servers;
using DistFS.Primitives;
using DistFS.Protocol;
using ServerState = DistFS.Metadata.Placement.ServerState;

namespace DistFS.Metaserver.Chunks;

/// <summary>
/// The chunk servers as the leader hears of them, for the time that it leads: liveness, loads, the ring, and what each
/// is to do. Any thread.
/// </summary>
internal sealed partial class LiveServers
{
    /// <summary>Loads are taken over at least so often.</summary>
    private const long LoadsMs = 1_000;

    /// <summary>All capacities together stay below this.</summary>
    private const long CapacityBytesMax = 1L << 62;

    private readonly Lock _gate = new();
    private readonly SortedDictionary<uint, LiveServer> _servers = [];
    private readonly Dictionary<string, RackId> _racks = [];
    private readonly ServerLiveness _liveness;
    private readonly List<LivenessChange> _changes = [];
    private Ring? _ring;
    private ServerLoads? _loads;
    private long _ringMs;
    private bool _isRingOld = true;
    private ulong _nextChunk;
    private bool _knowsCopies;

    /// <summary>Whether the ring is of all that was heard.</summary>
    public bool IsRingNow
    {
        get
        {
            lock (_gate)
            {
                return !_isRingOld;
            }
        }
    }

    /// <summary>Starts with nobody.</summary>
    public LiveServers(ChunkServerOptions options, long nowMs) =>
        _liveness = new ServerLiveness(nowMs, options.SuspectMs, options.DeadMs);

    /// <summary>
    /// Takes all rows as they were at a position of the log; of a server whose row was read at a later one, that one
    /// stays. Who is new here counts as heard just now, unless it is down.
    /// </summary>
    public void SetRows(IReadOnlyList<(ServerId Id, ServerRow Row)> rows, LogIndex position, long nowMs)
    {
        lock (_gate)
        {
            var known = new HashSet<uint>(_servers.Keys);
            foreach (var (id, row) in rows)
            {
                known.Remove(id.Value);
                Set(id, row, position, nowMs);
            }

            foreach (var gone in known.Where(id => _servers[id].RowAt <= position))
            {
                _servers.Remove(gone);
                _liveness.Remove(new ServerId(gone));
                _isRingOld = true;
            }
        }
    }

    /// <summary>Takes a row as it was at a position of the log, unless a later one is known.</summary>
    public void SetRow(ServerId id, ServerRow row, LogIndex position, long nowMs)
    {
        lock (_gate)
        {
            Set(id, row, position, nowMs);
        }
    }

    /// <summary>A server has registered: its inventory is to come.</summary>
    public void Registered(ServerId id, ServerRow row, LogIndex position, long nowMs)
    {
        lock (_gate)
        {
            var server = Set(id, row, position, nowMs);
            server.CapacityBytes = (long)row.CapacityBytes;
            server.IsDoubted = false;
            _liveness.Hear(id, nowMs);
            _isRingOld = true;
        }
    }

    /// <summary>
    /// A heartbeat: takes what it says, and fills the reply but for the deletions. ESTALE: of another run. Unknown
    /// servers, and those that are down, are told so.
    /// </summary>
    /// <param name="request">The heartbeat.</param>
    /// <param name="nowMs">Now.</param>
    /// <param name="reply">The reply.</param>
    /// <param name="garbage">Not 0: it may have to delete something; for <see cref="NoGarbage"/>.</param>
    public FsStatus Hear(HeartbeatRequest request, long nowMs, HeartbeatReply reply, out ulong garbage)
    {
        lock (_gate)
        {
            garbage = 0;
            if (!_servers.TryGetValue(request.Server, out var server)
                || server.Row.State == Protocol.ServerState.Down)
            {
                reply.IsUnknown = true;
                return FsStatus.Ok;
            }

            if (server.Row.Incarnation != request.Incarnation)
            {
                return FsStatus.Stale;
            }

            // While it was silent it may have been passed over: it is told everything with its inventory.
            var state = _liveness.StateOf(server.Id);
            if (state == ServerState.Dead || (state == ServerState.Away && request.BackWithinMs == 0))
            {
                reply.IsUnknown = true;
                return FsStatus.Ok;
            }

            var isFull = server.IsFull;
            server.IsDoubted = false;
            server.CapacityBytes = (long)Math.Min(request.CapacityBytes, ServerRow.CapacityBytesMax);
            server.UsedBytes = (long)Math.Min(request.UsedBytes, (ulong)server.CapacityBytes);
            (server.IsFull, server.Load) = (request.IsFull, request.Load);
            server.LatencyPercent = request.LatencyPercent;
            (server.DamagedBlocks, server.LostCopies) = (request.DamagedBlocks, request.LostCopies);
            _isRingOld |= isFull != request.IsFull | (request.BackWithinMs > 0
                ? _liveness.Leave(server.Id, request.BackWithinMs, nowMs)
                : _liveness.Hear(server.Id, nowMs));
            if (request.BackWithinMs > 0)
            {
                // It goes, and serves nobody any more.
                reply.ServeMs = 0;
            }

            reply.WantsInventory = !server.Row.IsThrough;
            reply.KnowsCopies = _knowsCopies;
            reply.Copies.Add(server.Copies.Values);
            reply.AgainMs = AgainMs(request, nowMs);
            garbage = server.GarbageTold == server.GarbageSeen ? 0 : server.GarbageTold;
            return FsStatus.Ok;
        }
    }

    /// <summary>A server has got something to delete.</summary>
    public void HasGarbage(ServerId id)
    {
        lock (_gate)
        {
            if (_servers.TryGetValue(id.Value, out var server))
            {
                server.GarbageTold++;
            }
        }
    }

    /// <summary>There was nothing to delete, when it was looked at after <see cref="Hear"/> had told so much.</summary>
    public void NoGarbage(ServerId id, ulong told)
    {
        lock (_gate)
        {
            if (_servers.TryGetValue(id.Value, out var server))
            {
                server.GarbageSeen = told;
            }
        }
    }

    /// <summary>
    /// A writer goes on without a server: it may be dead, which is not known here before it was silent for
    /// seconds. Until it is heard of again new chunks go elsewhere if they can.
    /// </summary>
    public void Doubt(ServerId id)
    {
        lock (_gate)
        {
            if (_servers.TryGetValue(id.Value, out var server))
            {
                server.IsDoubted = true;
            }
        }
    }

    /// <summary>What a server is.</summary>
    public ServerState StateOf(ServerId id)
    {
        lock (_gate)
        {
            return _servers.TryGetValue(id.Value, out var server) ? StateOf(server) : ServerState.Dead;
        }
    }

    /// <summary>The row of a server; null for none.</summary>
    public ServerRow? RowOf(ServerId id)
    {
        lock (_gate)
        {
            return _servers.GetValueOrDefault(id.Value)?.Row;
        }
    }

    /// <summary>All servers behind one, for a person.</summary>
    public (List<ServerStatus> Page, bool More) List(uint after, int limit)
    {
        lock (_gate)
        {
            var page = new List<ServerStatus>();
            foreach (var (id, server) in _servers)
            {
                if (id > after && page.Count == limit)
                {
                    return (page, true);
                }

                if (id > after)
                {
                    page.Add(new ServerStatus
                    {
                        Server = id,
                        Address = server.Row.Address,
                        Rack = server.Row.Rack,
                        CapacityBytes = (ulong)server.CapacityBytes,
                        UsedBytes = (ulong)server.UsedBytes,
                        State = StateOf(server).ToString().ToLowerInvariant(),
                        Load = server.Load,
                        IsThrough = server.Row.IsThrough,
                        DamagedBlocks = server.DamagedBlocks,
                        LostCopies = server.LostCopies,
                    });
                }
            }

            return (page, false);
        }
    }

    /// <summary>Time goes on: the servers that are silent for too long and not yet down in the log.</summary>
    public List<(ServerId Id, ulong Incarnation)> Tick(long nowMs)
    {
        lock (_gate)
        {
            _changes.Clear();
            _liveness.Tick(nowMs, _changes);
            _isRingOld |= _changes.Count > 0;
            var dead = new List<(ServerId, ulong)>();
            foreach (var server in _servers.Values)
            {
                var state = _liveness.StateOf(server.Id);
                if (server.Row.State != Protocol.ServerState.Down && state is ServerState.Suspect or ServerState.Dead)
                {
                    ExpectOrders(nowMs);
                    if (state == ServerState.Dead)
                    {
                        dead.Add((server.Id, server.Row.Incarnation));
                    }
                }
            }

            return dead;
        }
    }

    /// <summary>
    /// The ring when it is another than before: a state has changed, or it is time for new loads. Sorts the tokens of
    /// servers only that came or have another capacity. Null: nothing new.
    /// </summary>
    /// <param name="unit">Of a token, as the cluster has fixed it; 0: no server has room yet.</param>
    /// <param name="nowMs">Now.</param>
    public Ring? TakeRing(long unit, long nowMs)
    {
        lock (_gate)
        {
            if (!_isRingOld && nowMs - _ringMs < LoadsMs)
            {
                return null;
            }

            unit = Math.Max(1, unit);
            var most = CapacityBytesMax / Math.Max(1, _servers.Count);
            var infos = new ServerInfo[_servers.Count];
            var i = 0;
            foreach (var server in _servers.Values)
            {
                var capacity = Math.Min(server.CapacityBytes, most);
                infos[i++] = new ServerInfo(
                    server.Id, server.Rack, capacity, Math.Min(server.UsedBytes, capacity), StateOf(server));
            }

            _ring = _ring?.BytesPerToken == unit ? _ring.With(infos) : Ring.Build(infos, unit);
            _loads = new ServerLoads(_ring);
            (_ringMs, _isRingOld) = (nowMs, false);
            return _ring;
        }
    }

    /// <summary>From now on servers are told which copies they are to make.</summary>
    public void KnowCopies()
    {
        lock (_gate)
        {
            _knowsCopies = true;
        }
    }

    /// <summary>A server is to make a copy; false: there is no such server, or none to copy from.</summary>
    public bool TryOrder(ServerId target, CopyOrder order)
    {
        lock (_gate)
        {
            if (!_servers.TryGetValue(target.Value, out var server)
                || !_servers.TryGetValue(order.Source, out var source))
            {
                return false;
            }

            order.SourceAddress = source.Row.Address;
            server.Copies[order.Copy] = order;
            return true;
        }
    }

    /// <summary>A copy is not to be made any more, or is made.</summary>
    public void TakeBack(ServerId target, CopyId copy)
    {
        lock (_gate)
        {
            _servers.GetValueOrDefault(target.Value)?.Copies.Remove(copy.Value);
        }
    }

    /// <summary>What clients feel at each server that said so.</summary>
    public void Feelings(List<(ServerId Id, int LatencyPercent)> told)
    {
        lock (_gate)
        {
            foreach (var server in _servers.Values)
            {
                if (server.LatencyPercent > 0)
                {
                    told.Add((server.Id, (int)Math.Min(server.LatencyPercent, 1_000_000)));
                }
            }
        }
    }

    private LiveServer Set(ServerId id, ServerRow row, LogIndex position, long nowMs)
    {
        if (!_servers.TryGetValue(id.Value, out var server))
        {
            _servers.Add(id.Value, server = new LiveServer(id, row));
            _isRingOld = true;
            if (row.State != Protocol.ServerState.Down)
            {
                _liveness.Hear(id, nowMs);
            }
        }

        if (server.RowAt <= position)
        {
            _isRingOld |= server.Row != row;
            (server.Row, server.RowAt, server.Rack) = (row, position, RackOf(row));
        }

        return server;
    }

    /// <summary>Until its inventory is through nothing is asked of it, and what it has counts.</summary>
    private ServerState StateOf(LiveServer server) => server.Row.State == Protocol.ServerState.Down
        ? ServerState.Dead
        : ServerStates.Combine(
            _liveness.StateOf(server.Id) is var heard && heard == ServerState.Up && !server.Row.IsThrough
                ? ServerState.Suspect : heard,
            server.Row.State == Protocol.ServerState.Draining,
            server.Row.State == Protocol.ServerState.Full || server.IsFull);

    /// <summary>Servers that name no rack fail together with their host.</summary>
    private RackId RackOf(ServerRow row)
    {
        var colon = row.Address.LastIndexOf(':');
        var name = row.Rack.Length > 0 ? "r" + row.Rack : "h" + (colon < 0 ? row.Address : row.Address[..colon]);
        if (!_racks.TryGetValue(name, out var rack))
        {
            _racks.Add(name, rack = new RackId((uint)_racks.Count + 1));
        }

        return rack;
    }
}
