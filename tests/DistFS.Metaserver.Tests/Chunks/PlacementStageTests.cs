using DistFS.Metaserver.Tests.Consensus;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Metaserver.Tests.Chunks;

/// <summary>Where new chunks go, chosen before the request is proposed.</summary>
public sealed class PlacementStageTests
{
    [Fact]
    public async Task Chunks_go_to_distinct_racks_and_to_all_servers()
    {
        await using var cluster = await ChunkCluster.StartAsync("a", "a", "b", "b", "c", "c");
        var inode = await cluster.MakeAsync("f");
        var used = new HashSet<uint>();
        foreach (var chunk in await cluster.AllocateAsync(inode, [.. Enumerable.Range(0, 60).Select(i => (ulong)i)]))
        {
            Assert.Equal(3, chunk.Servers.Count);
            Assert.Equal(3, chunk.Servers.Select(id => cluster.Server(id).Rack).Distinct().Count());
            used.UnionWith(chunk.Servers);
        }

        Assert.Equal(6, used.Count);
    }

    [Fact]
    public async Task Full_draining_and_silent_servers_get_none()
    {
        await using var cluster = await ChunkCluster.StartAsync("a", "b", "c", "d", "e", "f");
        cluster.Server(1).IsFull = true;
        cluster.Server(3).IsMute = true;
        await cluster.BecomesAsync(1, "full");
        await cluster.BecomesAsync(3, "suspect");
        var inode = await cluster.MakeAsync("f");
        var chunks = await cluster.AllocateAsync(inode, [.. Enumerable.Range(0, 60).Select(i => (ulong)i)]);
        var used = chunks.SelectMany(chunk => chunk.Servers).ToHashSet();
        Assert.Equal([2u, 4u, 5u, 6u], used.Order());
    }

    /// <summary>
    /// Whoever is dead is not known to be before it was silent for seconds; a writer knows at once, and its next chunk
    /// would lack that server too.
    /// </summary>
    [Fact]
    public async Task A_server_that_a_writer_went_on_without_gets_none_until_it_is_heard_of()
    {
        var slow = ChunkCluster.Quick with { SuspectMs = 60_000, DeadMs = 120_000 };
        await using var cluster = await ChunkCluster.StartAsync(slow, "a", "b", "c", "d", "e");
        var inode = await cluster.MakeAsync("f");
        var chunk = Assert.Single(await cluster.AllocateAsync(inode, 0));
        var dead = chunk.Servers[1];
        cluster.Server(dead).IsMute = true;
        await Eventually.True(() => cluster.Server(dead).Silences > 0);
        await cluster.DoAsync(new Operation
        {
            NewVersion = new NewVersionRequest
            {
                Inode = inode,
                Chunk = new WrittenChunk { Index = 0, Chunk = chunk.Chunk, Version = chunk.Version },
                Drop = { dead },
            },
        });
        var chunks = await cluster.AllocateAsync(inode, [.. Enumerable.Range(1, 40).Select(i => (ulong)i)]);
        Assert.All(chunks, other => Assert.Equal((3, false), (other.Servers.Count, other.Servers.Contains(dead))));
        Assert.Equal("up", await cluster.StateOfAsync(dead));

        // It was not dead after all.
        cluster.Server(dead).IsMute = false;
        for (var index = 41ul; ; index += 10)
        {
            chunks = await cluster.AllocateAsync(inode, [.. Enumerable.Range(0, 10).Select(i => index + (ulong)i)]);
            if (chunks.Any(other => other.Servers.Contains(dead)))
            {
                break;
            }
        }
    }

    [Fact]
    public async Task Without_servers_it_is_told_and_nothing_is_done()
    {
        await using var cluster = await ChunkCluster.StartAsync();
        var inode = await cluster.MakeAsync("f");
        var reply = await cluster.MutateAsync(ChunkCluster.Allocate(inode, 0));
        Assert.Equal(
            ((int)FsStatus.TryAgain, ErrorCatalog.NoChunkServers.Number), (reply.Status, reply.Code));

        // Nothing was proposed: the same number may carry on when there is a server.
        await cluster.AddAsync("a");
        await cluster.BecomesAsync(1, "up");
        await Eventually.True(() => cluster.Look(tree => tree.Servers.RingUnit) > 0);
        var chunk = await AllocateSoonAsync(cluster, inode);
        Assert.Equal([1u], chunk.Servers);
        Assert.Equal(3, cluster.Chunk(chunk.Chunk)!.Value.Goal);
    }

    /// <summary>What is there can be written again, whether or not there is room for more.</summary>
    [Fact]
    public async Task Without_room_chunks_that_are_there_are_opened_still()
    {
        await using var cluster = await ChunkCluster.StartAsync("a");
        var inode = await cluster.MakeAsync("f");
        var chunk = (await cluster.WriteAsync(inode, 1))[0];
        cluster.Server(1).IsFull = true;
        await cluster.BecomesAsync(1, "full");
        Assert.Equal(chunk, Assert.Single(await cluster.AllocateAsync(inode, 0)).Chunk);
        var reply = await cluster.MutateAsync(ChunkCluster.Allocate(inode, 0, 1));
        Assert.Equal(ErrorCatalog.NoChunkServers.Number, reply.Code);
    }

    [Fact]
    public async Task A_goal_is_inherited_also_within_one_request()
    {
        await using var cluster = await ChunkCluster.StartAsync("a", "a", "b", "b", "b");
        var directory = await cluster.MakeAsync("d", kind: 4);
        await cluster.DoAsync(new Operation
        {
            SetGoal = new SetGoalRequest { Inode = directory, Replicas = 5, AnyRack = true },
        });
        var below = await cluster.MakeAsync("e", kind: 4, directory);
        var inode = await cluster.MakeAsync("f", parent: below);
        var chunk = Assert.Single(await cluster.AllocateAsync(inode, 0));
        Assert.Equal(5, chunk.Servers.Count);
        var row = cluster.Chunk(chunk.Chunk)!.Value;
        Assert.Equal((5, true), (row.Goal, row.AnyRack));

        // A file that the same request makes, in a directory that it makes.
        var made = await cluster.DoAsync(
            Make(directory, "g", 4),
            Make(InodeId.ToldBy(0).Value, "h", 8),
            ChunkCluster.Allocate(InodeId.ToldBy(1).Value, 0));
        Assert.Equal(5, made[2].Chunks[0].Servers.Count);

        // And one of which the goal is another.
        await cluster.DoAsync(new Operation { SetGoal = new SetGoalRequest { Inode = inode, Replicas = 1 } });
        Assert.Single(Assert.Single(await cluster.AllocateAsync(inode, 1)).Servers);
        Assert.Equal(5, cluster.Chunk(chunk.Chunk)!.Value.Goal);
        Assert.Equal(3, Assert.Single(await cluster.AllocateAsync(await cluster.MakeAsync("i"), 0)).Servers.Count);
    }

    [Fact]
    public async Task Too_many_places_are_refused()
    {
        await using var cluster = await ChunkCluster.StartAsync("a");
        var inode = await cluster.MakeAsync("f");
        var all = Enumerable.Range(0, 64).Select(i => (ulong)i).ToArray();
        var reply = await cluster.MutateAsync(
            [.. Enumerable.Range(0, 65).Select(_ => ChunkCluster.Allocate(inode, all))]);
        Assert.Equal((int)FsStatus.ArgumentTooLong, reply.Status);
        Assert.Equal(1ul, cluster.Look(tree => tree.Chunks.Next).Value);
    }

    private static async Task<Protocol.ChunkInfo> AllocateSoonAsync(ChunkCluster cluster, ulong inode)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        for (var i = 0; i < 500; i++)
        {
            var reply = await cluster.MutateAsync(ChunkCluster.Allocate(inode, 0));
            if (reply.Status == 0)
            {
                return Assert.Single(Assert.Single(reply.Mutate.Replies).Chunks);
            }

            Assert.Equal(ErrorCatalog.NoChunkServers.Number, reply.Code);
            await timer.WaitForNextTickAsync();
        }

        throw new TimeoutException("The server gets nothing.");
    }

    private static Operation Make(ulong parent, string name, uint kind) => new()
    {
        Make = new MakeRequest
        {
            Parent = parent,
            Name = ByteString.CopyFromUtf8(name),
            Kind = kind,
            Mode = 0b111_101_101,
        },
    };
}
