using DistFS.Chunkserver.Cluster;
using DistFS.Chunkserver.Hosting;
using DistFS.Chunkserver.Stores;
using DistFS.Metaserver.Tests.Consensus;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Services;

namespace DistFS.Chunkserver.Tests.Hosting;

/// <summary>A chunk server comes, stops, dies, is cut off, and comes back (docs/design/chunkservers.md).</summary>
public sealed class ServerLifeTests
{
    [Fact]
    public async Task A_server_registers_tells_what_it_has_and_serves_and_keeps_its_id_over_restarts()
    {
        await using var servers = await TestServers.StartAsync("a", "b");
        Assert.Equal([1u, 2u], servers.Hosts.Values.Select(host => host.Server.Value));
        var first = servers.Hosts["a"];
        Assert.Equal((NodeState.Serving, ""), await NodeAsync(first, NodeState.Serving));
        var row = servers.Meta.Row(1);
        Assert.Equal((first.Self.Run, "a", true), (row.Incarnation, row.Rack, row.IsThrough));
        Assert.Equal(first.Address.ToString(), row.Address);
        await servers.KillAsync("a");
        var again = await servers.AddAsync("a");
        Assert.Equal(1u, again.Server.Value);
        Assert.NotEqual(first.Self.Run, again.Self.Run);
        Assert.Equal(again.Self.Run, servers.Meta.Row(1).Incarnation);
    }

    [Fact]
    public async Task One_that_dies_before_it_knows_that_it_was_registered_is_not_locked_out()
    {
        await using var servers = await TestServers.StartAsync("a");
        await servers.KillAsync("a");
        var folder = servers.Disks.Path("a");
        var known = ServerFile.TryRead(folder)!;

        // The cluster has taken this run, and the disk does not say so.
        (known with { Generation = known.Generation + 1, IsRunKnown = false }).Write(folder);
        var again = await servers.AddAsync("a");
        Assert.Equal(1u, again.Server.Value);
        await servers.KillAsync("a");

        // The next one never reached it.
        known = ServerFile.TryRead(folder)!;
        known.NextRun(12_345, known.Stores).Write(folder);
        Assert.Equal(1u, (await servers.AddAsync("a")).Server.Value);
    }

    [Fact]
    public async Task A_clean_stop_is_told_and_others_wait_for_it()
    {
        await using var servers = await TestServers.StartAsync("a", "b");
        await servers.StopAsync("a");
        Assert.Equal("away", await servers.Meta.StateOfAsync(1));
        var again = await servers.AddAsync("a");
        Assert.Equal(1u, again.Server.Value);
    }

    /// <summary>Both would answer for the same copies.</summary>
    [Fact]
    public async Task Of_a_folder_that_was_copied_the_one_that_registers_first_stays()
    {
        await using var servers = await TestServers.StartAsync("a");
        var first = servers.Hosts["a"];
        servers.Disks.Copy("a", "copy");
        servers.Disks.Copy("a", "late");
        var second = await servers.StartOneAsync("copy");
        await Eventually.True(() => second.IsServing);
        Assert.Equal(1u, second.Server.Value);
        var failure = await first.Failed.Soon();
        Assert.Equal(ErrorCatalog.ChunkServerRunOver, failure.Code);
        Assert.False(first.IsServing);
        var third = await servers.StartOneAsync("late");
        Assert.Equal(ErrorCatalog.ChunkServerRunOver, (await third.Failed.Soon()).Code);
        Assert.False(third.IsServing);
        Assert.Equal(second.Self.Run, servers.Meta.Row(1).Incarnation);
    }

    [Fact]
    public async Task Another_folder_with_the_id_is_refused_and_the_first_not_disturbed()
    {
        await using var servers = await TestServers.StartAsync("a");
        var run = servers.Hosts["a"].Self.Run;
        servers.Disks.Copy("a", "other");
        var file = ServerFile.TryRead(servers.Disks.Path("other"))!;
        (file with { Name = new StoreId(4711), Generation = 99 }).Write(servers.Disks.Path("other"));
        var other = await servers.StartOneAsync("other");
        Assert.Equal(ErrorCatalog.ChunkServerIdTaken, (await other.Failed.Soon()).Code);
        Assert.True(servers.Hosts["a"].IsServing);
        Assert.Equal(run, servers.Meta.Row(1).Incarnation);
    }

    [Fact]
    public async Task Servers_go_on_when_the_metaserver_comes_back_and_serve_nobody_for_long_without_it()
    {
        await using var servers = await TestServers.StartAsync("a", "b");
        var host = servers.Hosts["a"];
        var run = host.Self.Run;
        await servers.Meta.Host.DisposeAsync();
        await Eventually.True(() => !host.IsServing);
        Assert.Equal(AgentPhase.Through, host.Agent.Phase);
        Assert.Equal(NodeState.Waiting, (await NodeAsync(host, NodeState.Waiting)).State);
        var refusal = await Assert.ThrowsAsync<RpcException>(() => servers.CallAsync(
            host,
            ChunkDataMethods.Read,
            new ReadChunkRequest { Name = new ChunkName { Chunk = 1, Version = 1 }, Server = 1, Blocks = 1 }));
        Assert.Equal(ErrorCatalog.ChunkServerNotServing, refusal.Code);
        await servers.Meta.StartHostAsync();
        await Eventually.True(() => servers.Hosts.Values.All(one => one.IsServing));
        Assert.Equal((1u, run), (host.Server.Value, host.Self.Run));
    }

    /// <summary>It beats once in a time in which the leader gives servers up.</summary>
    [Fact]
    public async Task One_that_the_leader_gave_up_serves_nobody_and_registers_again_by_itself()
    {
        await using var servers = await TestServers.StartAsync("a");
        var options = servers.Options("b");
        var host = await ChunkserverHost.StartAsync(
            options with { Agent = options.Agent with { Heartbeat = TimeSpan.FromSeconds(2.5) } });
        servers.Hosts["b"] = host;
        await Eventually.True(() => host.IsServing);
        await Eventually.True(() => servers.Meta.Row(2).State == ServerState.Down);
        Assert.False(host.IsServing);
        await Eventually.True(() => servers.Meta.Row(2) is { State: ServerState.Up, IsThrough: true });
        await Eventually.True(() => host.IsServing);
    }

    [Fact]
    public async Task A_version_is_on_the_disk_when_it_was_told_and_only_the_leader_of_this_run_tells_it()
    {
        await using var servers = await TestServers.StartAsync("a");
        var host = servers.Hosts["a"];
        await servers.Disks.Store("a").WriteAsync(7, 1, 1, 2);
        var request = new FenceRequest
        {
            Server = 1,
            Incarnation = host.Self.Run,
            Fences =
            {
                new ChunkFence { Chunk = 7, Version = 4, Length = 64 << 10 },
                new ChunkFence { Chunk = 8, Version = 2 },
            },
        };
        foreach (var (server, run) in new[] { (2u, host.Self.Run), (1u, host.Self.Run + 1), (0u, 0ul) })
        {
            var wrong = request.Clone();
            (wrong.Server, wrong.Incarnation) = (server, run);
            var error = await Assert.ThrowsAsync<RpcException>(
                () => servers.CallAsync(host, ChunkServerMethods.Fence, wrong));
            Assert.Equal(ErrorCatalog.ChunkServerRunOver, error.Code);
        }

        Assert.Equal(1u, servers.Disks.Store("a").Find(7)!.Value.Version.Value);
        await servers.CallAsync(host, ChunkServerMethods.Fence, request);
        servers.Disks.Store("a").Crash();
        var info = servers.Disks.Store("a").Find(7)!.Value;
        Assert.Equal((4u, 64u << 10), (info.Version.Value, info.Length));
        Assert.Equal(2u, servers.Disks.Store("a").Find(8)!.Value.Version.Value);
    }

    [Fact]
    public async Task What_is_wrong_with_the_options_is_said_before_anything_is_touched()
    {
        var options = new ChunkserverOptions
        {
            DataFolders = [],
            Address = RpcAddress.Tcp("127.0.0.1", 1),
            Metaservers = [],
        };
        Assert.NotNull(options.Fault());
        Assert.NotNull((options with { DataFolders = ["d"] }).Fault());
        var right = options with { DataFolders = ["d"], Metaservers = [options.Address] };
        Assert.Null(right.Fault());
        Assert.NotNull((right with { CapacityBytes = 0 }).Fault());
        Assert.NotNull((right with { Rack = new string('r', 256) }).Fault());
        var error = await Assert.ThrowsAsync<DistFsException>(() => ChunkserverHost.StartAsync(options));
        Assert.Equal(ErrorCatalog.Configuration, error.Code);
    }

    private static async Task<(NodeState State, string Progress)> NodeAsync(ChunkserverHost host, NodeState state)
    {
        await Eventually.True(() => host.Node.State == state);
        return host.Node;
    }
}
