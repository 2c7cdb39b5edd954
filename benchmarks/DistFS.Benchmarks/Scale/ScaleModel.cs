using DistFS.Metadata.Placement;
using DistFS.Primitives;

namespace DistFS.Benchmarks.Scale;

/// <summary>How evenly servers are filled: what each stores for its capacity, relative to the mean.</summary>
internal readonly record struct Evenness(double Most, double Least, double Deviation);

/// <summary>Replicas whose server is another, beside what must move.</summary>
internal readonly record struct Movement(long Moved, double Ideal);

/// <summary>
/// A cluster of any size: servers of unequal capacity in racks of 40, and chunks that are a number each, whose place
/// is calculated when it is wanted, so that only the servers' sums are kept.
/// </summary>
internal static class ScaleModel
{
    public const long ChunkBytes = 64L << 20;
    public const int Replicas = 3;

    private const int ServersInRack = 40;
    private const long TiB = 1L << 40;

    /// <summary>8, 12, 16 and 24 TiB: three generations of machines, and a half-filled one.</summary>
    private static readonly long[] Capacities = [8 * TiB, 12 * TiB, 16 * TiB, 24 * TiB];

    public static ReplicaGoal Goal => new(Replicas, RackRule.Spread);

    /// <summary>Small clusters have five racks, so that the rule of racks can be kept.</summary>
    public static ServerInfo[] Servers(int count)
    {
        var racks = Math.Max(5, count / ServersInRack);
        var servers = new ServerInfo[count];
        for (var i = 0; i < count; i++)
        {
            servers[i] = new ServerInfo(
                new ServerId((uint)i + 1), new RackId((uint)(i % racks) + 1), Capacities[i / 3 % Capacities.Length], 0,
                ServerState.Up);
        }

        return servers;
    }

    /// <summary>Places chunks 1 to <paramref name="chunks"/> and counts their bytes.</summary>
    /// <returns>How many placements were not as they should be.</returns>
    public static long Fill(ServerLoads loads, long chunks, ServerId watched, List<ulong>? chunksOfWatched)
    {
        Span<ServerId> servers = stackalloc ServerId[Replicas];
        var flawed = 0L;
        for (var chunk = 1UL; chunk <= (ulong)chunks; chunk++)
        {
            var request = new PlacementRequest(new ChunkId(chunk), ChunkBytes, Goal);
            var result = Placer.Place(loads, request, servers);
            flawed += result.Flaws == PlacementFlaws.None ? 0 : 1;
            foreach (var server in servers[..result.Count])
            {
                loads.Add(server, ChunkBytes);
                if (server == watched)
                {
                    chunksOfWatched?.Add(chunk);
                }
            }
        }

        return flawed;
    }

    /// <summary>Places chunks without counting, so without a bound, and gives each server's sum in chunks.</summary>
    public static long[] FillUnbounded(ServerLoads loads, long chunks)
    {
        Span<ServerId> servers = stackalloc ServerId[Replicas];
        var counts = new long[loads.Ring.Servers.Length];
        for (var chunk = 1UL; chunk <= (ulong)chunks; chunk++)
        {
            Placer.Place(loads, new PlacementRequest(new ChunkId(chunk), ChunkBytes, Goal), servers);
            foreach (var server in servers)
            {
                counts[loads.Ring.IndexOf(server)]++;
            }
        }

        return counts;
    }

    public static Evenness EvennessOf(ServerLoads loads)
    {
        var used = new long[loads.Ring.Servers.Length];
        for (var i = 0; i < used.Length; i++)
        {
            used[i] = loads.UsedBytes(loads.Ring.Servers[i].Id);
        }

        return EvennessOf(loads.Ring, used);
    }

    public static Evenness EvennessOf(Ring ring, long[] used)
    {
        var (capacity, total) = (0.0, 0.0);
        for (var i = 0; i < used.Length; i++)
        {
            capacity += ring.Servers[i].CapacityBytes;
            total += used[i];
        }

        var (most, least, squares) = (0.0, double.MaxValue, 0.0);
        for (var i = 0; i < used.Length; i++)
        {
            var fill = used[i] / (double)ring.Servers[i].CapacityBytes / (total / capacity);
            (most, least) = (Math.Max(most, fill), Math.Min(least, fill));
            squares += (fill - 1) * (fill - 1);
        }

        return new Evenness(most, least, Math.Sqrt(squares / used.Length));
    }

    /// <summary>Replicas that the ring puts elsewhere when its servers change, if all followed it.</summary>
    public static Movement MovementOf(ServerLoads before, ServerLoads after, long chunks, ServerId changed)
    {
        Span<ServerId> old = stackalloc ServerId[Replicas];
        Span<ServerId> now = stackalloc ServerId[Replicas];
        var moved = 0L;
        for (var chunk = 1UL; chunk <= (ulong)chunks; chunk++)
        {
            var request = new PlacementRequest(new ChunkId(chunk), ChunkBytes, Goal);
            Placer.Place(before, request, old);
            Placer.Place(after, request, now);
            foreach (var server in now)
            {
                moved += old.Contains(server) ? 0 : 1;
            }
        }

        return new Movement(moved, chunks * Replicas * ShareOf(before, after, changed));
    }

    /// <summary>
    /// Fills a cluster, makes it even, adds a server, and makes it even again: moves, and those of one more round.
    /// </summary>
    public static (Movement Even, Movement Join, long Again, Evenness After) Balance(int servers, int chunks)
    {
        var all = Servers(servers + 1);
        var ring = Ring.Build(all.AsSpan(0, servers), Ring.UnitFor(all));
        var loads = new ServerLoads(ring);
        var records = new uint[chunks * Replicas];
        Span<ServerId> found = stackalloc ServerId[Replicas];
        for (var chunk = 0; chunk < chunks; chunk++)
        {
            Placer.Place(loads, new PlacementRequest(new ChunkId((ulong)chunk + 1), ChunkBytes, Goal), found);
            for (var i = 0; i < Replicas; i++)
            {
                records[(chunk * Replicas) + i] = found[i].Value;
                loads.Add(found[i], ChunkBytes);
            }
        }

        var even = MakeEven(ring, records);
        var larger = ring.With(all);
        var join = MakeEven(larger, records);
        var again = MakeEven(larger, records);
        var ideal = (double)records.Length * all[servers].CapacityBytes / all.Sum(s => (double)s.CapacityBytes);
        return (new Movement(even, 0), new Movement(join, ideal), again, EvennessOf(LoadsOf(larger, records)));
    }

    private static double ShareOf(ServerLoads before, ServerLoads after, ServerId changed)
    {
        var ring = after.Ring.AcceptingServers > before.Ring.AcceptingServers ? after.Ring : before.Ring;
        var sum = 0.0;
        foreach (var server in ring.Servers)
        {
            sum += server.State.Accepts() ? server.CapacityBytes : 0;
        }

        return ring.Servers[ring.IndexOf(changed)].CapacityBytes / sum;
    }

    private static long MakeEven(Ring ring, uint[] records)
    {
        var balancer = new Balancer(new BalancerOptions { BytesPerSecond = 1L << 42 }, LoadsOf(ring, records), 0);
        var moves = 0L;
        for (var round = 1; balancer.Donors.Count > 0 && round < 100; round++)
        {
            var before = moves;
            var donors = balancer.Donors.Select(s => s.Value).ToHashSet();
            for (var at = 0; at < records.Length; at++)
            {
                if (donors.Contains(records[at]) && Offer(balancer, records, at, donors))
                {
                    moves++;
                }
            }

            balancer.Refresh(LoadsOf(ring, records), round * 3_600_000L);
            if (moves == before)
            {
                break;
            }
        }

        return moves;
    }

    private static bool Offer(Balancer balancer, uint[] records, int at, HashSet<uint> donors)
    {
        var first = at / Replicas * Replicas;
        Span<Replica> replicas = stackalloc Replica[Replicas];
        for (var i = 0; i < Replicas; i++)
        {
            replicas[i] = new Replica(new ServerId(records[first + i]), ReplicaState.Good);
        }

        var chunk = new ChunkInfo(
            new ChunkId((ulong)(at / Replicas) + 1), default, ChunkBytes, Goal, replicas);
        var outcome = balancer.Offer(chunk, new ServerId(records[at]), out var move);
        if (outcome == BalanceOutcome.Enough)
        {
            donors.Remove(records[at]);
        }

        if (outcome == BalanceOutcome.Moves)
        {
            records[at] = move.To.Value;
        }

        return outcome == BalanceOutcome.Moves;
    }

    private static ServerLoads LoadsOf(Ring ring, uint[] records)
    {
        var loads = new ServerLoads(ring);
        foreach (var server in records)
        {
            loads.Add(new ServerId(server), ChunkBytes);
        }

        return loads;
    }
}
