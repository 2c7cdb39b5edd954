using DistFS.Metadata.Placement;
using ServerState = DistFS.Metadata.Placement.ServerState;

namespace DistFS.Metadata.Tests.Placement;

/// <summary>
/// The rules of placement: distinct servers, racks as far as there are, bounded loads (Mirrokni, Thorup and
/// Zadimoghaddam, 2016), and what is said when they cannot be kept.
/// </summary>
public sealed class PlacerTests
{
    [Fact]
    public void The_first_replicas_are_those_met_on_the_ring()
    {
        var loads = Cluster.Loads(Cluster.Servers(10));
        var ring = loads.Ring;
        for (var chunk = 1UL; chunk < 500; chunk++)
        {
            var expected = new List<ServerId>();
            for (var token = ring.TokenAt(PlacementHash.Of(new ChunkId(chunk))); expected.Count < 3;
                token = ring.NextToken(token))
            {
                var server = ring.Servers[ring.OwnerOf(token)].Id;
                if (!expected.Contains(server))
                {
                    expected.Add(server);
                }
            }

            Assert.Equal(expected, Cluster.Place(loads, chunk, Cluster.Goal(3, RackRule.None), out var flaws));
            Assert.Equal(PlacementFlaws.None, flaws);
        }
    }

    [Theory]
    [InlineData(ServerState.Full)]
    [InlineData(ServerState.Draining)]
    [InlineData(ServerState.Suspect)]
    [InlineData(ServerState.Away)]
    [InlineData(ServerState.Dead)]
    public void Only_servers_that_are_up_get_replicas(ServerState state)
    {
        var loads = Cluster.Loads(Cluster.Servers(5).With(2, state));
        for (var chunk = 1UL; chunk < 300; chunk++)
        {
            var servers = Cluster.Place(loads, chunk, Cluster.Goal(4), out var flaws);
            Assert.DoesNotContain(new ServerId(2), servers);
            Assert.Equal(4, servers.Distinct().Count());
            Assert.Equal(PlacementFlaws.SharedRack, flaws);
        }
    }

    [Fact]
    public void A_server_without_room_gets_none()
    {
        var servers = Cluster.Servers(4, capacity: Cluster.GiB);
        servers[0] = servers[0] with { UsedBytes = Cluster.GiB - Cluster.ChunkBytes + 1 };
        servers[1] = servers[1] with { UsedBytes = Cluster.GiB - Cluster.ChunkBytes };
        var loads = Cluster.Loads(servers);
        var found = Cluster.Place(loads, 1, Cluster.Goal(4, RackRule.None), out var flaws);
        Assert.Equal([2U, 3U, 4U], found.Select(s => s.Value).Order());
        Assert.True(flaws.HasFlag(PlacementFlaws.TooFewServers));
    }

    /// <summary>Every number of racks and goal: as many racks as possible, and in none more than needed.</summary>
    [Fact]
    public void Racks_are_used_evenly_as_far_as_there_are()
    {
        for (var racks = 1; racks <= 6; racks++)
        {
            for (var goal = 1; goal <= ReplicaGoal.ReplicasMax; goal++)
            {
                var servers = Cluster.Servers(racks * 5, racks);
                var loads = Cluster.Loads(servers);
                for (var chunk = 1UL; chunk < 200; chunk++)
                {
                    var found = Cluster.Place(loads, chunk, Cluster.Goal(goal), out var flaws);
                    var used = found.CountBy(s => servers[s.Value - 1].Rack).ToDictionary();
                    Assert.Equal(goal, found.Distinct().Count());
                    Assert.Equal(Math.Min(goal, racks), used.Count);
                    Assert.True(used.Values.Max() - used.Values.Min() <= 1);
                    Assert.Equal(goal > racks ? PlacementFlaws.SharedRack : PlacementFlaws.None, flaws);
                }
            }
        }
    }

    /// <summary>The walk ends long before it meets a rack of one small server, which is found.</summary>
    [Fact]
    public void A_small_rack_among_large_ones_is_found()
    {
        var servers = Cluster.Servers(2000, racks: 1);
        servers[1234] = servers[1234] with { Rack = new RackId(7), CapacityBytes = 10 * Cluster.GiB };
        var loads = Cluster.Loads(servers);
        for (var chunk = 1UL; chunk < 50; chunk++)
        {
            var found = Cluster.Place(loads, chunk, Cluster.Goal(3), out var flaws);
            Assert.Contains(servers[1234].Id, found);
            Assert.Equal(PlacementFlaws.SharedRack, flaws);
        }
    }

    [Fact]
    public void Racks_come_before_the_bound_and_that_is_said()
    {
        var servers = Cluster.Servers(9, racks: 1, used: 100 * Cluster.GiB);
        servers[4] = servers[4] with { Rack = new RackId(7), UsedBytes = 500 * Cluster.GiB };
        var loads = Cluster.Loads(servers);
        var found = Cluster.Place(loads, 5, Cluster.Goal(3), out var flaws);
        Assert.Contains(servers[4].Id, found);
        Assert.Equal(PlacementFlaws.AboveBound | PlacementFlaws.SharedRack, flaws);
        Assert.DoesNotContain(servers[4].Id, Cluster.Place(loads, 5, Cluster.Goal(3, RackRule.None), out flaws));
        Assert.Equal(PlacementFlaws.None, flaws);
    }

    /// <summary>Few tokens make a very uneven ring: the bound holds nevertheless.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void No_server_gets_above_its_bound(int replicas)
    {
        var servers = Cluster.Servers(40);
        for (var i = 0; i < servers.Length; i++)
        {
            servers[i] = servers[i] with { CapacityBytes = (1 + (i % 4)) * 1000 * Cluster.GiB };
        }

        var loads = new ServerLoads(Ring.Build(servers, 1000 * Cluster.GiB));
        var total = 0L;
        for (var chunk = 1UL; chunk <= 20_000; chunk++)
        {
            foreach (var server in Cluster.Place(loads, chunk, Cluster.Goal(replicas, RackRule.None), out var flaws))
            {
                Assert.Equal(PlacementFlaws.None, flaws);
                loads.Add(server, Cluster.ChunkBytes);
                total += Cluster.ChunkBytes;
            }
        }

        var capacity = servers.Sum(s => s.CapacityBytes);
        var worst = servers.Max(s => loads.UsedBytes(s.Id) * (double)capacity / s.CapacityBytes / total);
        Assert.InRange(worst, 1.1, 1.26);
    }

    [Fact]
    public void A_local_server_is_first_if_it_may_be()
    {
        var servers = Cluster.Servers(10, racks: 5, used: 100 * Cluster.GiB);
        servers[6] = servers[6] with { UsedBytes = 130 * Cluster.GiB };
        var loads = Cluster.Loads(servers.With(8, ServerState.Draining));
        for (var chunk = 1UL; chunk < 100; chunk++)
        {
            var found = Cluster.Place(loads, chunk, Cluster.Goal(3), local: 3);
            Assert.Equal(new ServerId(3), found[0]);
            Assert.Equal(3, found.Select(s => servers[s.Value - 1].Rack).Distinct().Count());

            // Too full, draining, or unknown: as without.
            var plain = Cluster.Place(loads, chunk, Cluster.Goal(3));
            Assert.All(
                [7U, 8U, 99U], l => Assert.Equal(plain, Cluster.Place(loads, chunk, Cluster.Goal(3), local: l)));
        }
    }

    [Fact]
    public void Too_few_servers_give_what_there_is()
    {
        var loads = Cluster.Loads(Cluster.Servers(2, racks: 2));
        Assert.Equal(2, Cluster.Place(loads, 1, Cluster.Goal(3), out var flaws).Length);
        Assert.Equal(PlacementFlaws.TooFewServers, flaws);
        Assert.Empty(Cluster.Place(Cluster.Loads(), 1, Cluster.Goal(3), out flaws));
        Assert.Equal(PlacementFlaws.TooFewServers, flaws);
    }

    [Fact]
    public void A_goal_that_cannot_be_is_refused()
    {
        var loads = Cluster.Loads(Cluster.Servers(9));
        Assert.Throws<ArgumentException>(() => Cluster.Place(loads, 1, Cluster.Goal(0)));
        Assert.Throws<ArgumentException>(() => Cluster.Place(loads, 1, Cluster.Goal(6)));
        Assert.Throws<ArgumentException>(() => Cluster.Place(loads, 1, new ReplicaGoal(3, (RackRule)2)));
        Assert.Throws<ArgumentException>(() => Cluster.Chunk(1, Cluster.Goal(2), 1, 2, 1));
        Assert.Throws<ArgumentException>(
            () => Cluster.Chunk(1, Cluster.Goal(2), [.. Enumerable.Range(1, 17).Select(i => (uint)i)]));
    }

    [Fact]
    public void A_placement_allocates_nothing()
    {
        var loads = Cluster.Loads(Cluster.Servers(100, racks: 5));
        var found = new ServerId[5];
        var request = new PlacementRequest(new ChunkId(1), Cluster.ChunkBytes, Cluster.Goal(3));
        Placer.Place(loads, request, found);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var chunk = 1UL; chunk < 1000; chunk++)
        {
            Placer.Place(loads, request with { Chunk = new ChunkId(chunk) }, found);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }
}
