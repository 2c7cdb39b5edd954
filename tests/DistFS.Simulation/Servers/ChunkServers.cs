using DistFS.Metadata;
using DistFS.Metadata.Chunks;
using DistFS.Metadata.Placement;
using DistFS.Primitives;
using DistFS.Protocol;
using ChunkInfo = DistFS.Protocol.ChunkInfo;
using ServerState = DistFS.Metadata.Placement.ServerState;

namespace DistFS.Simulation;

/// <summary>The chunk servers of a world, what befalls them, and what must never befall their copies.</summary>
public sealed class ChunkServers(World world, MetadataWorkload workload, Prng prng)
{
    // A copy that the last failure left alone is not to be hit before repair had its chance.
    private const int OtherCopiesMin = 2;

    private readonly List<SimulatedChunkServer> _servers = [];
    private bool _hasLost;

    /// <summary>All of them.</summary>
    public IReadOnlyList<SimulatedChunkServer> All => _servers;

    /// <summary>Makes them; they are clients of the metaservers too.</summary>
    public IEnumerable<IClient> Make(int firstClient)
    {
        for (var i = 0; i < workload.Options.Servers; i++)
        {
            var endpoint = SimulatedNetwork.FirstClient + (ulong)(firstClient + i);
            _servers.Add(new SimulatedChunkServer(world, this, endpoint, i, prng.Fork()));
        }

        return _servers;
    }

    /// <summary>They start, and begin to fail.</summary>
    public void Start()
    {
        foreach (var server in _servers)
        {
            world.Queue.After(prng.NextInt32(500_000), server.Start);
        }

        if (workload.Options.ServerFailures > 0)
        {
            NextFailure();
        }
    }

    /// <summary>They fail no more, and come back, but for those that nobody needs.</summary>
    public void Quiet()
    {
        var needed = workload.Options.Goal + 1;
        foreach (var server in _servers)
        {
            if (server.IsAlive || _servers.Count(static one => one.IsAlive) < needed || IsNeeded(server)
                || prng.Chance(0.5))
            {
                server.Start();
            }
        }
    }

    /// <summary>The running server of that id.</summary>
    public SimulatedChunkServer? Find(ServerId id) => _servers.Find(server => server.Id == id && id.Value != 0);

    /// <summary>A client writes to the servers of a chunk; says which of them have it.</summary>
    public IReadOnlyList<uint> Write(ChunkInfo chunk, uint length)
    {
        ArgumentNullException.ThrowIfNull(chunk);
        return [.. chunk.Servers.Where(id => Find(new ServerId(id))?.TryWrite(chunk, length) == true)];
    }

    /// <summary>The servers of new chunks, as the shipped placement chooses among those that are up.</summary>
    public static IEnumerable<ChunkPlacement> Place(Tree tree, int chunks, int goal)
    {
        var loads = new ServerLoads(RingOf(tree));
        var next = tree.Chunks.Next.Value;
        var chosen = new ServerId[goal];
        for (var i = 0; i < chunks; i++)
        {
            var request = new PlacementRequest(new ChunkId(next + (ulong)i), 0, new ReplicaGoal(goal, RackRule.Spread));
            var placement = new ChunkPlacement { Goal = (uint)goal };
            for (var at = 0; at < Placer.Place(loads, request, chosen).Count; at++)
            {
                placement.Servers.Add(chosen[at].Value);
            }

            yield return placement;
        }
    }

    /// <summary>The ring of the servers that the state knows.</summary>
    public static Ring RingOf(Tree tree)
    {
        ArgumentNullException.ThrowIfNull(tree);
        var servers = tree.Servers.All.Select(static server => new ServerInfo(
            server.Id,
            new RackId(server.Id.Value),
            (long)server.Row.CapacityBytes,
            0,
            server.Row.State switch
            {
                Protocol.ServerState.Up => ServerState.Up,
                Protocol.ServerState.Draining => ServerState.Draining,
                Protocol.ServerState.Full => ServerState.Full,
                _ => ServerState.Dead,
            })).ToArray();

        // Few tokens: there are few servers.
        return Ring.Build(servers, Ring.UnitFor(servers) * 16);
    }

    /// <summary>Whether a copy has all that was committed of its chunk.</summary>
    public static bool IsGood(StoredCopy copy, in ChunkRow chunk) =>
        copy.Version >= chunk.Written.Value && copy.Length >= chunk.Length;

    /// <summary>A server whose disk is there, running or not, has a good copy.</summary>
    public bool HasGood(ulong id, in ChunkRow chunk, SimulatedChunkServer? but = null)
    {
        foreach (var server in _servers)
        {
            if (server != but && chunk.IsOn(server.Id) && server.Copies.TryGetValue(id, out var copy)
                && IsGood(copy, chunk))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A server is about to delete a copy: not one that the state counts on.</summary>
    public void MayDelete(SimulatedChunkServer server, ulong id, StoredCopy copy)
    {
        ArgumentNullException.ThrowIfNull(server);
        if (workload.Reference!.Tree is { } tree && tree.Chunks.TryGet(new ChunkId(id), out var chunk)
            && chunk.IsOn(server.Id) && chunk.Length > 0 && IsGood(copy, chunk))
        {
            throw new InvariantException(
                "no copy is deleted that the state counts on", $"{server} deletes {new ChunkId(id)} {copy}");
        }
    }

    /// <summary>The disk of a server is gone.</summary>
    public void Lost(SimulatedChunkServer server) => world.Trace.Line($"{server} is no more");

    /// <summary>What is not at rest when all faults are over; null for nothing.</summary>
    public string? WhatIsNotQuiet(Tree tree)
    {
        ArgumentNullException.ThrowIfNull(tree);
        foreach (var server in _servers.Where(static one => one.IsAlive))
        {
            if (!server.Serves || !tree.Servers.TryGet(server.Id, out var row)
                || row.State != Protocol.ServerState.Up)
            {
                return $"{server} is not up";
            }

            if (!server.HasTold || tree.Chunks.Garbage(server.Id, default, 1).Count > 0)
            {
                return $"{server} has garbage";
            }

            foreach (var id in server.Copies.Keys)
            {
                if (!tree.Chunks.TryGet(new ChunkId(id), out _))
                {
                    return $"{server} has {new ChunkId(id)}, which is no more";
                }
            }
        }

        return WhatLacksCopies(tree);
    }

    /// <summary>Chunks, by id.</summary>
    public static List<(ChunkId Id, ChunkRow Row)> Chunks(Tree tree)
    {
        ArgumentNullException.ThrowIfNull(tree);
        var found = new SortedDictionary<ulong, ChunkRow>();
        foreach (var (server, _) in tree.Servers.All)
        {
            foreach (var id in tree.Chunks.Replicas(server, default, new ChunkId(ulong.MaxValue), int.MaxValue))
            {
                found[id.Value] = tree.Chunks.Get(id);
            }
        }

        return [.. found.Select(static chunk => (new ChunkId(chunk.Key), chunk.Value))];
    }

    private string? WhatLacksCopies(Tree tree)
    {
        var up = _servers.Count(static server => server.Serves);
        foreach (var (id, chunk) in Chunks(tree))
        {
            // Of a chunk that somebody may be writing no copies are made.
            var good = chunk.Replicas.ToArray().Count(one => Find(one) is { Serves: true } server
                && server.Copies.TryGetValue(id.Value, out var copy) && IsGood(copy, chunk));
            if (chunk.State == ChunkState.Sealed && chunk.Length > 0 && good < Math.Min(chunk.Goal, up))
            {
                return $"{id} has {good} good copies of {chunk.Goal}, {up} servers are up";
            }
        }

        return null;
    }

    private void NextFailure() => world.Queue.After(
        1 + (long)DiskFaults.Exponential(prng, workload.Options.ServerFailures), () =>
        {
            if (!world.IsQuieting)
            {
                Fail(_servers[prng.NextInt32(_servers.Count)]);
                NextFailure();
            }
        });

    private void Fail(SimulatedChunkServer server)
    {
        if (!server.IsAlive)
        {
            return;
        }

        if (!_hasLost && prng.Chance(workload.Options.ServerWipes) && MayLose(server))
        {
            _hasLost = true;
            server.LoseDisk();
        }

        server.Stop();
        var away = DiskFaults.Exponential(prng, prng.Chance(0.3) ? 12_000_000 : 500_000);
        world.Queue.After((long)away, server.Start);
    }

    /// <summary>Never the last intact copies of what is committed: any loss is ours then.</summary>
    private bool MayLose(SimulatedChunkServer server) => server.Copies.All(copy =>
        _servers.Count(other => other != server && other.Serves && other.Copies.TryGetValue(copy.Key, out var same)
            && same.Version >= copy.Value.Version && same.Length >= copy.Value.Length) >= OtherCopiesMin);

    /// <summary>Whether it has the only good copy of something.</summary>
    private bool IsNeeded(SimulatedChunkServer server)
    {
        if (workload.Reference!.Tree is not { } tree)
        {
            return true;
        }

        foreach (var (id, row) in Chunks(tree))
        {
            var runs = row.Replicas.ToArray().Any(one => Find(one) is { IsAlive: true } other && other != server
                && other.Copies.TryGetValue(id.Value, out var copy) && IsGood(copy, row));
            if (row.IsOn(server.Id) && !runs)
            {
                return true;
            }
        }

        return false;
    }
}
