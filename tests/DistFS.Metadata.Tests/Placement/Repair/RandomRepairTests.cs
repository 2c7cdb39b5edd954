using DistFS.Metadata.Placement;
using DistFS.Metadata.Placement.Repair;
using ChunkInfo = DistFS.Metadata.Placement.ChunkInfo;
using ServerState = DistFS.Metadata.Placement.ServerState;

namespace DistFS.Metadata.Tests.Placement.Repair;

/// <summary>
/// Servers that die, drain, fill and come back, copies that fail and hang, replicas that go bad, leaders that change:
/// <see cref="RepairWorld"/> sees that nothing forbidden is ever said, and when it is quiet everything is whole.
/// </summary>
public sealed class RandomRepairTests
{
    private const int ServerCount = 14;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void Nothing_is_lost_and_all_becomes_whole(ulong seed)
    {
        var prng = new Prng(seed);
        var options = new RepairOptions
        {
            InFlightMax = prng.NextInt32(1, 5),
            ChunksMax = prng.Chance(0.5) ? 40 : 1000,
            RetryMsMax = 5_000,
            CopyTimeoutMs = 2_000,
            CopySlowestBytesPerSecond = 1L << 30,
        };
        var world = new RepairWorld(Cluster.Servers(ServerCount, racks: prng.NextInt32(1, 6)), options);
        for (var chunk = 1UL; chunk <= 200; chunk++)
        {
            var goal = Cluster.Goal(prng.NextInt32(1, 5), prng.Chance(0.7) ? RackRule.Spread : RackRule.None);
            world.Put(chunk, goal, [.. Cluster.Place(world.Loads(), chunk, goal).Select(s => s.Value)]);
        }

        var delayed = new List<RemoveReplica>();
        for (var step = 0; step < 1500; step++)
        {
            Disturb(world, prng);
            world.DoesRemove = prng.Chance(0.7);
            world.Tick(prng.NextInt32(20, 400));
            if (!world.DoesRemove)
            {
                delayed.AddRange(world.Last.OfType<RemoveReplica>());
            }

            EndCopies(world, prng);
            if (prng.Chance(0.2))
            {
                delayed.ForEach(world.Remove);
                delayed.Clear();
            }

            Assert.All(world.Chunks.Values, c => Assert.True(HasGood(c)));
        }

        world.DoesRemove = true;
        delayed.ForEach(world.Remove);
        for (var id = 1U; id <= ServerCount; id++)
        {
            var state = world.StateOf(new ServerId(id));
            world.Set(id, state is ServerState.Dead or ServerState.Draining && id <= 4 ? state : ServerState.Up);
        }

        world.RunUntilQuiet();
        Assert.All(world.Chunks.Values, c => IsWhole(world, c));
    }

    private static void Disturb(RepairWorld world, Prng prng)
    {
        var id = (uint)prng.NextInt32(1, ServerCount + 1);
        switch (prng.NextInt32(60))
        {
            case 0 or 1:
                var state = (ServerState)prng.NextInt32(1, 7);
                if (world.Servers.Count(s => !s.State.Stays()) < 5)
                {
                    world.Set(id, state);
                }

                break;
            case 2 or 3:
                world.Set(id, ServerState.Up);
                break;
            case 4 or 5:
                // Never the last good one, wherever it is: what is lost then is nobody's fault.
                var chunk = world.Chunks[(ulong)prng.NextInt32(1, world.Chunks.Count + 1)];
                var good = chunk.Replicas.ToArray().Where(r => r.State == ReplicaState.Good).ToList();
                if (good.Count > 1 && !world.Flights.Any(f => f.Chunk == chunk.Id))
                {
                    world.Spoil(chunk.Id.Value, good[prng.NextInt32(good.Count)].Server.Value);
                }

                break;
            case 6:
                world.Planner.Feel(new ServerId(id), prng.NextInt32(50, 400));
                break;
            case 7 when prng.Chance(0.2):
                world.Restart();
                break;
            case 8 or 9:
                var whole = world.Chunks[(ulong)prng.NextInt32(1, world.Chunks.Count + 1)];
                world.Planner.TryMove(
                    whole, new Move(whole.Id, whole.Replicas[0].Server, new ServerId(id), whole.SizeBytes));
                break;
            default:
                break;
        }
    }

    private static void EndCopies(RepairWorld world, Prng prng)
    {
        foreach (var flight in world.Flights.ToList())
        {
            var isPossible = world.StateOf(flight.Source) is not ServerState.Dead
                && world.Chunks[flight.Chunk.Value].Replicas.ToArray().Contains(new(flight.Source, ReplicaState.Good));
            if (isPossible && prng.Chance(0.4))
            {
                world.Finish(flight);
            }
            else if (prng.Chance(0.1))
            {
                world.Fail(flight);
            }
        }
    }

    private static bool HasGood(ChunkInfo chunk)
    {
        foreach (var replica in chunk.Replicas)
        {
            if (replica.State == ReplicaState.Good)
            {
                return true;
            }
        }

        return false;
    }

    private static void IsWhole(RepairWorld world, ChunkInfo chunk)
    {
        var replicas = chunk.Replicas.ToArray();
        var hasSource = replicas.Any(r => r.State == ReplicaState.Good && world.StateOf(r.Server).Serves());
        if (!hasSource)
        {
            return;
        }

        Assert.Equal(chunk.Goal.Replicas, replicas.Length);
        Assert.All(replicas, r => Assert.Equal(ReplicaState.Good, r.State));
        Assert.All(replicas, r => Assert.Equal(ServerState.Up, world.StateOf(r.Server)));
        if (chunk.Goal.Racks == RackRule.Spread)
        {
            var racks = world.Servers.Where(s => s.State.Accepts()).Select(s => s.Rack).Distinct().Count();
            Assert.Equal(
                Math.Min(racks, chunk.Goal.Replicas), replicas.Select(r => world.RackOf(r.Server)).Distinct().Count());
        }
    }
}
