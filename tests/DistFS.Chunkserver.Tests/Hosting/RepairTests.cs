using DistFS.Chunks;
using DistFS.Metaserver.Tests.Consensus;
using DistFS.Protocol;
using DistFS.Rpc.Services;
using ChunkInfo = DistFS.Chunks.ChunkInfo;

namespace DistFS.Chunkserver.Tests.Hosting;

/// <summary>Copies that are lost, damaged, or on a server that is dead, are made again; what is too much is deleted.
/// </summary>
public sealed class RepairTests
{
    private static readonly string[] Names = ["a", "b", "c", "d"];

    [Fact]
    public async Task The_chunks_of_a_dead_server_are_copied_and_what_it_brings_back_goes()
    {
        await using var servers = await TestServers.StartAsync(Names);
        var inode = await servers.Meta.MakeAsync("f");
        var chunks = new List<ulong>();
        for (var i = 0ul; i < 4; i++)
        {
            chunks.Add(await servers.WriteAsync(inode, i, 20));
        }

        await servers.KillAsync("a");
        foreach (var chunk in chunks)
        {
            await servers.IsWholeAsync(chunk);
        }

        await servers.AddAsync("a");
        foreach (var chunk in chunks)
        {
            await servers.IsWholeAsync(chunk);
        }

        await Eventually.True(() => servers.Meta.GarbageOf(1) == 0);
    }

    /// <summary>A pass over all that is stored finds what nobody has read.</summary>
    [Fact]
    public async Task A_damaged_copy_is_found_counted_and_replaced()
    {
        await using var servers = await TestServers.StartAsync(Names);
        var chunk = await servers.WriteAsync(await servers.Meta.MakeAsync("f"), 0, 20);
        var server = servers.Meta.ServersOf(chunk)[0];
        var host = servers.Host(server);
        var name = Names[server - 1];
        Assert.True(servers.Disks.Store(name).Damage(new ChunkId(chunk), new BlockIndex(17), 99));
        Assert.True(servers.Disks.Store(name).Damage(new ChunkId(chunk), new BlockIndex(3), 99));
        await servers.CallAsync(host, ChunkServerMethods.Scrub, new ScrubRequest { Start = true });
        await Eventually.True(async () =>
            (await servers.CallAsync(host, ChunkServerMethods.Scrub, new ScrubRequest())).Passes > 0);
        await servers.IsWholeAsync(chunk);
        var told = await servers.CallAsync(host, ChunkServerMethods.Scrub, new ScrubRequest());
        Assert.Equal((2ul, 1ul), (told.DamagedBlocks, told.LostCopies));
        await Eventually.True(async () =>
        {
            var status = (await servers.Meta.CallAsync(
                ChunkServersMethods.ListServers,
                new ListServersRequest { After = server - 1 },
                reply => reply.Answer.Code)).Servers[0];
            return (status.DamagedBlocks, status.LostCopies) == (2, 1);
        });
    }

    /// <summary>Sources send unseen: whoever copies finds it, and the source then looks at what it has.</summary>
    [Fact]
    public async Task Whatever_source_a_copy_has_damage_there_is_not_copied_and_is_mended()
    {
        await using var servers = await TestServers.StartAsync(Names);
        var chunk = await servers.WriteAsync(await servers.Meta.MakeAsync("f"), 0, 20);
        var having = servers.Meta.ServersOf(chunk);
        Assert.True(servers.Disks.Store(Names[having[1] - 1]).Damage(new ChunkId(chunk), new BlockIndex(3), 99));
        Assert.True(servers.Disks.Store(Names[having[2] - 1]).Damage(new ChunkId(chunk), new BlockIndex(17), 99));
        await servers.KillAsync(Names[having[0] - 1]);
        await servers.IsWholeAsync(chunk);
        foreach (var server in servers.Meta.ServersOf(chunk))
        {
            var damaged = new List<BlockIndex>();
            servers.Store(server, chunk).Verify(new ChunkId(chunk), new BlockIndex(0), 20, damaged);
            Assert.True(damaged.Count == 0 || having.Contains(server), $"server {server} took what is damaged");
        }

        var found = 0UL;
        foreach (var server in having.Skip(1))
        {
            found += (await servers.CallAsync(
                servers.Host(server), ChunkServerMethods.Scrub, new ScrubRequest())).DamagedBlocks;
        }

        // That of the source; the other one's the next reader finds, or the scrubber.
        Assert.True(found >= 1, $"{found}");
    }

    [Fact]
    public async Task A_lost_copy_is_replaced_whoever_finds_it_and_not_told_for_ever()
    {
        await using var servers = await TestServers.StartAsync(Names);
        var chunk = await servers.WriteAsync(await servers.Meta.MakeAsync("f"), 0, 4);
        var server = servers.Meta.ServersOf(chunk)[1];
        await servers.Store(server, chunk).MarkLostAsync(
            new ChunkId(chunk), servers.Store(server, chunk).Find(chunk)!.Value.Version, FsStatus.IoError, default);
        await servers.IsWholeAsync(chunk);
        await Eventually.True(() => servers.Host(server).Agent.LossCount == 0);
    }

    [Fact]
    public async Task A_disk_that_fails_takes_its_chunks_out_and_not_the_server()
    {
        await using var servers = await TestServers.StartAsync("a", "b", "c");
        var host = await servers.AddAsync("d", "d1", "d2");
        var inode = await servers.Meta.MakeAsync("f");
        var chunks = new List<ulong>();
        for (var i = 0ul; i < 12; i++)
        {
            chunks.Add(await servers.WriteAsync(inode, i, 1));
        }

        var bad = servers.Disks.Store("d1");
        Assert.NotEqual(0, bad.List(default, new ChunkInfo[100]));
        bad.Fail(new DistFsException(ErrorCatalog.SystemCall, "EIO"));
        foreach (var chunk in chunks)
        {
            await servers.IsWholeAsync(chunk);
        }

        await Eventually.True(() => host.IsServing);
        Assert.False(host.Failed.IsCompleted);
        servers.Disks.Store("d2").Fail(new DistFsException(ErrorCatalog.SystemCall, "EIO"));
        Assert.Equal(ErrorCatalog.ChunkStoreFailed, (await host.Failed.Soon()).Code);
    }

    [Fact]
    public async Task What_is_removed_is_deleted_on_all_disks_and_confirmed()
    {
        await using var servers = await TestServers.StartAsync("a", "b", "c");
        var inode = await servers.Meta.MakeAsync("f");
        var chunk = await servers.WriteAsync(inode, 0, 2);
        await servers.IsWholeAsync(chunk);
        await servers.Meta.DoAsync(new Operation
        {
            SetSize = new SetSizeRequest { Inode = inode, Size = 0 },
        });
        await Eventually.True(() => servers.Hosts.Values.All(host =>
            host.Stores.Of(new ChunkId(chunk))?.Find(chunk) == null));
        await Eventually.True(() => Enumerable.Range(1, 3).All(id => servers.Meta.GarbageOf((uint)id) == 0));
    }

    [Fact]
    public async Task Over_RocksDB_a_chunk_is_copied_when_its_server_dies_and_is_there_after_restarts()
    {
        await using var servers = await TestServers.StartAsync();
        servers.IsOnDisk = true;
        foreach (var name in Names)
        {
            await servers.AddAsync(name);
        }

        var chunk = await servers.WriteAsync(await servers.Meta.MakeAsync("f"), 0, 40);
        var name1 = Names[servers.Meta.ServersOf(chunk)[0] - 1];
        await servers.KillAsync(name1);
        await servers.IsWholeAsync(chunk);
        await servers.AddAsync(name1);
        foreach (var server in servers.Meta.ServersOf(chunk))
        {
            await servers.StopAsync(Names[server - 1]);
            await servers.AddAsync(Names[server - 1]);
        }

        await servers.IsWholeAsync(chunk);
    }

    /// <summary>It was lost while the server was down, or never written: nobody told it.</summary>
    [Fact]
    public async Task What_a_server_comes_back_without_is_replaced()
    {
        await using var servers = await TestServers.StartAsync(Names);
        var chunk = await servers.WriteAsync(await servers.Meta.MakeAsync("f"), 0, 4);
        var server = servers.Meta.ServersOf(chunk)[2];
        var name = Names[server - 1];
        await servers.StopAsync(name);
        await servers.Disks.Store(name).DeleteAsync(
            new[] { new ChunkDeletion(new ChunkId(chunk), new ChunkVersion(uint.MaxValue), default) }, default);
        await servers.AddAsync(name);
        await servers.IsWholeAsync(chunk);
    }
}
