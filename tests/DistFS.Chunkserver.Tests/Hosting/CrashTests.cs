using System.Security.Cryptography;
using DistFS.Blocks;
using DistFS.Chunks;
using DistFS.Metaserver.Tests.Chunks;
using DistFS.Metaserver.Tests.Consensus;
using DistFS.Protocol;
using DistFS.Rpc;

namespace DistFS.Chunkserver.Tests.Hosting;

/// <summary>
/// Servers crash between a reply and the sync that would have made it durable (docs/design/chain.md, "After a crash").
/// </summary>
public sealed class CrashTests
{
    private const int Blocks = 6;
    private const int Synced = 3;
    private static readonly string[] Names = ["a", "b", "c"];

    /// <summary>Who is being started again is not taken for dead, however busy the machine is.</summary>
    private static readonly Metaserver.Chunks.ChunkServerOptions Patient =
        ChunkCluster.Quick with { DeadMs = 120_000 };

    /// <summary>Head, middle, tail; and two of them: what another has whole is what all have in the end.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(0, 1)]
    [InlineData(0, 2)]
    [InlineData(1, 2)]
    public async Task What_one_has_whole_nobody_else_undoes(params int[] places)
    {
        await using var servers = await TestServers.StartAsync(Names);
        var (chunk, expected) = await WriteAsync(servers);
        var order = servers.Meta.ServersOf(chunk);
        foreach (var place in places)
        {
            servers.Disks.Store(Names[order[place] - 1]).Crash();
            await servers.KillAsync(Names[order[place] - 1]);
        }

        foreach (var place in places)
        {
            await servers.AddAsync(Names[order[place] - 1]);
        }

        await IsWholeAsync(servers, chunk, expected);
    }

    /// <summary>The power fails everywhere, and some of what was not synced had reached a disk.</summary>
    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task When_all_crash_what_was_synced_stays_and_the_one_that_has_most_is_taken(int keeps)
    {
        await using var servers = await TestServers.StartAsync(Patient, Names);
        var (chunk, expected) = await WriteAsync(servers);
        var order = servers.Meta.ServersOf(chunk);
        await CrashAllAsync(servers, order, keeps);
        foreach (var name in Names)
        {
            await servers.AddAsync(name);
        }

        var length = Blocks * ChunkLayout.BlockBytes;
        if (keeps < 0)
        {
            expected.AsSpan(Synced * ChunkLayout.BlockBytes).Clear();
        }

        await IsWholeAsync(servers, chunk, expected);
        Assert.Equal((uint)length, servers.Meta.Chunk(chunk)!.Value.Length);
    }

    /// <summary>Rows of the log say what was told, and what was decided.</summary>
    [Fact]
    public async Task Another_leader_goes_on_with_what_was_told_and_decided()
    {
        await using var servers = await TestServers.StartAsync(Patient, Names);
        var (chunk, expected) = await WriteAsync(servers);
        await CrashAllAsync(servers, servers.Meta.ServersOf(chunk), keeps: 1);
        await servers.AddAsync("b");
        await servers.AddAsync("c");
        await servers.Meta.RestartHostAsync();
        await servers.AddAsync("a");
        await Eventually.True(() => servers.Meta.Chunk(chunk) is { State: Metadata.Chunks.ChunkState.Sealed });
        await servers.Meta.RestartHostAsync();
        await IsWholeAsync(servers, chunk, expected);
    }

    /// <summary>It may not know yet that its copy counts, or may have begun to seal it.</summary>
    [Fact]
    public async Task Who_was_taken_and_crashes_again_is_taken_again()
    {
        await using var servers = await TestServers.StartAsync(Patient, Names);
        var (chunk, expected) = await WriteAsync(servers);
        var order = servers.Meta.ServersOf(chunk);
        await CrashAllAsync(servers, order, keeps: 2);
        foreach (var name in Names)
        {
            await servers.StartOneAsync(name);
        }

        await Eventually.True(() => servers.Meta.Chunk(chunk) is { State: Metadata.Chunks.ChunkState.Sealed });
        var taken = Names[order[2] - 1];
        servers.Disks.Store(taken).Crash();
        await servers.KillAsync(taken);
        await servers.AddAsync(taken);
        await IsWholeAsync(servers, chunk, expected);
    }

    [Fact]
    public async Task One_that_does_not_come_back_holds_up_nobody_and_changes_nothing_when_it_does()
    {
        await using var servers = await TestServers.StartAsync(Names);
        var (chunk, expected) = await WriteAsync(servers);
        var order = servers.Meta.ServersOf(chunk);
        var late = Names[order[0] - 1];

        // The one that is late has all; the others go on without what it has.
        await CrashAllAsync(servers, order, keeps: 0);
        foreach (var name in Names.Where(name => name != late))
        {
            await servers.AddAsync(name);
        }

        // Decided without it, and not only sealed since nobody writes: else what it has may be chosen still.
        await Eventually.True(() => servers.Meta.Chunk(chunk)!.Value.IsUnclean(new ServerId(order[0])));
        await servers.AddAsync(late);
        expected.AsSpan(Synced * ChunkLayout.BlockBytes).Clear();
        await IsWholeAsync(servers, chunk, expected);
    }

    /// <summary>On the disks too: who restarts serves all of it.</summary>
    [Fact]
    public async Task A_chunk_that_the_cluster_seals_is_sealed_by_its_servers_and_served_after_a_restart()
    {
        await using var servers = await TestServers.StartAsync("a", "b", "c", "d");
        var (chunk, expected) = await WriteAsync(servers);
        var order = servers.Meta.ServersOf(chunk);
        await servers.KillAsync("abcd"[(int)order[1] - 1].ToString());
        await Eventually.True(() => new[] { order[0], order[2] }.All(server =>
            servers.Store(server, chunk).Find(chunk)!.Value.IsSealed));
        var name = "abcd"[(int)order[0] - 1].ToString();
        servers.Disks.Store(name).Crash();
        await servers.KillAsync(name);
        var head = await servers.AddAsync(name);
        Assert.False(servers.Disks.Store(name).Find(chunk)!.Value.IsUnclean);

        // The version goes on meanwhile, as others come and go: it is sealed in that too.
        await Eventually.True(async () =>
        {
            var info = servers.Disks.Store(name).Find(chunk)!.Value;
            try
            {
                using var reply = await servers.ReadAsync(head, new ReadChunkRequest
                {
                    Name = new ChunkName { Chunk = chunk, Version = info.Version.Value, StoredLength = info.Length },
                    Server = order[0],
                    Blocks = Blocks,
                });
                return info.IsSealed && reply.Message.Length == expected.Length;
            }
            catch (RpcException)
            {
                return false;
            }
        });
    }

    /// <summary>
    /// The servers of a sealed chunk are started again one after the other, and none of them knows that it is sealed:
    /// told so with its inventory, each has it on its disk, and serves when those behind it are away.
    /// </summary>
    [Fact]
    public async Task Who_does_not_know_that_a_chunk_is_sealed_hears_it_with_its_inventory_and_serves()
    {
        await using var servers = await TestServers.StartAsync(Patient, Names);
        var inode = await servers.Meta.MakeAsync("f");
        var chunk = await servers.WriteAsync(inode, 0, Blocks, isSealedThere: false);
        var order = servers.Meta.ServersOf(chunk);
        Assert.All(order, server => Assert.False(servers.Store(server, chunk).Find(chunk)!.Value.IsSealed));
        foreach (var name in Names)
        {
            await servers.StopAsync(name);
            await servers.AddAsync(name);
        }

        await Eventually.True(() => order.All(server => servers.Store(server, chunk).Find(chunk)!.Value.IsSealed));
        await servers.KillAsync(Names[order[2] - 1]);
        foreach (var server in order.Take(2))
        {
            var name = Names[server - 1];
            await servers.KillAsync(name);
            var host = await servers.AddAsync(name);
            var info = servers.Store(server, chunk).Find(chunk)!.Value;
            using var reply = await servers.ReadAsync(host, new ReadChunkRequest
            {
                Name = new ChunkName { Chunk = chunk, Version = info.Version.Value, StoredLength = info.Length },
                Server = server,
                Blocks = Blocks,
            });
            Assert.Equal((uint)Blocks * ChunkLayout.BlockBytes, reply.Message.Length);
        }
    }

    /// <summary>An open chunk: some blocks synced, and some only replied to, which are committed too.</summary>
    private static async Task<(ulong Chunk, byte[] Expected)> WriteAsync(TestServers servers)
    {
        var inode = await servers.Meta.MakeAsync("f");
        var chunk = Assert.Single(await servers.Meta.AllocateAsync(inode, 0));
        var pieces = Pieces.Blocks(4_711, 0, Blocks);
        foreach (var server in chunk.Servers)
        {
            var store = servers.Host(server).Stores.ForNew(new ChunkId(chunk.Chunk));
            await store.WriteAsync(chunk.Chunk, chunk.Version, 4_711, Synced);
            await store.WriteAsync(
                new ChunkId(chunk.Chunk), new ChunkVersion(chunk.Version), pieces, isDurable: false, default);
        }

        const uint Length = Blocks * ChunkLayout.BlockBytes;
        var commit = new CommitWriteRequest { Inode = inode, Chunks = { ChunkCluster.Written(chunk, Length) } };
        await servers.Meta.DoAsync(new Operation { CommitWrite = commit });
        return (chunk.Chunk, Content(servers.Store(chunk.Servers[0], chunk.Chunk), chunk.Chunk));
    }

    /// <summary>All at one moment; the store of one of them, or none, keeps what was not synced.</summary>
    private static async Task CrashAllAsync(TestServers servers, uint[] order, int keeps)
    {
        for (var place = 0; place < order.Length; place++)
        {
            var isKept = place == keeps;
            servers.Disks.Store(Names[order[place] - 1]).Crash(_ => isKept);
        }

        foreach (var name in Names)
        {
            await servers.KillAsync(name);
        }
    }

    private static async Task IsWholeAsync(TestServers servers, ulong chunk, byte[] expected)
    {
        await Eventually.True(() => servers.Meta.Chunk(chunk) is { UncleanBytes.IsEmpty: true, IsUntold: false });
        Assert.Equal([1u, 2u, 3u], servers.Meta.ServersOf(chunk).Order());
        foreach (var server in servers.Meta.ServersOf(chunk))
        {
            var store = servers.Disks.Store(Names[server - 1]);
            Assert.False(store.Find(chunk)!.Value.IsUnclean);
            Assert.Equal(Hash(expected), Hash(Content(store, chunk)));
        }
    }

    private static string Hash(byte[] bytes) => Convert.ToHexString(SHA256.HashData(bytes));

    private static byte[] Content(IChunkStore store, ulong chunk)
    {
        var info = store.Find(chunk)!.Value;
        var content = new byte[info.Length];
        using var found = store.Read(info.Chunk, info.Version, default, Blocks);
        for (var block = 0; block < Blocks; block++)
        {
            var start = block * ChunkLayout.BlockBytes;
            var fault = BlockCodec.Merge(
                new BlockIndex((uint)block),
                found.PiecesOf(new BlockIndex((uint)block)),
                content.AsSpan(start, ChunkLayout.BlockBytes));
            Assert.Equal(PieceFault.None, fault);
        }

        return content;
    }
}
