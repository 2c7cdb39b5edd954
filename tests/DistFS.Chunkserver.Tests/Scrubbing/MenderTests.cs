using DistFS.Chunks;
using DistFS.Chunkserver.Scrubbing;
using DistFS.Chunkserver.Tests.Hosting;
using DistFS.Metaserver.Tests.Chunks;
using DistFS.Metaserver.Tests.Consensus;

namespace DistFS.Chunkserver.Tests.Scrubbing;

/// <summary>Copies in which bytes rotted are mended where they lie, from whoever has each block right.</summary>
public sealed class MenderTests
{
    private const int Blocks = 20;
    private static readonly string[] Names = ["a", "b", "c", "d"];

    /// <summary>Nobody who is stopped for a moment is taken for dead, and nobody else gets its copies.</summary>
    private static readonly Metaserver.Chunks.ChunkServerOptions Patient =
        ChunkCluster.Quick with { DeadMs = 120_000 };

    /// <summary>Made by repair, or in an older version since another server went: it is the same chunk.</summary>
    [Fact]
    public async Task A_copy_is_mended_whoever_made_it_and_in_whichever_version_it_is()
    {
        await using var servers = await TestServers.StartAsync(Names);
        var chunk = await servers.WriteAsync(await servers.Meta.MakeAsync("f"), 0, Blocks);
        await servers.KillAsync(Names[servers.Meta.ServersOf(chunk)[0] - 1]);
        await servers.IsWholeAsync(chunk);
        var order = servers.Meta.ServersOf(chunk);
        foreach (var server in order)
        {
            await MendsAsync(servers, chunk, server);
        }

        // Where it lay, by the same order or none: nothing was made again.
        Assert.Equal(order, servers.Meta.ServersOf(chunk));
        await servers.IsWholeAsync(chunk);
    }

    /// <summary>A copy that is made again in the same version may rot again, too.</summary>
    [Fact]
    public async Task It_is_mended_as_often_as_it_rots()
    {
        await using var servers = await TestServers.StartAsync("a", "b", "c");
        var chunk = await servers.WriteAsync(await servers.Meta.MakeAsync("f"), 0, Blocks);
        for (var i = 0; i < 3; i++)
        {
            await MendsAsync(servers, chunk, 2);
        }
    }

    /// <summary>
    /// One block rots on all servers, and comes back on one; another rots on one of them. What is to be had is taken at
    /// once, and kept.
    /// </summary>
    [Fact]
    public async Task What_is_to_be_had_is_taken_and_the_rest_when_it_is()
    {
        await using var servers = await TestServers.StartAsync(Patient, "a", "b", "c");
        var chunk = await servers.WriteAsync(await servers.Meta.MakeAsync("f"), 0, Blocks);
        var store = servers.Disks.Store("a");
        Assert.True(store.Damage(new ChunkId(chunk), new BlockIndex(5), 99));
        foreach (var name in Names.Take(3))
        {
            Assert.True(servers.Disks.Store(name).Damage(new ChunkId(chunk), new BlockIndex(3), 99));
            servers.Hosts[name].Scrub.Start();
        }

        await Eventually.True(() => IsSound(store, chunk, 5) && !IsSound(store, chunk, 3));
        Assert.Equal(ChunkState.Lost, store.Find(chunk)!.Value.State);
        Assert.True(servers.Disks.Store("b").Damage(new ChunkId(chunk), new BlockIndex(3), 99));
        await Eventually.True(() => servers.Hosts.Values.All(host => host.Mender is { Mended: 1, Mending: 0 }));
        Assert.All(Names.Take(3), name =>
        {
            var info = servers.Disks.Store(name).Find(chunk)!.Value;
            Assert.Equal((ChunkState.Serving, true), (info.State, info.IsSealed));
        });
        await servers.IsWholeAsync(chunk);
    }

    /// <summary>Nobody to ask for a while is no reason to give a copy up.</summary>
    [Fact]
    public async Task It_goes_on_when_there_is_a_leader_again()
    {
        await using var servers = await TestServers.StartAsync(Patient, "a", "b", "c");
        var chunk = await servers.WriteAsync(await servers.Meta.MakeAsync("f"), 0, Blocks);
        var host = servers.Hosts["a"];
        await servers.Meta.Host.DisposeAsync();
        Assert.True(servers.Disks.Store("a").Damage(new ChunkId(chunk), new BlockIndex(7), 99));
        host.Scrub.Start();
        await Eventually.True(() => host.Mender.Retries > 0);
        await servers.Meta.StartHostAsync();
        await Eventually.True(() => host.Mender.Mended == 1);
        Assert.Equal(0, host.Agent.LossCount);
    }

    /// <summary>A disk that goes bad has more than can be mended in time: the cluster makes it again.</summary>
    [Fact]
    public async Task What_is_too_much_to_wait_for_is_told_at_once()
    {
        await using var servers = await TestServers.StartAsync(Patient, "a");
        await servers.Meta.Host.DisposeAsync();
        var told = new List<ChunkInfo>();
        var mender = servers.Hosts["a"].Mender;
        for (var chunk = 1ul; chunk <= Mender.WaitingMax + 5; chunk++)
        {
            var store = servers.Hosts["a"].Stores.ForNew(new ChunkId(chunk));
            await store.WriteAsync(chunk, 1, chunk, 1);
            servers.Disks.Store("a").Damage(new ChunkId(chunk), default, 99);
            await servers.Disks.Store("a").MarkLostAsync(
                new ChunkId(chunk), new ChunkVersion(1), FsStatus.Corrupt, default);
            mender.Lost(store.Find(chunk)!.Value, told.Add);
        }

        Assert.Equal((5, Mender.WaitingMax), (told.Count, mender.Mending));
        await servers.Meta.StartHostAsync();
    }

    private static async Task MendsAsync(TestServers servers, ulong chunk, uint server)
    {
        var host = servers.Host(server);
        var store = servers.Disks.Store(Names[server - 1]);
        var mended = host.Mender.Mended;
        Assert.True(store.Damage(new ChunkId(chunk), new BlockIndex(7), 99));
        host.Scrub.Start();
        await Eventually.True(() => host.Mender.Mended > mended);
        var info = store.Find(chunk)!.Value;
        Assert.Equal((ChunkState.Serving, true), (info.State, info.IsSealed));
        Assert.Equal(servers.Meta.Chunk(chunk)!.Value.Version, info.Version);
        Assert.True(IsSound(store, chunk, 7));
        Assert.Equal(0, host.Agent.LossCount);
    }

    private static bool IsSound(MemoryChunkStore store, ulong chunk, uint block)
    {
        var damaged = new List<BlockIndex>();
        store.Verify(new ChunkId(chunk), new BlockIndex(block), 1, damaged);
        return damaged.Count == 0;
    }
}
