using DistFS.Metaserver.Tests.Consensus;
using DistFS.Protocol;
using DistFS.Rpc.Services;

namespace DistFS.Metaserver.Tests.Chunks;

/// <summary>Chunks get back what they lost, and servers lose what they should not have.</summary>
public sealed class RepairTests
{
    [Fact]
    public async Task The_chunks_of_a_dead_server_are_copied_and_what_it_brings_back_goes()
    {
        await using var cluster = await ChunkCluster.StartAsync("a", "b", "c", "d", "e");
        var inode = await cluster.MakeAsync("f");
        var chunks = await cluster.WriteAsync(inode, 64);
        var dead = cluster.Server(1);
        var lost = chunks.Where(chunk => cluster.ServersOf(chunk).Contains(1u)).ToList();
        Assert.NotEmpty(lost);
        await dead.DisposeAsync();
        await IsWholeAsync(cluster, chunks, 1);
        Assert.All(lost, chunk => Assert.Contains(
            cluster.Servers.SelectMany(server => server.Ordered), order => order.Chunk == chunk));

        // It comes back with what it had: that is garbage by now, and is deleted and confirmed.
        Assert.NotEmpty(dead.Disk.All());
        cluster.Servers.Remove(dead);
        await cluster.AddAsync("a", dead.Disk);
        await Eventually.True(() => cluster.GarbageOf(1) == 0);
        await IsWholeAsync(cluster, chunks);
        await Eventually.True(() => cluster.Look(tree => tree.Copies.All()).Count == 0);
        cluster.DisksAreSound();
    }

    /// <summary>With two of three copies lost at once, some chunks have one left: those come first.</summary>
    [Fact]
    public async Task Chunks_with_one_copy_left_come_first()
    {
        await using var cluster = await ChunkCluster.StartAsync("a", "b", "c", "d", "e");
        var inode = await cluster.MakeAsync("f");
        var chunks = await cluster.WriteAsync(inode, 64);
        var one = chunks.Where(chunk => !cluster.ServersOf(chunk).Except([1u, 2u]).Skip(1).Any()).ToHashSet();
        var two = chunks.Where(chunk => cluster.ServersOf(chunk).Intersect([1u, 2u]).Count() == 1).ToHashSet();
        Assert.NotEmpty(one);
        Assert.NotEmpty(two);

        // Both are dead before anything can be ordered: the planner sees them at once.
        cluster.Servers.ForEach(server => server.IsIdle = true);
        await cluster.Server(1).DisposeAsync();
        await cluster.Server(2).DisposeAsync();
        await cluster.BecomesAsync(1, "dead");
        await cluster.BecomesAsync(2, "dead");
        await cluster.RestartHostAsync();
        var underWay = cluster.Look(tree => tree.Copies.All()).Select(copy => copy.Chunk.Value).ToHashSet();
        one.ExceptWith(underWay);
        two.ExceptWith(underWay);
        cluster.Servers.ForEach(server => server.IsIdle = false);
        await IsWholeAsync(cluster, chunks, 1, 2);
        var first = cluster.Servers.SelectMany(server => server.Ordered).OrderBy(order => order.Copy)
            .Where(order => !underWay.Contains(order.Chunk)).DistinctBy(order => order.Chunk)
            .Select(order => order.Chunk).ToList();
        Assert.Equal(one.Count + two.Count, first.Count);
        Assert.InRange(first.Take(one.Count).Count(one.Contains), one.Count * 3 / 4, one.Count);
    }

    [Fact]
    public async Task A_new_leader_goes_on_where_the_old_one_was()
    {
        await using var cluster = await ChunkCluster.StartAsync("a", "b", "c", "d");
        var inode = await cluster.MakeAsync("f");
        var chunks = await cluster.WriteAsync(inode, 20);
        cluster.Servers.ForEach(server => server.IsIdle = true);
        await cluster.Server(1).DisposeAsync();
        await Eventually.True(() => cluster.Look(tree => tree.Copies.All()).Count > 0);
        var underWay = cluster.Look(tree => tree.Copies.All());
        await cluster.RestartHostAsync();
        cluster.Servers.ForEach(server => server.IsIdle = false);
        await IsWholeAsync(cluster, chunks, 1);

        // The same orders, and later ones with higher numbers.
        var orders = cluster.Servers.SelectMany(server => server.Ordered.Select(order => order.Copy)).ToList();
        Assert.Equal(orders.Count, orders.Distinct().Count());
        Assert.All(underWay, copy => Assert.Contains(copy.Copy.Value, orders));
        await Eventually.True(() => cluster.Look(tree => tree.Copies.All()).Count == 0);
        Assert.True((await cluster.StatusAsync()).BytesPerSecond > 0);
    }

    [Fact]
    public async Task A_damaged_copy_is_replaced_and_the_last_one_never_given_up()
    {
        await using var cluster = await ChunkCluster.StartAsync("a", "b", "c");
        var inode = await cluster.MakeAsync("f");
        var chunk = (await cluster.WriteAsync(inode, 1))[0];
        cluster.Server(2).Lost[chunk] = new LostCopy { Chunk = chunk, Version = 1, Status = (int)FsStatus.Corrupt };
        await Eventually.True(() => cluster.Chunk(chunk)!.Value.Version.Value > 1);
        await IsWholeAsync(cluster, [chunk]);
        Assert.Equal([1u, 2u, 3u], cluster.ServersOf(chunk).Order());

        // Only it was asked to delete and to copy.
        Assert.Single(cluster.Server(2).Ordered);
        Assert.Empty(cluster.Server(1).Ordered);
        cluster.DisksAreSound();
    }

    [Fact]
    public async Task A_server_without_what_it_should_have_is_found_out_when_it_registers()
    {
        await using var cluster = await ChunkCluster.StartAsync("a", "b", "c");
        var inode = await cluster.MakeAsync("f");
        var chunks = await cluster.WriteAsync(inode, 5);
        var server = cluster.Server(3);
        await server.DisposeAsync();
        server.Disk.Lose(chunks[0]);
        server.Disk.Put(chunks[1], 1, 10);
        cluster.Servers.Remove(server);
        await cluster.AddAsync("c", server.Disk);
        await Eventually.True(() => cluster.Chunk(chunks[0])!.Value.Version.Value > 1);
        await IsWholeAsync(cluster, chunks);
        Assert.Equal(1_000u, server.Disk.Find(chunks[1])!.Value.Length);
        Assert.Equal([chunks[0], chunks[1]], cluster.Server(3).Ordered.Select(order => order.Chunk).Distinct().Order());
        cluster.DisksAreSound();
    }

    /// <summary>
    /// A chunk that changes after the server looked is no reason to believe that it is there: it is asked for again.
    /// </summary>
    [Fact]
    public async Task A_loss_that_hides_behind_a_change_is_found_before_the_inventory_is_through()
    {
        await using var cluster = await ChunkCluster.StartAsync("a", "b", "c");
        var inode = await cluster.MakeAsync("f");
        var chunk = (await cluster.WriteAsync(inode, 1))[0];
        var server = cluster.Server(3);
        await server.DisposeAsync();
        server.Disk.Lose(chunk);
        cluster.Servers.Remove(server);
        cluster.Servers.ForEach(other => other.IsIdle = true);
        var pages = 0;
        var again = cluster.Restart("c", server.Disk, async () =>
        {
            // Between its look and its report somebody opens the chunk: in a version that no server has written in.
            if (pages++ == 0)
            {
                await cluster.AllocateAsync(inode, 0);
            }
        });
        again.IsIdle = true;
        await Eventually.True(() => again.IsServing);
        Assert.InRange(pages, 2, 3);
        Assert.DoesNotContain(3u, cluster.ServersOf(chunk));
    }

    /// <summary>In its place a good copy may have come since.</summary>
    [Fact]
    public async Task An_old_report_of_a_loss_takes_out_no_fresh_copy()
    {
        await using var cluster = await ChunkCluster.StartAsync("a", "b", "c");
        var inode = await cluster.MakeAsync("f");
        var chunk = (await cluster.WriteAsync(inode, 1))[0];
        var server = cluster.Server(2);
        var old = new HeartbeatRequest
        {
            Server = 2,
            Incarnation = server.Disk.Incarnation,
            CapacityBytes = server.Capacity,
            Position = cluster.Host.State.AppliedIndex.Value,
            Lost = { new LostCopy { Chunk = chunk, Version = 1, Status = (int)FsStatus.Corrupt } },
        };
        server.Lost[chunk] = old.Lost[0];
        await IsCopiedAsync(cluster, chunk, server);
        var row = cluster.Chunk(chunk)!.Value;
        await ReportAsync(cluster, server, old);
        Assert.Equal(row.Version, cluster.Chunk(chunk)!.Value.Version);

        // From before the last commit, though the server looked just now.
        var reopened = Assert.Single(await cluster.AllocateAsync(inode, 0));
        cluster.Servers.ForEach(one => one.Disk.Put(chunk, reopened.Version, 2_000));
        var commit = new CommitWriteRequest { Inode = inode, Chunks = { ChunkCluster.Written(reopened, 2_000) } };
        await cluster.DoAsync(new Operation { CommitWrite = commit });
        old.Position = cluster.Host.State.AppliedIndex.Value;
        await ReportAsync(cluster, server, old);
        Assert.Equal(reopened.Version, cluster.Chunk(chunk)!.Value.Version.Value);
        old.Lost[0].Version = reopened.Version;
        await server.CallAsync(ChunkServersMethods.Heartbeat, old);
        await Eventually.True(() => cluster.Chunk(chunk)!.Value.Version.Value > reopened.Version);
    }

    /// <summary>Nobody else was known to have it: the server goes on telling, and the loss is believed in the end.
    /// </summary>
    [Fact]
    public async Task A_loss_that_nobody_can_make_up_for_yet_is_told_until_somebody_can()
    {
        await using var cluster = await ChunkCluster.StartAsync("a", "b");
        var inode = await cluster.MakeAsync("f");
        var chunk = (await cluster.WriteAsync(inode, 1))[0];
        var (first, second) = (cluster.Server(1), cluster.Server(2));
        await second.DisposeAsync();
        await Eventually.True(() => cluster.Row(2).State == ServerState.Down);
        await first.DisposeAsync();
        first.Disk.Lose(chunk);
        cluster.Servers.Clear();
        first = await cluster.AddAsync("a", first.Disk);
        Assert.True(cluster.Chunk(chunk)!.Value.Lacks(new ServerId(1)));
        Assert.NotEmpty(first.Lost);
        await cluster.AddAsync("b", second.Disk);
        await Eventually.True(() => first.Ordered.Any(order => order.Chunk == chunk));
        await Eventually.True(() => cluster.ServersOf(chunk).Length == 2 && first.Disk.Find(chunk) != null);
        Assert.Empty(first.Lost);
        cluster.DisksAreSound();
    }

    /// <summary>
    /// It serves, with what else it has; what another has of that chunk is not given up for it, before it was heard
    /// again.
    /// </summary>
    [Fact]
    public async Task A_server_that_is_known_to_lack_a_chunk_is_no_reason_to_give_up_anothers_copy()
    {
        await using var cluster = await ChunkCluster.StartAsync("a", "b");
        var inode = await cluster.MakeAsync("f");
        var chunk = (await cluster.WriteAsync(inode, 1, seal: false))[0];
        var (first, second) = (cluster.Server(1), cluster.Server(2));
        await second.DisposeAsync();
        await Eventually.True(() => cluster.Row(2).State == ServerState.Down);
        await first.DisposeAsync();
        var lost = first.Disk.Find(chunk)!.Value;
        first.Disk.Lose(chunk);
        cluster.Servers.Clear();
        first = await cluster.AddAsync("a", first.Disk);

        // Nobody hears of the loss again, and the other one, with the only copy, is silent when a version begins.
        first.Lost.Clear();
        second = await cluster.AddAsync("b", second.Disk);
        Assert.True(cluster.Row(1).IsThrough && cluster.Row(2).IsThrough);
        second.IsDeafToFences = true;
        var operation = new Operation
        {
            NewVersion = new NewVersionRequest
            {
                Inode = inode,
                Chunk = new WrittenChunk { Chunk = chunk, Version = cluster.Chunk(chunk)!.Value.Version.Value },
            },
        };
        var reply = await cluster.MutateAsync(operation);
        Assert.Equal(ErrorCatalog.FencePending.Number, reply.Code);
        Assert.Contains(2u, cluster.ServersOf(chunk));
        Assert.NotNull(second.Disk.Find(chunk));

        // It finds it again, as when a disk is back. But a version has begun for a writer, who may have written to the
        // other one since: it is no reason either, until it is made as that one's.
        await first.DisposeAsync();
        first.Disk.Put(chunk, lost.Version, lost.Length);
        cluster.Servers.Remove(first);
        await cluster.AddAsync("a", first.Disk);
        Assert.True(cluster.Chunk(chunk)!.Value.IsBad(new ServerId(1)));
        var request = new MutateRequest { Operations = { operation } };
        reply = await cluster.RepeatAsync(cluster.LastSequence, request);
        Assert.Equal(ErrorCatalog.FencePending.Number, reply.Code);
        Assert.Contains(2u, cluster.ServersOf(chunk));
        second.IsDeafToFences = false;
        reply = await cluster.RepeatAsync(cluster.LastSequence, request);
        Assert.Equal((0, 0), (reply.Status, reply.Code));
    }

    [Fact]
    public async Task What_is_removed_is_deleted_by_its_servers_and_confirmed()
    {
        await using var cluster = await ChunkCluster.StartAsync("a", "b", "c", "d");
        var inode = await cluster.MakeAsync("f");
        var chunks = await cluster.WriteAsync(inode, 64);
        cluster.Server(4).IsMute = true;
        await cluster.DoAsync(new Operation { SetSize = new SetSizeRequest { Inode = inode, Size = 0 } });
        await Eventually.True(() => cluster.GarbageOf(1) + cluster.GarbageOf(2) + cluster.GarbageOf(3) == 0);
        Assert.All(chunks, chunk => Assert.Null(cluster.Chunk(chunk)));
        Assert.All(cluster.Servers.Take(3), server => Assert.Empty(server.Disk.All()));

        // Who did not hear of it has it yet, and is told when it is back.
        Assert.NotEmpty(cluster.Server(4).Disk.All());
        await cluster.BecomesAsync(4, "dead");
        cluster.Server(4).IsMute = false;
        await Eventually.True(() => cluster.GarbageOf(4) == 0);
        Assert.Empty(cluster.Server(4).Disk.All());
    }

    /// <summary>A writer that is gone leaves a chunk open, and a server dies: nobody else would seal it.</summary>
    [Fact]
    public async Task An_open_chunk_that_nobody_writes_is_sealed_and_copied()
    {
        await using var cluster = await ChunkCluster.StartAsync("a", "b", "c", "d");
        var inode = await cluster.MakeAsync("f");
        var chunk = (await cluster.WriteAsync(inode, 1, seal: false))[0];
        var dead = cluster.ServersOf(chunk)[0];
        await cluster.Server(dead).DisposeAsync();
        await IsWholeAsync(cluster, [chunk], dead);
        Assert.Equal(Metadata.Chunks.ChunkState.Sealed, cluster.Chunk(chunk)!.Value.State);
    }

    /// <summary>One that would take the writer's bytes yet is taken out before anything is copied.</summary>
    [Fact]
    public async Task The_servers_of_an_idle_chunk_know_that_it_is_sealed_before_it_is_copied()
    {
        await using var cluster = await ChunkCluster.StartAsync("a", "b", "c", "d", "e");
        var inode = await cluster.MakeAsync("f");
        var chunk = (await cluster.WriteAsync(inode, 1, seal: false))[0];
        var servers = cluster.ServersOf(chunk);
        var deaf = cluster.Server(servers[1]);
        deaf.IsDeafToFences = true;
        await cluster.Server(servers[0]).DisposeAsync();
        await IsWholeAsync(cluster, [chunk], servers[0]);

        // Sealed in version 2, without the deaf one in version 3: what stays was told that before anything is copied.
        var orders = cluster.Servers.SelectMany(server => server.Ordered).ToList();
        Assert.True(orders.Count >= 2);
        Assert.All(orders, order => Assert.True(order.Version >= 3, $"{order}"));
        Assert.True(cluster.Server(servers[2]).Disk.Find(chunk)!.Value.Version >= 3);
        Assert.False(cluster.Chunk(chunk)!.Value.IsUntold);
    }

    [Fact]
    public async Task A_server_that_came_later_gets_its_share()
    {
        await using var cluster = await ChunkCluster.StartAsync("a", "b", "c");
        var inode = await cluster.MakeAsync("f");
        var chunks = await cluster.WriteAsync(inode, 64, length: 64 << 20);
        await cluster.AddAsync("d");
        await Eventually.True(() => chunks.Count(chunk => cluster.ServersOf(chunk).Contains(4u)) >= 8);
        await IsWholeAsync(cluster, chunks);
    }

    /// <summary>Tells losses, and waits until they were looked at: two rounds that count something unknown.</summary>
    private static async Task ReportAsync(ChunkCluster cluster, FakeChunkServer server, HeartbeatRequest report)
    {
        await server.CallAsync(ChunkServersMethods.Heartbeat, report);
        var never = report.Clone();
        never.Lost[0].Version = 99;
        for (var round = 0; round < 2; round++)
        {
            var before = (await cluster.StatusAsync()).UnknownCopies;
            await server.CallAsync(ChunkServersMethods.Heartbeat, never);
            await Eventually.True(async () => (await cluster.StatusAsync()).UnknownCopies > before);
        }
    }

    /// <summary>Waits until what a server lost is taken out, and copied there again.</summary>
    private static async Task IsCopiedAsync(ChunkCluster cluster, ulong chunk, FakeChunkServer server)
    {
        await Eventually.True(() => server.Ordered.Any(order => order.Chunk == chunk));
        await IsWholeAsync(cluster, [chunk]);
    }

    /// <summary>Waits until every chunk has its copies, on servers that are there, in its present version.</summary>
    private static async Task IsWholeAsync(
        ChunkCluster cluster, IReadOnlyList<ulong> chunks, params uint[] without)
    {
        await Eventually.True(() => chunks.All(chunk =>
        {
            var servers = cluster.ServersOf(chunk);
            return servers.Length == 3 && !servers.Intersect(without).Any()
                && servers.All(server => cluster.Server(server).Disk.Find(chunk) != null);
        }));
    }
}
