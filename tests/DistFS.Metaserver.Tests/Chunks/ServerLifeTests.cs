using DistFS.Metaserver.Tests.Consensus;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Services;
using Google.Protobuf;

namespace DistFS.Metaserver.Tests.Chunks;

/// <summary>Chunk servers come, fall silent, come back, and lie.</summary>
public sealed class ServerLifeTests
{
    [Fact]
    public async Task A_server_keeps_its_id_over_restarts_and_the_leaders()
    {
        await using var cluster = await ChunkCluster.StartAsync("a", "b");
        Assert.Equal([1u, 2u], cluster.Servers.Select(server => server.Id));
        var first = cluster.Servers[0];
        await first.DisposeAsync();
        await cluster.AddAsync("a", first.Disk);
        Assert.Equal(1u, first.Disk.Server);
        Assert.Equal(first.Disk.Incarnation, cluster.Row(1).Incarnation);
        await cluster.RestartHostAsync();
        await cluster.BecomesAsync(1, "up");
        await cluster.BecomesAsync(2, "up");
    }

    [Fact]
    public async Task A_silent_server_is_suspect_then_dead_and_comes_back_up()
    {
        await using var cluster = await ChunkCluster.StartAsync("a", "b");
        var server = cluster.Servers[0];
        server.IsMute = true;
        await cluster.BecomesAsync(1, "suspect");
        Assert.Equal(Protocol.ServerState.Up, cluster.Row(1).State);
        await cluster.BecomesAsync(1, "dead");
        await Eventually.True(() => cluster.Row(1).State == Protocol.ServerState.Down);
        Assert.Equal("up", await cluster.StateOfAsync(2));

        // It is told that it is unknown, and must not go on as if nothing had been.
        server.IsMute = false;
        await cluster.BecomesAsync(1, "up");
        await Eventually.True(() => server.IsServing);
        Assert.Equal(Protocol.ServerState.Up, cluster.Row(1).State);
    }

    [Fact]
    public async Task One_that_said_so_is_away_and_not_dead()
    {
        await using var cluster = await ChunkCluster.StartAsync("a", "b");
        cluster.Servers[0].BackWithinMs = 60_000;
        await cluster.BecomesAsync(1, "away");
        cluster.Servers[0].IsMute = true;
        cluster.Servers[1].IsMute = true;
        await cluster.BecomesAsync(2, "dead");
        Assert.Equal("away", await cluster.StateOfAsync(1));
        (cluster.Servers[0].BackWithinMs, cluster.Servers[0].IsMute) = (0, false);
        await cluster.BecomesAsync(1, "up");
    }

    /// <summary>A new leader has heard nobody: that is nobody's silence.</summary>
    [Fact]
    public async Task Nobody_is_dead_for_a_new_leader_before_he_could_be_heard()
    {
        await using var cluster = await ChunkCluster.StartAsync("a");
        await cluster.Host.DisposeAsync();
        cluster.Servers[0].IsMute = true;
        await cluster.StartHostAsync();
        Assert.NotEqual("dead", await cluster.StateOfAsync(1));
        await cluster.BecomesAsync(1, "suspect");
        await cluster.BecomesAsync(1, "dead");
    }

    [Fact]
    public async Task Another_folder_with_the_id_a_copied_folder_and_a_run_that_is_over_are_refused()
    {
        await using var cluster = await ChunkCluster.StartAsync("a");
        var server = cluster.Servers[0];
        var row = cluster.Row(1);
        Assert.Equal(ErrorCatalog.ChunkServerIdTaken.Number, await RegisterAsync(1, store: 999, 7, 0));
        Assert.Equal(ErrorCatalog.ChunkServerRunOver.Number, await RegisterAsync(1, server.Disk.Store, 7, previous: 3));
        Assert.Equal(ErrorCatalog.ChunkServerUnknown.Number, await RegisterAsync(77, store: 999, 7, 0));
        var beat = await server.CallAsync(
            ChunkServersMethods.Heartbeat, new HeartbeatRequest { Server = 1, Incarnation = 3 });
        Assert.Equal(ErrorCatalog.ChunkServerRunOver.Number, beat.Answer.Code);
        var confirm = await server.CallAsync(
            ChunkServersMethods.ConfirmDeleted,
            new ConfirmDeletedRequest { Server = 1, Incarnation = 3, Deleted = { new DeleteOrder { Chunk = 1 } } });
        Assert.Equal(ErrorCatalog.ChunkServerRunOver.Number, confirm.Code);
        var inventory = await server.CallAsync(
            ChunkServersMethods.Inventory, new InventoryRequest { Server = 1, Incarnation = 3 });
        Assert.Equal(ErrorCatalog.ChunkServerRunOver.Number, inventory.Answer.Code);
        Assert.Equal(row, cluster.Row(1));
        Assert.True(server.IsServing);

        async Task<int> RegisterAsync(uint id, ulong store, ulong incarnation, ulong previous)
        {
            var reply = await server.CallAsync(ChunkServersMethods.Register, new RegisterServerRequest
            {
                Server = id,
                Store = store,
                Incarnation = incarnation,
                PreviousIncarnation = previous,
                Address = "127.0.0.1:1",
            });
            Assert.NotEqual(0, reply.Answer.Status);
            return reply.Answer.Code;
        }
    }

    [Fact]
    public async Task A_server_that_lies_changes_nothing_and_is_counted()
    {
        await using var cluster = await ChunkCluster.StartAsync("a", "b", "c");
        var inode = await cluster.MakeAsync("f");
        var chunk = (await cluster.WriteAsync(inode, 1))[0];
        var before = cluster.Chunk(chunk)!.Value;
        var liar = cluster.Server(before.Replicas.Span[0].Value);

        // Chunks never made and versions never given; results of copies nobody ordered; losses of what it has not.
        var reply = await liar.CallAsync(ChunkServersMethods.Inventory, new InventoryRequest
        {
            Server = liar.Id,
            Incarnation = liar.Disk.Incarnation,
            Copies =
            {
                new StoredCopy { Chunk = chunk, Version = 99, Length = 1_000 },
                new StoredCopy { Chunk = 1UL << 40, Version = 1, Length = 1 },
            },
        });
        Assert.Equal((0, 0ul), (reply.Answer.Status, reply.Next));
        Assert.Empty(reply.Deletes);
        var beat = new HeartbeatRequest
        {
            Server = liar.Id,
            Incarnation = liar.Disk.Incarnation,
            CapacityBytes = 1 << 30,
        };
        beat.Results.Add(new CopyResult { Copy = 1, Chunk = chunk, Version = 1 });
        beat.Lost.Add(new LostCopy { Chunk = chunk, Version = 99 });
        beat.Lost.Add(new LostCopy { Chunk = 1UL << 40, Version = 1 });
        await liar.CallAsync(ChunkServersMethods.Heartbeat, beat);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        for (var i = 0; i < 500 && (await cluster.StatusAsync()).UnknownCopies < 3; i++)
        {
            await timer.WaitForNextTickAsync();
        }

        Assert.Equal(3ul, (await cluster.StatusAsync()).UnknownCopies);
        Assert.Equal(before.Replicas.ToArray(), cluster.Chunk(chunk)!.Value.Replicas.ToArray());
        Assert.Equal(before.ChangedAt, cluster.Chunk(chunk)!.Value.ChangedAt);
        Assert.Equal(0, cluster.GarbageOf(liar.Id));
    }

    [Fact]
    public async Task What_is_too_long_or_out_of_order_is_refused()
    {
        await using var cluster = await ChunkCluster.StartAsync("a");
        var server = cluster.Servers[0];
        var (id, run) = (server.Id, server.Disk.Incarnation);
        var long1 = new HeartbeatRequest { Server = id, Incarnation = run };
        long1.Lost.Add(Enumerable.Range(0, 1_025).Select(i => new LostCopy { Chunk = (ulong)i }));
        await RefusedAsync(ChunkServersMethods.Heartbeat, long1);
        await RefusedAsync(
            ChunkServersMethods.Heartbeat, new HeartbeatRequest { Server = id, BackWithinMs = 3_600_001 });
        var confirm = new ConfirmDeletedRequest { Server = id, Incarnation = run };
        confirm.Deleted.Add(Enumerable.Range(0, 1_025).Select(i => new DeleteOrder { Chunk = (ulong)i }));
        await RefusedAsync(ChunkServersMethods.ConfirmDeleted, confirm);
        var page = new InventoryRequest { Server = id, Incarnation = run };
        page.Copies.Add(Enumerable.Range(1, 1_025).Select(i => new StoredCopy { Chunk = (ulong)i, Version = 1 }));
        await RefusedAsync(ChunkServersMethods.Inventory, page);
        page.Copies.Clear();
        page.Copies.Add([new StoredCopy { Chunk = 2, Version = 1 }, new StoredCopy { Chunk = 1, Version = 1 }]);
        await RefusedAsync(ChunkServersMethods.Inventory, page);
        await RefusedAsync(
            ChunkServersMethods.Inventory,
            new InventoryRequest { Server = id, Incarnation = run, Position = 1UL << 50 });
        var nowhere = new RegisterServerRequest { Store = 5, Incarnation = 5, Address = "nowhere" };
        await RefusedAsync(ChunkServersMethods.Register, nowhere);
        var large = new RegisterServerRequest
        {
            Store = 5,
            Incarnation = 5,
            Address = "127.0.0.1:1",
            CapacityBytes = ulong.MaxValue,
        };
        var answer = await server.CallAsync(ChunkServersMethods.Register, large);
        Assert.Equal((int)FsStatus.Invalid, answer.Answer.Status);
        Assert.Single(cluster.Look(tree => tree.Servers.All));

        async Task RefusedAsync<TRequest, TReply>(RpcMethod<TRequest, TReply> method, TRequest request)
            where TRequest : class, IMessage<TRequest>, new()
            where TReply : class, IMessage<TReply>, new()
        {
            var error = await Assert.ThrowsAsync<RpcException>(() => server.CallAsync(method, request).AsTask());
            Assert.Equal(ErrorCatalog.BadRequest, error.Code);
        }
    }

    /// <summary>What metaservers propose by themselves cannot come in as operations of a client.</summary>
    [Fact]
    public async Task Commands_about_servers_are_not_accepted_from_clients()
    {
        await using var cluster = await ChunkCluster.StartAsync("a");
        var row = cluster.Row(1);
        var down = new MetadataCommand
        {
            SetServerState = new SetServerStateRequest
            {
                Server = 1,
                Incarnation = row.Incarnation,
                State = Protocol.ServerState.Draining,
            },
        };
        var smuggled = MutateRequest.Parser.ParseFrom(down.ToByteArray());
        var reply = await cluster.RepeatAsync(1, smuggled);
        Assert.Empty(reply.Mutate?.Replies ?? []);
        Assert.Equal(row, cluster.Row(1));
    }
}
