using DistFS.Metadata.Placement;
using DistFS.Metadata.Placement.Repair;
using ChunkInfo = DistFS.Metadata.Placement.ChunkInfo;
using ServerState = DistFS.Metadata.Placement.ServerState;

namespace DistFS.Metadata.Tests.Placement.Repair;

/// <summary>
/// Servers, records and copies round a planner, which does what the planner says and checks what must never be said.
/// </summary>
internal sealed class RepairWorld
{
    private readonly Dictionary<ServerId, List<(long AtMs, long Bytes)>> _begun = [];
    private readonly List<CopyId> _copiesSeen = [];

    public RepairWorld(ServerInfo[] servers, RepairOptions? options = null)
    {
        Servers = servers;
        Options = options ?? new RepairOptions();
        Planner = new RepairPlanner(Options, Loads(), new CopyId(1), [], NowMs);
    }

    public RepairOptions Options { get; }

    public ServerInfo[] Servers { get; private set; }

    public SortedDictionary<ulong, ChunkInfo> Chunks { get; } = [];

    public List<CopyAssignment> Flights { get; } = [];

    public List<RepairCommand> Last { get; } = [];

    public RepairPlanner Planner { get; private set; }

    public long NowMs { get; private set; } = 1000;

    /// <summary>Whether removals reach the records at once.</summary>
    public bool DoesRemove { get; set; } = true;

    /// <summary>Whether scans are answered at once.</summary>
    public bool DoesScan { get; set; } = true;

    public void Put(ChunkInfo chunk)
    {
        Chunks[chunk.Id.Value] = chunk;
        Planner.Offer(chunk);
    }

    public void Put(ulong id, ReplicaGoal goal, params uint[] servers) => Put(Cluster.Chunk(id, goal, servers));

    public void Set(uint server, ServerState state)
    {
        Servers = Servers.With(server, state);
        Planner.SetServers(Loads());
    }

    public void Add(ServerInfo server)
    {
        Servers = [.. Servers, server];
        Planner.SetServers(Loads());
    }

    /// <summary>Another leader: it knows the records and the assignments.</summary>
    public void Restart()
    {
        Planner = new RepairPlanner(Options, Loads(), new CopyId((ulong)NowMs << 20), Flights, NowMs);

        // It may begin with a second's worth, since nobody tells it what was begun and has ended.
        _begun.Clear();
    }

    /// <summary>One tick; the commands are in <see cref="Last"/>.</summary>
    public IReadOnlyList<StartCopy> Tick(long forMs = 100)
    {
        NowMs += forMs;
        Last.Clear();
        Planner.Tick(NowMs, Last);
        foreach (var command in Last)
        {
            switch (command)
            {
                case StartCopy start:
                    Begin(start.Assignment);
                    break;
                case CancelCopy cancel:
                    Flights.RemoveAll(f => f.Copy == cancel.Copy);
                    break;
                case RemoveReplica remove:
                    JudgeRemoval(remove);
                    break;
                case ScanChunks scan when DoesScan:
                    Scan(scan.Server);
                    break;
                default:
                    Assert.IsType<ScanChunks>(command);
                    break;
            }
        }

        foreach (var remove in Last.OfType<RemoveReplica>().Where(_ => DoesRemove))
        {
            Remove(remove);
        }

        return [.. Last.OfType<StartCopy>()];
    }

    public void Scan(ServerId server)
    {
        foreach (var chunk in Chunks.Values.Where(c => server.Value == 0 || c.IndexOf(server) >= 0).ToList())
        {
            Planner.Offer(chunk);
        }

        Planner.Scanned(server);
    }

    public void Finish(CopyAssignment flight)
    {
        Assert.True(Flights.Remove(flight));
        var chunk = Chunks[flight.Chunk.Value];
        var replicas = chunk.Replicas.ToArray().Where(r => r.Server != flight.Target).ToList();
        replicas.Add(new Replica(flight.Target, ReplicaState.Good));
        Chunks[chunk.Id.Value] = With(chunk, replicas);
        Assert.True(Planner.CopyDone(flight.Copy, Chunks[chunk.Id.Value]));
    }

    public void FinishAll()
    {
        foreach (var flight in Flights.ToList())
        {
            Finish(flight);
        }
    }

    public void Fail(CopyAssignment flight)
    {
        Assert.True(Flights.Remove(flight));
        Assert.True(Planner.CopyFailed(flight.Copy));
    }

    public void Spoil(ulong id, uint server)
    {
        var chunk = Chunks[id];
        Put(With(chunk, chunk.Replicas.ToArray()
            .Select(r => r.Server.Value == server ? r with { State = ReplicaState.Bad } : r)));
    }

    /// <summary>As the state machine does it: only if enough others are good there and then.</summary>
    public void Remove(RemoveReplica remove)
    {
        var chunk = Chunks[remove.Chunk.Value];
        if (GoodElsewhere(chunk, remove.Server) < chunk.Goal.Replicas)
        {
            Planner.RemovalRefused(chunk);
            return;
        }

        Put(With(chunk, chunk.Replicas.ToArray().Where(r => r.Server != remove.Server)));
    }

    /// <summary>Ticks and ends copies until nothing is under way, wanted or parked, but what has no source.</summary>
    public void RunUntilQuiet(int ticks = 5000)
    {
        for (; ticks > 0; ticks--)
        {
            Tick();
            FinishAll();
            var status = Planner.Status;
            var isIdle = status is { InFlight: 0, IsComplete: true } && status.Parked == status.Unavailable;
            if (isIdle && status.Queued.Sum() == 0 && Last.Count == 0)
            {
                return;
            }
        }

        Assert.Fail($"Not quiet: {Planner.Status} {string.Join(' ', Planner.Status.Queued)}");
    }

    public ServerState StateOf(ServerId id) =>
        Servers.Where(s => s.Id == id).Select(s => s.State).DefaultIfEmpty(ServerState.Dead).Single();

    public RackId RackOf(ServerId id) => Servers.Single(s => s.Id == id).Rack;

    /// <summary>Good replicas on servers that serve and keep them.</summary>
    public int GoodElsewhere(ChunkInfo chunk, ServerId than) => chunk.Replicas.ToArray().Count(r =>
        r.Server != than && r.State == ReplicaState.Good && StateOf(r.Server).Stays());

    public ServerLoads Loads() => Cluster.Loads([.. Servers.Select(s => s with
    {
        UsedBytes = Chunks.Values.Count(c => c.IndexOf(s.Id) >= 0) * Cluster.ChunkBytes,
    })]);

    private static ChunkInfo With(ChunkInfo chunk, IEnumerable<Replica> replicas) =>
        new(chunk.Id, chunk.Version, chunk.SizeBytes, chunk.Goal, replicas.ToArray());

    private void Begin(CopyAssignment flight)
    {
        Assert.DoesNotContain(flight.Copy, _copiesSeen);
        _copiesSeen.Add(flight.Copy);
        var chunk = Chunks[flight.Chunk.Value];
        var replicas = chunk.Replicas.ToArray();
        Assert.Contains(new Replica(flight.Source, ReplicaState.Good), replicas);
        Assert.True(StateOf(flight.Source).Serves());
        Assert.DoesNotContain(new Replica(flight.Target, ReplicaState.Good), replicas);
        Assert.DoesNotContain(Flights, f => f.Chunk == flight.Chunk && f.Target == flight.Target);
        Assert.True(chunk.IndexOf(flight.Target) >= 0
            ? StateOf(flight.Target).Stays()
            : StateOf(flight.Target).Accepts());
        Flights.Add(flight);
        foreach (var end in new[] { flight.Source, flight.Target })
        {
            Assert.InRange(Flights.Count(f => f.Source == end || f.Target == end), 1, Options.InFlightMax);
            Count(end, flight.SizeBytes);
        }
    }

    /// <summary>No stretch of time has more than its rate, a second of it, and one chunk.</summary>
    private void Count(ServerId server, long bytes)
    {
        if (!_begun.TryGetValue(server, out var begun))
        {
            _begun[server] = begun = [];
        }

        begun.Add((NowMs, bytes));
        var sum = 0L;
        for (var i = begun.Count - 1; i >= 0 && i > begun.Count - 200; i--)
        {
            sum += begun[i].Bytes;
            var most = ((NowMs - begun[i].AtMs + 1000) * Options.BytesPerSecondMax / 1000) + Cluster.ChunkBytes;
            Assert.True(sum <= most, $"{server}: {sum} bytes in {NowMs - begun[i].AtMs} ms");
        }
    }

    private void JudgeRemoval(RemoveReplica remove)
    {
        var chunk = Chunks[remove.Chunk.Value];
        var goal = chunk.Goal.Replicas;
        Assert.True(chunk.IndexOf(remove.Server) >= 0);
        Assert.DoesNotContain(Flights, f => f.Chunk == chunk.Id);
        var good = chunk.Replicas.ToArray()
            .Where(r => r.State == ReplicaState.Good && StateOf(r.Server).Stays()).ToList();
        var stay = good.Where(r => r.Server != remove.Server).ToList();
        Assert.True(stay.Count >= goal);
        if (chunk.Goal.Racks == RackRule.Spread)
        {
            var before = good.Select(r => RackOf(r.Server)).Distinct().Count();
            var after = stay.Select(r => RackOf(r.Server)).Distinct().Count();
            Assert.True(after >= Math.Min(before, goal));
        }
    }
}
