using DistFS.Metadata.Chunks;
using DistFS.Metadata.Placement;
using DistFS.Metadata.Placement.Repair;
using ServerState = DistFS.Metadata.Placement.ServerState;

namespace DistFS.Metadata.Tests.Placement.Repair;

/// <summary>Pace, memory, restart and moves.</summary>
public sealed class RepairPaceTests
{
    private static readonly ReplicaGoal Two = Cluster.Goal(2, RackRule.None);

    [Fact]
    public void Clients_that_feel_it_slow_it_down_and_it_comes_back()
    {
        var world = new RepairWorld(Cluster.Servers(3));
        var server = new ServerId(1);
        var most = world.Options.BytesPerSecondMax;
        Feel(world, 201);
        Assert.Equal(most / 2, world.Planner.RateOf(server));
        Feel(world, 200);
        Feel(world, 150);
        Assert.Equal(most / 2, world.Planner.RateOf(server));
        Feel(world, 149);
        Assert.Equal((most / 2) + (most / 16), world.Planner.RateOf(server));

        // Once a second, however often it is told.
        world.Planner.Feel(server, 900);
        Assert.Equal((most / 2) + (most / 16), world.Planner.RateOf(server));
        for (var i = 0; i < 20; i++)
        {
            Feel(world, 900);
        }

        Assert.Equal(world.Options.BytesPerSecondMin, world.Planner.RateOf(server));
        for (var i = 0; i < 40; i++)
        {
            Feel(world, 100);
        }

        Assert.Equal(most, world.Planner.RateOf(server));
        Assert.Equal(most, world.Planner.RateOf(new ServerId(2)));
        Assert.Equal(0, world.Planner.RateOf(new ServerId(9)));
    }

    [Fact]
    public void A_lost_servers_chunks_come_from_and_go_to_all_others()
    {
        var servers = Cluster.Servers(30, racks: 5);
        var world = new RepairWorld(servers);
        var loads = world.Loads();
        for (var chunk = 1UL; chunk <= 3000; chunk++)
        {
            world.Put(chunk, Cluster.Goal(3), [.. Cluster.Place(loads, chunk, Cluster.Goal(3)).Select(s => s.Value)]);
        }

        world.Set(1, ServerState.Dead);
        var copies = new List<CopyAssignment>();
        for (var i = 0; i < 600 && copies.Count < 280; i++)
        {
            copies.AddRange(world.Tick().Select(c => c.Assignment));
            world.FinishAll();
        }

        // The five others of its rack had no chunk in common with it.
        Assert.Equal(24, copies.Select(c => c.Source).Distinct().Count());
        Assert.Equal(29, copies.Select(c => c.Target).Distinct().Count());
        Assert.InRange(copies.CountBy(c => c.Source).Max(p => p.Value), 1, 30);
        Assert.InRange(copies.CountBy(c => c.Target).Max(p => p.Value), 1, 30);
    }

    [Fact]
    public void Progress_has_a_rate_and_an_end()
    {
        var world = new RepairWorld(Cluster.Servers(8), new RepairOptions { BytesPerSecondMax = 128L << 20 });
        for (var chunk = 1UL; chunk <= 200; chunk++)
        {
            world.Put(chunk, Two, (uint)(chunk % 8) + 1);
        }

        Assert.Equal(200 * Cluster.ChunkBytes, world.Planner.Status.PendingBytes);
        Assert.Null(world.Planner.Status.EtaMs);
        for (var i = 0; i < 100; i++)
        {
            world.Tick();
            world.FinishAll();
        }

        // Every copy costs two servers 64 MiB of their 128 MiB/s.
        var status = world.Planner.Status;
        Assert.InRange(status.BytesPerSecond, 400L << 20, 620L << 20);
        Assert.InRange(status.EtaMs!.Value, 10_000, 22_000);
        var beforeMs = world.NowMs;
        world.RunUntilQuiet();
        Assert.InRange(world.NowMs - beforeMs, status.EtaMs.Value * 0.7, status.EtaMs.Value * 1.5);
        Assert.Equal(0, world.Planner.Status.EtaMs);
    }

    /// <summary>What does not fit is forgotten, the least urgent first, and found again.</summary>
    [Fact]
    public void Memory_is_bounded_and_nothing_stays_forgotten()
    {
        var world = new RepairWorld(Cluster.Servers(8), new RepairOptions { ChunksMax = 64 });
        for (var chunk = 1UL; chunk <= 500; chunk++)
        {
            world.Put(chunk, Cluster.Goal(3, RackRule.None), (uint)(chunk % 8) + 1, (uint)((chunk + 1) % 8) + 1);
        }

        for (var chunk = 501UL; chunk <= 530; chunk++)
        {
            world.Put(chunk, Two, (uint)(chunk % 8) + 1);
        }

        var status = world.Planner.Status;
        Assert.Equal(64, status.Queued.Sum());
        Assert.Equal(30, status.Queued[(int)RepairClass.LastCopy]);
        Assert.False(status.IsComplete);
        world.RunUntilQuiet();
        Assert.All(world.Chunks.Values, c => Assert.Equal(c.Goal.Replicas, c.Replicas.Length));
    }

    [Fact]
    public void What_cannot_be_done_does_not_keep_out_what_can()
    {
        var world = new RepairWorld(
            Cluster.Servers(6).With(6, ServerState.Dead), new RepairOptions { ChunksMax = 16 });
        for (var chunk = 1UL; chunk <= 40; chunk++)
        {
            world.Put(chunk, Two, 6);
        }

        world.Tick();
        world.Put(100, Two, 1);
        Assert.Single(world.Tick());
        world.FinishAll();
        Assert.Equal(2, world.Chunks[100].Replicas.Length);
    }

    /// <summary>Of small chunks many at once: each waits for a heartbeat. Of full ones no more than four.</summary>
    [Theory]
    [InlineData(10_000, 64)]
    [InlineData(ChunkLayout.ChunkBytes, 8)]
    public void Copies_at_once_are_counted_in_bytes(long bytes, int expected)
    {
        var options = new RepairOptions { BytesPerSecondMax = 1L << 40 };
        var world = new RepairWorld(Cluster.Servers(2), options);
        for (var chunk = 1UL; chunk <= 200; chunk++)
        {
            world.Put(new Metadata.Placement.ChunkInfo(
                new ChunkId(chunk),
                new ChunkVersion(1),
                bytes,
                Two,
                [new Replica(new ServerId(1), ReplicaState.Good)]));
        }

        world.Tick();
        Assert.Equal(expected, world.Flights.Count);
        world.RunUntilQuiet();
        Assert.All(world.Chunks.Values, c => Assert.Equal(2, c.Replicas.Length));
    }

    [Fact]
    public void Another_leader_goes_on_where_the_last_was()
    {
        var world = new RepairWorld(Cluster.Servers(8), new RepairOptions { InFlightMax = 2 });
        for (var chunk = 1UL; chunk <= 40; chunk++)
        {
            world.Put(chunk, Two, (uint)(chunk % 8) + 1);
        }

        world.Tick();
        Assert.InRange(world.Flights.Count, 4, 8);
        var before = world.Flights.ToList();
        world.Restart();

        // The world refuses a second copy to the same server, ids given twice, and more copies than allowed.
        world.Tick();
        Assert.Equal(before, world.Flights.Take(before.Count));
        world.RunUntilQuiet();
        Assert.All(world.Chunks.Values, c => Assert.Equal(2, c.Replicas.Length));
    }

    [Fact]
    public void A_move_is_a_copy_and_then_the_removal_of_where_it_was()
    {
        var world = new RepairWorld(Cluster.Servers(8, racks: 4));
        world.Put(1, Cluster.Goal(3), 1, 2, 3);
        Assert.True(world.Planner.TryMove(world.Chunks[1], Move(1, 1, 5)));
        Assert.False(world.Planner.TryMove(world.Chunks[1], Move(1, 2, 6)));
        Assert.Equal(new ServerId(5), Assert.Single(world.Tick()).Assignment.Target);
        world.Restart();
        world.RunUntilQuiet();
        Assert.Equal([2U, 3U, 5U], world.Chunks[1].Replicas.ToArray().Select(r => r.Server.Value).Order());
    }

    [Fact]
    public void A_move_that_fails_or_cannot_be_is_forgotten()
    {
        var world = new RepairWorld(Cluster.Servers(8, racks: 4));
        world.Put(1, Cluster.Goal(3), 1, 2, 3);
        world.Put(2, Cluster.Goal(3), 1, 2);
        Assert.False(world.Planner.TryMove(world.Chunks[2], Move(2, 1, 5)));
        Assert.False(world.Planner.TryMove(world.Chunks[1], Move(1, 4, 5)));
        Assert.False(world.Planner.TryMove(world.Chunks[1], Move(1, 1, 3)));
        Assert.True(world.Planner.TryMove(world.Chunks[1], Move(1, 1, 5)));
        world.Fail(world.Tick().Single(c => c.Assignment.Chunk.Value == 1).Assignment);
        Assert.False(world.Planner.IsBusyWith(new ChunkId(1)));
        Assert.True(world.Planner.TryMove(world.Chunks[1], Move(1, 1, 5)));
        world.Set(5, ServerState.Full);
        world.RunUntilQuiet();
        Assert.Equal([1U, 2U, 3U], world.Chunks[1].Replicas.ToArray().Select(r => r.Server.Value).Order());
    }

    [Fact]
    public void A_scan_of_what_is_whole_allocates_nothing()
    {
        var world = new RepairWorld(Cluster.Servers(8, racks: 4));
        var chunk = Cluster.Chunk(1, Cluster.Goal(3), 1, 2, 3);
        world.Planner.Offer(chunk);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            world.Planner.Offer(chunk);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void Options_that_cannot_be_are_refused()
    {
        new RepairOptions().Validate();
        Assert.All(
            [
                new RepairOptions { InFlightMax = 0 },
                new RepairOptions { BytesPerSecondMin = 0 },
                new RepairOptions { BytesPerSecondMax = 1 },
                new RepairOptions { LatencyPercentGood = 99 },
                new RepairOptions { LatencyPercentMax = 150 },
                new RepairOptions { CopyTimeoutMs = 0 },
                new RepairOptions { RetryMsMax = 999 },
                new RepairOptions { RemovalsPerTickMax = 0 },
                new RepairOptions { ChunksMax = 0 },
            ],
            options => Assert.Throws<ArgumentException>(options.Validate));
    }

    private static Move Move(ulong chunk, uint from, uint to) =>
        new(new ChunkId(chunk), new ServerId(from), new ServerId(to), Cluster.ChunkBytes);

    private static void Feel(RepairWorld world, int percent)
    {
        world.Tick(1000);
        world.Planner.Feel(new ServerId(1), percent);
    }
}
