using DistFS.Metaserver.Tests.Consensus;
using DistFS.Protocol;

namespace DistFS.Metaserver.Tests.Chunks;

/// <summary>Who has to know of a new version does, before the client is answered.</summary>
public sealed class FenceStageTests
{
    [Fact]
    public async Task Every_server_knows_the_version_when_the_client_is_answered()
    {
        await using var cluster = await ChunkCluster.StartAsync("a", "b", "c");
        var inode = await cluster.MakeAsync("f");
        var chunk = await OpenAsync(cluster, inode);
        var reply = await cluster.DoAsync(NewVersion(inode, chunk));
        Assert.Empty(reply[0].Fences);
        Assert.Equal(2u, reply[0].Chunks[0].Version);
        Assert.All(cluster.Servers, server => Assert.Equal((2u, 500u), server.Disk.Find(chunk.Chunk)));

        // A cut of a chunk that somebody writes.
        await cluster.DoAsync(new Operation { SetSize = new SetSizeRequest { Inode = inode, Size = 100 } });
        Assert.All(cluster.Servers, server => Assert.Equal((3u, 100u), server.Disk.Find(chunk.Chunk)));

        // Shared, it is nobody's to write.
        var other = await cluster.MakeAsync("g");
        await cluster.DoAsync(new Operation
        {
            ShareRange = new ShareRangeRequest { FromInode = inode, ToInode = other, Length = 100 },
        });
        Assert.All(cluster.Servers, server => Assert.Equal((4u, 100u), server.Disk.Find(chunk.Chunk)));
    }

    [Fact]
    public async Task One_that_takes_no_fence_is_taken_out_of_the_chunk()
    {
        await using var cluster = await ChunkCluster.StartAsync("a", "b", "c");
        var inode = await cluster.MakeAsync("f");
        var chunk = await OpenAsync(cluster, inode);
        cluster.Server(2).IsDeafToFences = true;
        await cluster.DoAsync(NewVersion(inode, chunk));
        Assert.DoesNotContain(2u, cluster.ServersOf(chunk.Chunk));
        Assert.Equal(3u, cluster.Chunk(chunk.Chunk)!.Value.Version.Value);
        Assert.Equal((2u, 500u), cluster.Server(1).Disk.Find(chunk.Chunk));

        // What it has goes with the next heartbeat.
        await Eventually.True(() => cluster.Server(2).Disk.Find(chunk.Chunk) == null && cluster.GarbageOf(2) == 0);
    }

    /// <summary>
    /// Each that is taken out begins a version, in which the other is to be taken out: it is read again until then.
    /// </summary>
    [Fact]
    public async Task Two_that_take_no_fence_are_both_taken_out_of_the_chunk()
    {
        await using var cluster = await ChunkCluster.StartAsync("a", "b", "c");
        var inode = await cluster.MakeAsync("f");
        var chunk = await OpenAsync(cluster, inode);
        cluster.Server(2).IsDeafToFences = true;
        cluster.Server(3).IsDeafToFences = true;
        await cluster.DoAsync(NewVersion(inode, chunk));
        Assert.Equal([1u], cluster.ServersOf(chunk.Chunk));
        Assert.Equal(4u, cluster.Chunk(chunk.Chunk)!.Value.Version.Value);

        // Told again when it has gone on by itself: who is none of its servers any more need not know.
        var request = new MutateRequest { Operations = { NewVersion(inode, chunk) } };
        request.Operations[0].Caller = new Caller();
        var reply = await cluster.RepeatAsync(cluster.LastSequence, request);
        Assert.Equal((0, 0), (reply.Status, reply.Code));
    }

    [Fact]
    public async Task Of_the_last_copy_the_client_is_not_answered_before_its_server_knows()
    {
        await using var cluster = await ChunkCluster.StartAsync("a");
        var inode = await cluster.MakeAsync("f");
        var chunk = await OpenAsync(cluster, inode);
        cluster.Server(1).IsDeafToFences = true;
        var request = new MutateRequest { Operations = { NewVersion(inode, chunk) } };
        request.Operations[0].Caller = new Caller();
        var reply = await cluster.RepeatAsync(100, request);
        Assert.Equal(((int)FsStatus.TryAgain, ErrorCatalog.FencePending.Number), (reply.Status, reply.Code));
        Assert.Null(reply.Mutate);
        Assert.Equal(1u, cluster.Server(1).Disk.Find(chunk.Chunk)!.Value.Version);

        // The next leader, which has the reply that was saved, waits for the same.
        await cluster.RestartHostAsync();
        reply = await cluster.RepeatAsync(100, request);
        Assert.Equal(ErrorCatalog.FencePending.Number, reply.Code);
        cluster.Server(1).IsDeafToFences = false;
        reply = await cluster.RepeatAsync(100, request);
        Assert.Equal(0, reply.Status);
        Assert.Equal(2u, reply.Mutate.Replies[0].Chunks[0].Version);
        Assert.Equal((2u, 500u), cluster.Server(1).Disk.Find(chunk.Chunk));
    }

    /// <summary>It serves nobody while it is dead, and is told before it serves again.</summary>
    [Fact]
    public async Task A_dead_server_is_not_waited_for_and_is_fenced_when_it_registers()
    {
        await using var cluster = await ChunkCluster.StartAsync("a", "b");
        var inode = await cluster.MakeAsync("f");
        var chunk = await OpenAsync(cluster, inode);
        var dead = cluster.Server(2);
        (dead.IsMute, dead.IsDeafToFences) = (true, true);
        await cluster.BecomesAsync(2, "dead");
        var began = Environment.TickCount64;
        await cluster.DoAsync(NewVersion(inode, chunk));
        Assert.InRange(Environment.TickCount64 - began, 0, 5_000);
        Assert.Equal((1u, 1_000u), dead.Disk.Find(chunk.Chunk));
        Assert.Contains(2u, cluster.ServersOf(chunk.Chunk));
        dead.IsMute = false;
        await Eventually.True(() => dead.Disk.Find(chunk.Chunk)?.Version == 2);
        await Eventually.True(() => dead.IsServing);
        Assert.Equal((2u, 500u), dead.Disk.Find(chunk.Chunk));
    }

    /// <summary>A chunk of which 500 bytes are committed, and servers have 1,000.</summary>
    private static async Task<ChunkInfo> OpenAsync(ChunkCluster cluster, ulong inode)
    {
        var chunk = Assert.Single(await cluster.AllocateAsync(inode, 0));
        foreach (var server in chunk.Servers)
        {
            cluster.Server(server).Disk.Put(chunk.Chunk, chunk.Version, 1_000);
        }

        await cluster.DoAsync(new Operation
        {
            CommitWrite = new CommitWriteRequest { Inode = inode, Chunks = { ChunkCluster.Written(chunk, 500) } },
        });
        return chunk;
    }

    private static Operation NewVersion(ulong inode, ChunkInfo chunk) => new()
    {
        NewVersion = new NewVersionRequest { Inode = inode, Chunk = ChunkCluster.Written(chunk, 0) },
    };
}
