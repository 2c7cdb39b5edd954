using DistFS.Metadata.Placement;
using ChunkInfo = DistFS.Metadata.Placement.ChunkInfo;
using ServerState = DistFS.Metadata.Placement.ServerState;

namespace DistFS.Metadata.Tests.Placement;

public sealed class BalancerTests
{
    private static readonly BalancerOptions Fast = new() { BytesPerSecond = 1L << 42 };

    [Fact]
    public void A_new_server_gets_its_share_and_no_more_is_moved()
    {
        var world = new World(20, racks: 5, chunks: 20_000);
        world.Balance(Fast);
        world.Add(21);
        var moved = world.Balance(Fast);
        var ideal = 20_000 * 3 / 21;
        Assert.InRange(moved, ideal * 0.9, ideal * 1.001);
        Assert.InRange(world.Count(21), ideal * 0.9, ideal * 1.001);
        world.HasNotLost();
        Assert.Equal(0, world.Balance(Fast));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void It_ends_even_from_anywhere_and_stays(ulong seed)
    {
        var world = new World(12, racks: 4, chunks: 6_000, skew: new Prng(seed));
        var moved = world.Balance(Fast);
        Assert.InRange(moved, 100, 6_000 * 3);
        Assert.InRange(world.WorstDeviation(), 0, 0.06);
        world.HasNotLost();
        Assert.Equal(0, world.Balance(Fast));
    }

    /// <summary>Hysteresis: what comes and goes within the band sets nothing off.</summary>
    [Fact]
    public void Small_changes_move_nothing()
    {
        var servers = Cluster.Servers(10, used: 500 * Cluster.GiB);
        servers[0] = servers[0] with { UsedBytes = 522 * Cluster.GiB };
        servers[1] = servers[1] with { UsedBytes = 478 * Cluster.GiB };
        var balancer = new Balancer(Fast, Cluster.Loads(servers), 0);
        Assert.Empty(balancer.Donors);
        servers[0] = servers[0] with { UsedBytes = 528 * Cluster.GiB };
        balancer.Refresh(Cluster.Loads(servers), 1);
        Assert.Equal([new ServerId(1)], balancer.Donors);
    }

    [Fact]
    public void The_budget_is_kept()
    {
        var servers = Cluster.Servers(4, used: 500 * Cluster.GiB);
        servers[0] = servers[0] with { UsedBytes = 900 * Cluster.GiB };
        var loads = Cluster.Loads(servers);
        var balancer = new Balancer(new BalancerOptions { BytesPerSecond = 2 * Cluster.ChunkBytes }, loads, 0);
        var moves = 0;
        for (var (nowMs, id) = (0L, 1UL); nowMs <= 10_000; nowMs += 100)
        {
            balancer.Refresh(loads, nowMs);
            while (balancer.Offer(Cluster.Chunk(id, Cluster.Goal(1), 1), new ServerId(1), out _)
                == BalanceOutcome.Moves)
            {
                (moves, id) = (moves + 1, id + 1);
            }
        }

        Assert.InRange(moves, 20, 23);
    }

    [Fact]
    public void Chunks_that_are_not_whole_stay()
    {
        var servers = Cluster.Servers(6, racks: 6, used: 100 * Cluster.GiB);
        servers[0] = servers[0] with { UsedBytes = 900 * Cluster.GiB };
        var balancer = new Balancer(Fast, Cluster.Loads(servers.With(3, ServerState.Draining)), 0);
        var from = new ServerId(1);
        var goal = Cluster.Goal(2);
        Assert.Equal(BalanceOutcome.Stays, balancer.Offer(Cluster.Chunk(1, goal, 1), from, out _));
        Assert.Equal(BalanceOutcome.Stays, balancer.Offer(Cluster.Chunk(1, goal, 1, 3), from, out _));
        Assert.Equal(BalanceOutcome.Stays, balancer.Offer(Cluster.Chunk(1, goal, 2, 4), from, out _));
        var bad = new ChunkInfo(
            new ChunkId(1), default, 1, goal, [new(from, ReplicaState.Good), new(new(2), ReplicaState.Bad)]);
        Assert.Equal(BalanceOutcome.Stays, balancer.Offer(bad, from, out _));
        Assert.Equal(BalanceOutcome.Enough, balancer.Offer(Cluster.Chunk(1, goal, 2, 4), new ServerId(2), out _));
        Assert.Equal(BalanceOutcome.Moves, balancer.Offer(Cluster.Chunk(1, goal, 1, 2), from, out var move));
        Assert.Contains(move.To.Value, new uint[] { 4, 5, 6 });
        balancer.Revert(move);
    }

    [Fact]
    public void Options_that_cannot_be_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new BalancerOptions { BytesPerSecond = 0 }.Validate());
        Assert.Throws<ArgumentException>(() => new BalancerOptions { BandPercent = 51 }.Validate());
        Assert.Throws<ArgumentException>(() => new BalancerOptions { BandBytesMin = 0 }.Validate());
    }

    /// <summary>Servers and chunks whose moves are done at once.</summary>
    private sealed class World
    {
        private readonly List<ServerInfo> _servers;
        private readonly List<ServerId[]> _chunks = [];

        public World(int servers, int racks, int chunks, Prng? skew = null)
        {
            _servers = [.. Cluster.Servers(servers, racks)];
            var loads = Cluster.Loads([.. _servers]);
            for (var chunk = 1UL; chunk <= (ulong)chunks; chunk++)
            {
                var found = skew == null
                    ? Cluster.Place(loads, chunk, Cluster.Goal(3))
                    : Skewed(skew, servers);
                foreach (var server in found)
                {
                    loads.Add(server, Cluster.ChunkBytes);
                }

                _chunks.Add(found);
            }
        }

        public void Add(uint id) => _servers.Add(_servers[0] with { Id = new ServerId(id), Rack = default });

        public int Count(uint server) => _chunks.Count(c => c.Contains(new ServerId(server)));

        public double WorstDeviation()
        {
            var mean = _chunks.Count * 3.0 / _servers.Count;
            return _servers.Max(s => Math.Abs(Count(s.Id.Value) - mean) / mean);
        }

        public void HasNotLost()
        {
            Assert.All(_chunks, chunk => Assert.Equal(3, chunk.Distinct().Count()));
            Assert.All(_chunks, chunk => Assert.Equal(
                3, chunk.Select(s => _servers.Single(o => o.Id == s).Rack).Distinct().Count()));
        }

        /// <returns>Moves until there are no more; each makes the servers more even.</returns>
        public int Balance(BalancerOptions options)
        {
            var moves = 0;
            var balancer = new Balancer(options, Loads(), 0);
            for (var round = 1; round < 50; round++)
            {
                var before = moves;
                foreach (var donor in balancer.Donors)
                {
                    moves += Give(balancer, donor);
                }

                if (moves == before)
                {
                    return moves;
                }

                balancer.Refresh(Loads(), round * 60_000L);
            }

            Assert.Fail("It does not end.");
            return moves;
        }

        private int Give(Balancer balancer, ServerId donor)
        {
            var moves = 0;
            for (var i = 0; i < _chunks.Count; i++)
            {
                if (!_chunks[i].Contains(donor))
                {
                    continue;
                }

                var chunk = Cluster.Chunk((ulong)i + 1, Cluster.Goal(3), [.. _chunks[i].Select(s => s.Value)]);
                var outcome = balancer.Offer(chunk, donor, out var move);
                if (outcome == BalanceOutcome.Enough)
                {
                    break;
                }

                if (outcome == BalanceOutcome.Moves)
                {
                    Assert.Equal(donor, move.From);
                    _chunks[i] = [.. _chunks[i].Select(s => s == donor ? move.To : s)];
                    moves++;
                }
            }

            return moves;
        }

        private ServerLoads Loads() => Cluster.Loads(
            [.. _servers.Select(s => s with { UsedBytes = Count(s.Id.Value) * Cluster.ChunkBytes })]);

        private static ServerId[] Skewed(Prng prng, int servers)
        {
            // In three racks, the low ids much more often.
            var found = new List<ServerId>();
            while (found.Count < 3)
            {
                var id = (uint)Math.Min(prng.NextInt32(servers), prng.NextInt32(servers)) + 1;
                if (found.All(s => s.Value % 4 != id % 4))
                {
                    found.Add(new ServerId(id));
                }
            }

            return [.. found];
        }
    }
}
