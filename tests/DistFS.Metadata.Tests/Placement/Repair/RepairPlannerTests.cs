using DistFS.Metadata.Placement;
using DistFS.Metadata.Placement.Repair;
using ServerState = DistFS.Metadata.Placement.ServerState;

namespace DistFS.Metadata.Tests.Placement.Repair;

public sealed class RepairPlannerTests
{
    private static readonly ReplicaGoal Three = Cluster.Goal(3);

    [Fact]
    public void A_whole_chunk_needs_nothing()
    {
        var world = new RepairWorld(Cluster.Servers(6, racks: 3));
        world.Put(1, Three, 1, 2, 3);
        Assert.False(world.Planner.IsBusyWith(new ChunkId(1)));
        world.RunUntilQuiet();
    }

    [Fact]
    public void A_dead_servers_chunks_are_copied_to_the_rack_that_lost_one_and_its_record_goes()
    {
        var world = new RepairWorld(Cluster.Servers(6, racks: 3));
        world.Put(1, Three, 1, 2, 3);
        world.Tick();
        world.Set(2, ServerState.Dead);
        world.Tick();
        var copy = Assert.Single(world.Tick());
        Assert.Equal(new ServerId(5), copy.Assignment.Target);
        world.RunUntilQuiet();
        Assert.Equal([1U, 3U, 5U], Holders(world, 1));
    }

    [Theory]
    [InlineData(ServerState.Suspect)]
    [InlineData(ServerState.Away)]
    public void A_silent_or_absent_server_is_waited_for_and_not_used(ServerState state)
    {
        var world = new RepairWorld(Cluster.Servers(4));
        world.Put(1, Three, 1, 2, 3);
        world.Put(2, Three, 1, 4);
        world.Set(1, state);
        var copy = Assert.Single(world.Tick()).Assignment;
        Assert.Equal((new ChunkId(2), new ServerId(4)), (copy.Chunk, copy.Source));
        Assert.NotEqual(new ServerId(1), copy.Target);
    }

    [Fact]
    public void What_a_chunk_lacks_is_its_class()
    {
        var options = new RepairOptions { InFlightMax = 1 };
        var servers = Cluster.Servers(12, racks: 12).With(12, ServerState.Draining);
        servers[1] = servers[1] with { Rack = servers[0].Rack };
        var world = new RepairWorld(servers, options);
        world.Put(6, Three, 1, 2, 3);
        world.Put(5, Three, 1, 3, 12);
        world.Put(4, Three, 1, 3, 4);
        world.Spoil(4, 4);
        world.Put(3, Cluster.Goal(5), 1, 3, 4, 5);
        world.Put(2, Cluster.Goal(5), 1, 3);
        world.Put(1, Three, 1);
        Assert.Equal([1, 1, 1, 1, 1, 1, 0, 0], world.Planner.Status.Queued);
        world.RunUntilQuiet();
        Assert.All(world.Chunks.Values, c => Assert.Equal(c.Goal.Replicas, c.Replicas.Length));
    }

    [Fact]
    public void Strict_order_when_only_one_can_be_done_at_once()
    {
        // Two servers take part in all: 1 has the copies, 2 is the only one with room.
        var servers = Cluster.Servers(5, racks: 5).With(3, ServerState.Full).With(4, ServerState.Full);
        var world = new RepairWorld(servers.With(5, ServerState.Draining), new RepairOptions { InFlightMax = 1 });
        var two = Cluster.Goal(2);
        world.Put(3, two, 1, 5);
        world.Put(2, Cluster.Goal(3), 1, 3);
        world.Put(1, two, 1);
        var order = new List<ulong>();
        for (var i = 0; i < 100 && order.Count < 3; i++)
        {
            order.AddRange(world.Tick(1000).Select(c => c.Assignment.Chunk.Value));
            world.FinishAll();
        }

        Assert.Equal([1, 2, 3], order);
    }

    [Fact]
    public void A_bad_replica_is_replaced_where_it_lies_even_on_a_full_server()
    {
        var world = new RepairWorld(Cluster.Servers(5).With(2, ServerState.Full));
        world.Put(1, Three, 1, 2, 3);
        world.Spoil(1, 2);
        Assert.Equal(new ServerId(2), Assert.Single(world.Tick()).Assignment.Target);
        world.RunUntilQuiet();
        Assert.Equal([1U, 2U, 3U], Holders(world, 1));
    }

    /// <summary>As for a chunk that is being written, which nobody may copy yet.</summary>
    [Fact]
    public void Where_there_is_no_other_server_it_is_tried_where_it_lies_for_as_long_as_it_takes()
    {
        var world = new RepairWorld(Cluster.Servers(3));
        world.Put(1, Three, 1, 2, 3);
        world.Spoil(1, 2);
        var failed = 0;
        for (var i = 0; i < 2_000 && failed < 10; i++)
        {
            world.Tick(1000);
            foreach (var flight in world.Flights.ToList())
            {
                Assert.Equal(new ServerId(2), flight.Target);
                world.Fail(flight);
                failed++;
            }
        }

        Assert.Equal(10, failed);
        world.RunUntilQuiet();
        Assert.Equal([1U, 2U, 3U], Holders(world, 1));
    }

    [Fact]
    public void Where_that_fails_again_and_again_another_server_is_used_and_the_bad_one_goes()
    {
        var world = new RepairWorld(Cluster.Servers(4));
        world.Put(1, Three, 1, 2, 3);
        world.Spoil(1, 2);
        for (var i = 0; i < 200 && world.Chunks[1].Replicas.Length < 4; i++)
        {
            world.Tick(1000);
            foreach (var flight in world.Flights.ToList())
            {
                if (flight.Target.Value == 2)
                {
                    world.Fail(flight);
                }
                else
                {
                    world.Finish(flight);
                }
            }
        }

        world.RunUntilQuiet();
        Assert.Equal([1U, 3U, 4U], Holders(world, 1));
    }

    [Fact]
    public void A_chunk_without_a_good_copy_waits_and_is_counted()
    {
        var world = new RepairWorld(Cluster.Servers(4));
        world.Put(1, Cluster.Goal(2), 1, 2);
        world.Spoil(1, 1);
        world.Set(2, ServerState.Dead);
        Assert.Empty(world.Tick());
        Assert.Equal((1, 1), (world.Planner.Status.Unavailable, world.Planner.Status.Parked));
        Assert.Empty(world.Last.OfType<RemoveReplica>());
        world.Set(2, ServerState.Up);
        Assert.Single(world.Tick());
        Assert.Equal(0, world.Planner.Status.Unavailable);
    }

    [Fact]
    public void A_draining_server_is_emptied_and_serves_until_then()
    {
        var world = new RepairWorld(Cluster.Servers(6, racks: 3));
        for (var chunk = 1UL; chunk <= 50; chunk++)
        {
            world.Put(chunk, Three, 1, 2, 3);
        }

        world.Put(100, Cluster.Goal(1), 1);
        world.Set(1, ServerState.Draining);
        world.RunUntilQuiet();
        Assert.DoesNotContain(world.Chunks.Values, c => c.IndexOf(new ServerId(1)) >= 0);
        Assert.All(world.Chunks.Values, c => Assert.Equal(c.Goal.Replicas, c.Replicas.Length));
    }

    [Fact]
    public void A_draining_server_with_nowhere_to_go_keeps_what_it_has()
    {
        var world = new RepairWorld(Cluster.Servers(3).With(1, ServerState.Draining));
        world.Put(1, Three, 1, 2, 3);
        for (var i = 0; i < 100; i++)
        {
            Assert.Empty(world.Tick());
        }

        Assert.Equal(3, world.Chunks[1].Replicas.Length);
        world.Add(world.Servers[1] with { Id = new ServerId(4) });
        world.RunUntilQuiet();
        Assert.Equal([2U, 3U, 4U], Holders(world, 1));
    }

    [Fact]
    public void One_rack_too_few_is_mended_by_a_copy_and_a_removal()
    {
        var world = new RepairWorld(Cluster.Servers(9, racks: 3));
        world.Put(1, Three, 1, 4, 2);
        world.RunUntilQuiet();
        Assert.Equal(3, Holders(world, 1).Select(s => s % 3).Distinct().Count());
        Assert.Equal(3, world.Chunks[1].Replicas.Length);
    }

    [Fact]
    public void A_new_rack_sets_off_a_scan_that_uses_it()
    {
        var world = new RepairWorld(Cluster.Servers(6, racks: 2));
        world.Put(1, Three, 1, 2, 3);
        world.RunUntilQuiet();
        world.Add(world.Servers[0] with { Id = new ServerId(7), Rack = new RackId(9) });
        world.RunUntilQuiet();
        Assert.Contains(7U, Holders(world, 1));
    }

    [Fact]
    public void Too_many_replicas_lose_one_of_the_fullest_server_in_a_shared_rack()
    {
        var world = new RepairWorld(Cluster.Servers(6, racks: 3));
        for (var chunk = 10UL; chunk < 20; chunk++)
        {
            world.Put(chunk, Cluster.Goal(1), 4);
            world.Put(chunk + 10, Cluster.Goal(1), 3);
        }

        world.Planner.SetServers(world.Loads());
        world.Put(1, Three, 1, 2, 3, 4);
        world.RunUntilQuiet();
        Assert.Equal([1U, 2U, 3U], Holders(world, 1));
    }

    [Fact]
    public void Two_removals_of_a_chunk_are_never_under_way_together()
    {
        var world = new RepairWorld(Cluster.Servers(6)) { DoesRemove = false };
        world.Put(1, Cluster.Goal(1), 1, 2, 3);
        world.Tick();
        var first = Assert.Single(world.Last.OfType<RemoveReplica>());
        for (var i = 0; i < 400; i++)
        {
            world.Set((uint)(i % 6) + 1, i % 2 == 0 ? ServerState.Full : ServerState.Up);
            world.Tick();
            Assert.All(world.Last.OfType<RemoveReplica>(), again => Assert.Equal(first, again));
        }

        world.Remove(first);
        world.Tick();
        var second = Assert.Single(world.Last.OfType<RemoveReplica>());
        Assert.NotEqual(first.Server, second.Server);
    }

    [Fact]
    public void A_surplus_waits_while_a_server_is_silent()
    {
        var world = new RepairWorld(Cluster.Servers(6));
        world.Set(2, ServerState.Suspect);
        world.Put(1, Cluster.Goal(2), 1, 2, 3, 4);
        world.Put(2, Cluster.Goal(3), 1, 2, 3, 4);
        world.Tick();
        Assert.Equal(new ChunkId(1), Assert.Single(world.Last.OfType<RemoveReplica>()).Chunk);
        for (var i = 0; i < 20; i++)
        {
            world.Tick();
            Assert.DoesNotContain(world.Last.OfType<RemoveReplica>(), r => r.Server.Value == 2);
        }

        Assert.Equal(4, world.Chunks[2].Replicas.Length);
        world.Set(2, ServerState.Up);
        world.RunUntilQuiet();
        Assert.Equal((2, 3), (world.Chunks[1].Replicas.Length, world.Chunks[2].Replicas.Length));
    }

    [Fact]
    public void A_copy_that_does_not_end_is_given_up_and_tried_elsewhere()
    {
        var world = new RepairWorld(Cluster.Servers(5));
        world.Put(1, Three, 1, 2);
        var first = Assert.Single(world.Tick()).Assignment;
        CopyAssignment? second = null;
        var waitedMs = 0L;
        while (second == null && waitedMs < 300_000)
        {
            second = world.Tick().SingleOrDefault()?.Assignment;
            waitedMs += 100;
        }

        Assert.InRange(waitedMs, 94_000, 97_000);
        Assert.NotEqual(first.Target, second!.Value.Target);
        Assert.NotEqual(first.Source, second.Value.Source);
        Assert.False(world.Planner.CopyDone(first.Copy, world.Chunks[1]));
        Assert.False(world.Planner.CopyFailed(first.Copy));
    }

    [Fact]
    public void Retries_wait_longer_each_time()
    {
        var world = new RepairWorld(Cluster.Servers(4));
        world.Put(1, Three, 1, 2, 3);
        world.Set(3, ServerState.Dead);
        var at = new List<long>();
        while (at.Count < 9)
        {
            if (world.Tick().SingleOrDefault() is { } copy)
            {
                at.Add(world.NowMs);
                world.Fail(copy.Assignment);
            }
        }

        var waits = at.Zip(at.Skip(1), (a, b) => b - a).ToList();
        Assert.Equal([1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000], waits);
    }

    /// <summary>
    /// A chunk that waits in a queue, and needs something else when its last server goes: nobody is to look for it in
    /// the queue where it was, and it is found when the server is back.
    /// </summary>
    [Fact]
    public void What_is_queued_when_its_last_server_goes_is_copied_when_one_is_back()
    {
        // With one server that serves nothing can begin, so it stays in its queue.
        var world = new RepairWorld(Cluster.Servers(2).With(2, ServerState.Suspect));
        world.Put(1, Three, 1, 2);
        world.Tick();
        Assert.Equal([0, 0, 1, 0, 0, 0, 0, 0], world.Planner.Status.Queued);
        world.Set(1, ServerState.Dead);
        world.Put(1, Three, 1, 2);
        Assert.Equal((0, 1), (world.Planner.Status.Queued.Sum(), world.Planner.Status.Parked));
        world.Set(1, ServerState.Up);
        world.Set(2, ServerState.Up);
        world.Put(1, Three, 2);
        Assert.Equal(new ServerId(1), Assert.Single(world.Tick(world.Options.RetryMsMax)).Assignment.Target);
        world.Finish(world.Flights[0]);
        Assert.Equal([1U, 2U], Holders(world, 1));
    }

    [Fact]
    public void A_copy_whose_end_dies_is_cancelled_at_once()
    {
        var world = new RepairWorld(Cluster.Servers(6));
        world.Put(1, Three, 1, 2);
        var copy = Assert.Single(world.Tick()).Assignment;
        world.Set(copy.Target.Value, ServerState.Dead);
        world.Tick();
        Assert.Equal([new CancelCopy(copy.Copy)], world.Last.OfType<CancelCopy>());
        world.RunUntilQuiet();
        Assert.Equal(3, world.Chunks[1].Replicas.Length);
    }

    [Fact]
    public void A_chunk_that_is_deleted_is_forgotten_with_its_copies()
    {
        var world = new RepairWorld(Cluster.Servers(6));
        world.Put(1, Three, 1, 2);
        var copy = Assert.Single(world.Tick()).Assignment;
        world.Planner.Forget(new ChunkId(1));
        world.Chunks.Clear();
        world.Tick();
        Assert.Contains(new CancelCopy(copy.Copy), world.Last);
        Assert.Equal((0, 0L), (world.Planner.Status.InFlight, world.Planner.Status.PendingBytes));
    }

    private static uint[] Holders(RepairWorld world, ulong chunk) =>
        [.. world.Chunks[chunk].Replicas.ToArray().Select(r => r.Server.Value).Order()];
}
