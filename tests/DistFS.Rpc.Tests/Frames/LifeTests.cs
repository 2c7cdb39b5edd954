using static DistFS.Rpc.Tests.ConformanceMethods;

namespace DistFS.Rpc.Tests.Frames;

/// <summary>How connections end, for calls under way and calls that wait.</summary>
public sealed class LifeTests
{
    [Fact]
    public async Task A_cut_connection_ends_every_call_and_says_which_may_have_been_done()
    {
        await using var world = new RpcWorld(RpcWorld.Loopback(new FrameOptions { CallsMax = 60 }));
        var channel = world.Channel();
        await channel.EchoAsync(0);
        var calls = Enumerable.Range(0, 100).Select(_ => channel.HangAsync()).ToArray();
        await Eventually.True(() => world.Service.Running == 60);
        await world.Server.DisposeAsync();
        var errors = await Task.WhenAll(calls.Select(call => Eventually.Fails(() => call)));
        Assert.All(errors[..60], error =>
        {
            Assert.Equal(ErrorCatalog.ConnectionLost, error.Code);
            Assert.True(error.OutcomeUnknown);
        });
        Assert.All(errors[60..], error => Assert.False(error.OutcomeUnknown));
        await Eventually.True(() => world.Service.Cancelled == 60);
    }

    [Fact]
    public async Task A_server_that_stops_finishes_what_runs_and_takes_nothing_new()
    {
        await using var world = new RpcWorld();
        var channel = world.Channel(new FrameChannelOptions
        {
            RetryDelay = TimeSpan.FromSeconds(30),
            RetryDelayMax = TimeSpan.FromSeconds(30),
        });
        var running = channel.HangAsync();
        var stream = CountAsync(channel.CountAsync(10, 10));
        await stream.Soon();
        await Eventually.True(() => world.Service.Running == 1);
        var stop = world.Server.StopAsync(CancellationToken.None);
        await Eventually.True(() => world.Server.Peers.Any() && !stop.IsCompleted);
        var refused = await Eventually.Fails(async () =>
        {
            while (true)
            {
                await channel.EchoAsync(1);
            }
        });
        Assert.Contains(refused.Code, new[] { ErrorCatalog.ShuttingDown, ErrorCatalog.ConnectFailed });
        Assert.False(refused.OutcomeUnknown);
        Assert.False(stop.IsCompleted);
        world.Service.ReleaseHanging();
        await running.Soon();
        await stop.Soon();
    }

    [Theory]
    [InlineData(10)]
    [InlineData(1_000_000)]
    public async Task The_last_reply_of_a_server_that_stops_is_not_lost(int bytes)
    {
        for (var round = 0; round < 60; round++)
        {
            await using var world = new RpcWorld();
            var channel = world.Channel();
            await channel.EchoAsync(0);
            var calls = Enumerable.Range(0, 4)
                .Select(_ => channel.EchoBytesAsync(ConformanceService.Content.AsMemory(0, bytes))).ToArray();
            await Eventually.True(() => world.Service.Handled >= 3);
            await world.Server.StopAsync(CancellationToken.None).Soon();
            foreach (var call in calls)
            {
                try
                {
                    await call;
                }
                catch (RpcException e)
                {
                    // Refused before it was begun, which is no loss.
                    Assert.False(e.OutcomeUnknown, $"round {round}: {e.Message}");
                }
            }
        }
    }

    [Fact]
    public async Task A_stop_that_is_cut_short_cancels_what_runs()
    {
        await using var world = new RpcWorld();
        var call = world.Channel().HangAsync();
        await Eventually.True(() => world.Service.Running == 1);
        using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        await world.Server.StopAsync(limit.Token).Soon();
        Assert.True((await Eventually.Fails(ErrorCatalog.ConnectionLost, () => call)).OutcomeUnknown);
        await Eventually.True(() => world.Service.Cancelled == 1);
        await world.Server.DisposeAsync();
        await world.Server.DisposeAsync();
    }

    /// <summary>What handlers use is disposed of after the server, so who is slow to end is waited for.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Disposal_waits_for_the_handlers_that_it_cancelled(bool clientLeaves)
    {
        var (started, release) = (new TaskCompletionSource(), new TaskCompletionSource());
        var dispatcher = new RpcDispatcher().Handle(Hang, async (request, call) =>
        {
            started.SetResult();
            await release.Task;
            return new HangReply();
        });
        var server = FrameServer.Start(dispatcher, RpcWorld.Loopback());
        var channel = new FrameChannel(server.Addresses[0]);
        var running = Eventually.Fails(async () => await channel.HangAsync());
        await started.Task.WaitAsync(Eventually.Limit);
        if (clientLeaves)
        {
            await channel.DisposeAsync();
            await Eventually.True(() => server.ConnectionCount == 0);
        }

        var disposal = server.DisposeAsync().AsTask();
        await running;
        Assert.False(disposal.IsCompleted);
        release.SetResult();
        await disposal.WaitAsync(TimeSpan.FromSeconds(4));
        await channel.DisposeAsync();
    }

    [Fact]
    public async Task A_handler_that_never_ends_holds_up_the_disposal_for_a_while_only()
    {
        var (started, release) = (new TaskCompletionSource(), new TaskCompletionSource());
        var dispatcher = new RpcDispatcher().Handle(Hang, async (request, call) =>
        {
            started.SetResult();
            await release.Task;
            return new HangReply();
        });
        var log = new RecordingLogger();
        var server = FrameServer.Start(
            dispatcher,
            RpcWorld.Loopback() with { HandlersEndWithin = TimeSpan.FromMilliseconds(50), Logger = log });
        await using var channel = new FrameChannel(server.Addresses[0]);
        var running = Eventually.Fails(async () => await channel.HangAsync());
        await started.Task.WaitAsync(Eventually.Limit);
        await server.DisposeAsync().AsTask().WaitAsync(Eventually.Limit);
        await running;
        Assert.Contains(log.Lines, line => line.StartsWith("Handlers still run", StringComparison.Ordinal));
        release.SetResult();
    }

    [Fact]
    public async Task A_request_that_meets_the_servers_farewell_is_refused_and_was_not_done()
    {
        await using var world = new RpcWorld();
        using var peer = await RawPeer.GreetAsync(world.Address);
        await peer.SendAsync(FrameBytes.Request(Hang, new HangRequest(), 1));
        await Eventually.True(() => world.Service.Running == 1);
        var stop = world.Server.StopAsync(CancellationToken.None);
        var (_, farewell) = await peer.ReadUntilAsync(FrameKind.GoAway);
        Assert.Equal(1212U, GoAway.Parser.ParseFrom(farewell).Reason.Code);
        await peer.SendAsync(FrameBytes.Request(Echo, new EchoRequest(), 2, new byte[9000]));
        var (header, data) = await peer.ReadUntilAsync(FrameKind.Error);
        var info = ErrorInfo.Parser.ParseFrom(data);
        Assert.Equal((2UL, 1212U, false), (header.CallId, info.Code, info.OutcomeUnknown));
        world.Service.ReleaseHanging();
        Assert.Equal(1UL, (await peer.ReadUntilAsync(FrameKind.Reply)).Header.CallId);
        await stop.Soon();
        Assert.Null(await peer.ReadAsync());
    }

    [Fact]
    public async Task A_client_that_leaves_with_nothing_under_way_is_no_fault()
    {
        await using var world = new RpcWorld();
        using (var peer = await RawPeer.GreetAsync(world.Address))
        {
            await peer.SendAsync(FrameBytes.Request(Echo, new EchoRequest(), 1));
            await peer.ReadUntilAsync(FrameKind.Reply);
        }

        await Eventually.True(() => world.Server.ConnectionCount == 0);
        Assert.DoesNotContain(world.Log.Lines, line => line.Contains("DFS", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_client_that_leaves_in_a_call_is_a_fault()
    {
        await using var world = new RpcWorld();
        using (var peer = await RawPeer.GreetAsync(world.Address))
        {
            await peer.SendAsync(FrameBytes.Request(Hang, new HangRequest(), 1));
            await Eventually.True(() => world.Service.Running == 1);
        }

        await Eventually.True(() => world.Log.Lines.Any(line => line.Contains("DFS1204", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task More_connections_than_allowed_are_turned_away()
    {
        await using var world = new RpcWorld(RpcWorld.Loopback() with { ConnectionsMax = 2 });
        using var first = await RawPeer.GreetAsync(world.Address);
        var second = await RawPeer.GreetAsync(world.Address);
        using (var third = await RawPeer.ConnectAsync(world.Address))
        {
            Assert.Null(await third.ReadAsync());
        }

        second.Dispose();
        await Eventually.True(() => world.Server.ConnectionCount == 1);
        using var fourth = await RawPeer.GreetAsync(world.Address);
    }

    private static async Task<int> CountAsync(IAsyncEnumerable<CountReply> stream)
    {
        var count = 0;
        await foreach (var reply in stream)
        {
            count++;
        }

        return count;
    }
}
