using DistFS.Metadata.Placement;
using ServerState = DistFS.Metadata.Placement.ServerState;

namespace DistFS.Metadata.Tests.Placement;

/// <summary>Consistent hashing (Karger et al., 1997).</summary>
public sealed class RingTests
{
    [Fact]
    public void A_position_belongs_to_the_first_token_at_or_behind_it()
    {
        var ring = Ring.Build(Cluster.Servers(20), Cluster.GiB);
        var tokens = Walk(ring);
        Assert.Equal(ring.TokenCount, tokens.Count);
        var prng = new Prng(1);
        for (var i = 0; i < 5000; i++)
        {
            var position = prng.NextUInt64();
            var expected = tokens.FindIndex(t => t.Position >= position);
            Assert.Equal(expected < 0 ? 0 : expected, ring.TokenAt(position));
        }

        // The edges of tokens, of which the last bucket's and the wrap are the ones to get wrong.
        for (var i = 0; i < tokens.Count; i++)
        {
            Assert.Equal(i, ring.TokenAt(tokens[i].Position));
            Assert.Equal((i + 1) % tokens.Count, ring.TokenAt(tokens[i].Position + 1));
        }

        Assert.Equal(0, ring.TokenAt(0));
        Assert.Equal(0, ring.TokenAt(ulong.MaxValue));
    }

    [Fact]
    public void Tokens_are_in_proportion_to_capacity()
    {
        var servers = Cluster.Servers(3);
        servers[1] = servers[1] with { CapacityBytes = 3 * servers[0].CapacityBytes };
        servers[2] = servers[2] with { CapacityBytes = 0 };
        var counts = Walk(Ring.Build(servers, 10 * Cluster.GiB)).CountBy(t => t.Server).ToDictionary();
        Assert.Equal(100, counts[servers[0].Id]);
        Assert.Equal(300, counts[servers[1].Id]);
        Assert.Equal(2, counts.Count);
    }

    [Fact]
    public void The_unit_gives_the_mean_server_its_tokens_and_changes_by_powers_of_two()
    {
        foreach (var capacity in new[] { 1L << 20, 3 * Cluster.GiB, 777 * Cluster.GiB, 20_000 * Cluster.GiB })
        {
            var unit = Ring.UnitFor(Cluster.Servers(7, capacity: capacity));
            Assert.InRange(capacity / unit, Ring.TokensOfMeanServer, 2 * Ring.TokensOfMeanServer);
            Assert.True(long.IsPow2(unit));
        }

        Assert.Equal(1, Ring.UnitFor([]));
        Assert.Equal(0, Ring.Build([], 1).TokenCount);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_changed_ring_is_the_one_that_is_built(ulong seed)
    {
        var prng = new Prng(seed);
        var servers = Cluster.Servers(30, racks: 4).ToList();
        var ring = Ring.Build(servers.ToArray(), 8 * Cluster.GiB);
        for (var step = 0; step < 60; step++)
        {
            for (var changes = prng.NextInt32(1, 4); changes > 0; changes--)
            {
                var at = prng.NextInt32(servers.Count);
                switch (prng.NextInt32(4))
                {
                    case 0 when servers.Count > 3:
                        servers.RemoveAt(at);
                        break;
                    case 1:
                        servers.Insert(at, servers[0] with { Id = new ServerId((uint)prng.NextInt32(1000, 1 << 30)) });
                        break;
                    case 2:
                        servers[at] = servers[at] with { CapacityBytes = prng.NextInt32(0, 2000) * Cluster.GiB };
                        break;
                    default:
                        servers[at] = servers[at] with { State = (ServerState)prng.NextInt32(1, 7) };
                        break;
                }
            }

            ring = ring.With(servers.ToArray());
            var built = Ring.Build(servers.ToArray(), 8 * Cluster.GiB);
            Assert.Equal(Walk(built), Walk(ring));
            Assert.Equal(built.Servers.ToArray(), ring.Servers.ToArray());
            Assert.Equal(built.AcceptingRacks, ring.AcceptingRacks);
            Assert.All(servers, s => Assert.Equal(s, ring.Servers[ring.IndexOf(s.Id)]));
        }
    }

    [Fact]
    public void Another_server_takes_its_share_from_all_and_nothing_else_changes()
    {
        var servers = Cluster.Servers(50);
        var ring = Ring.Build(servers, 4 * Cluster.GiB);
        var larger = ring.With([.. servers, servers[0] with { Id = new ServerId(51) }]);
        var prng = new Prng(9);
        var losers = new HashSet<uint>();
        const int Positions = 100_000;
        var moved = 0;
        for (var i = 0; i < Positions; i++)
        {
            var position = prng.NextUInt64();
            var (before, after) = (OwnerAt(ring, position), OwnerAt(larger, position));
            if (before != after)
            {
                Assert.Equal(new ServerId(51), after);
                losers.Add(before.Value);
                moved++;
            }
        }

        Assert.InRange(moved, Positions / 51 * 0.8, Positions / 51 * 1.2);
        Assert.InRange(losers.Count, 45, 50);
    }

    [Fact]
    public void Only_states_changed_means_the_same_tokens()
    {
        var servers = Cluster.Servers(10, racks: 2);
        var ring = Ring.Build(servers, Cluster.GiB);
        var changed = ring.With(servers.With(3, ServerState.Dead));
        Assert.Equal(Walk(ring), Walk(changed));
        Assert.Equal((10, 9), (ring.AcceptingServers, changed.AcceptingServers));
        Assert.Equal(ServerState.Dead, changed.StateOf(new ServerId(3)));
        Assert.Equal(ServerState.Dead, changed.StateOf(new ServerId(99)));
    }

    [Fact]
    public void What_cannot_be_is_refused()
    {
        var server = Cluster.Servers(1)[0];
        Assert.Throws<ArgumentException>(() => Ring.Build([server, server], 1));
        Assert.Throws<ArgumentException>(() => Ring.Build([server with { Id = default }], 1));
        Assert.Throws<ArgumentException>(() => Ring.Build([server with { CapacityBytes = -1 }], 1));
        Assert.Throws<ArgumentException>(() => Ring.Build([server with { State = 0 }], 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Ring.Build([server], 0));
        var huge = Cluster.Servers(200, capacity: ServerInfo.CapacityBytesMax);
        Assert.Throws<OverflowException>(() => Ring.Build(huge, ServerInfo.CapacityBytesMax));
    }

    /// <summary>What is recorded for chunks was found with these: another mixer would send lookers elsewhere.</summary>
    [Fact]
    public void Hashes_are_for_ever()
    {
        Assert.Equal(0xE220A8397B1DCDAFUL, PlacementHash.Of(new ChunkId(0)));
        Assert.Equal(
            "3",
            $"{OwnerAt(Ring.Build(Cluster.Servers(10), Cluster.GiB), PlacementHash.Of(new ChunkId(1))).Value}");
    }

    private static ServerId OwnerAt(Ring ring, ulong position) =>
        ring.Servers[ring.OwnerOf(ring.TokenAt(position))].Id;

    /// <summary>All tokens in order, with their positions made again from the hash.</summary>
    private static List<(ulong Position, ServerId Server)> Walk(Ring ring)
    {
        var positions = new List<(ulong, ServerId)>();
        foreach (var server in ring.Servers)
        {
            for (var token = 0; token < Ring.TokensOfServerMax; token++)
            {
                var position = PlacementHash.OfToken(server.Id, token);
                var at = ring.TokenCount == 0 ? -1 : ring.TokenAt(position);
                var isThere = at >= 0
                    && ring.Servers[ring.OwnerOf(at)].Id == server.Id && ring.PositionOf(at) == position;
                if (!isThere)
                {
                    break;
                }

                positions.Add((position, server.Id));
            }
        }

        positions.Sort(static (left, right) => left.Item1.CompareTo(right.Item1));
        return positions;
    }
}
