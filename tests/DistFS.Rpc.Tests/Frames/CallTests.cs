using System.Diagnostics;
using static DistFS.Rpc.Tests.ConformanceMethods;

namespace DistFS.Rpc.Tests.Frames;

/// <summary>Unary calls over one channel: room, deadlines, cancellation, errors.</summary>
public sealed class CallTests
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(150);

    [Fact]
    public async Task Ten_thousand_calls_share_room_for_eight_in_order()
    {
        await using var world = new RpcWorld(RpcWorld.Loopback(new FrameOptions { CallsMax = 8 }));
        var channel = world.Channel();
        await channel.EchoAsync(0);
        var options = new CallOptions(TimeSpan.FromSeconds(30));
        var calls = Enumerable.Range(0, 10_000).Select(
            i => channel.CallAsync(EchoInline, new EchoRequest { Value = (ulong)i }, options).AsTask()).ToArray();
        var replies = await Task.WhenAll(calls).WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(Enumerable.Range(0, 10_000).Select(i => (ulong)i), replies.Select(reply => reply.Message.Value));
    }

    [Fact]
    public async Task Waiting_calls_are_served_first_come_first_served()
    {
        var order = new System.Collections.Concurrent.ConcurrentQueue<ulong>();
        await using var world = new RpcWorld(
            RpcWorld.Loopback(new FrameOptions { CallsMax = 1 }), dispatcher => dispatcher.Use(new Recorder(order)));
        var channel = world.Channel();
        await channel.EchoAsync(0);
        var options = new CallOptions(TimeSpan.FromSeconds(9));
        var calls = Enumerable.Range(1, 200).Select(i => channel.CallAsync(
            Echo, new EchoRequest(), options with { TraceId = new TraceId(0, (ulong)i) }).AsTask());
        await Task.WhenAll(calls).Soon();
        Assert.Equal(Enumerable.Range(1, 200).Select(i => (ulong)i), order.Skip(1));
    }

    [Fact]
    public async Task Requests_beyond_the_window_wait()
    {
        var small = new FrameOptions { BodyBytesMax = 4096, PayloadBytesMax = 64 << 10, RequestWindowBytes = 100_000 };
        await using var world = new RpcWorld(RpcWorld.Loopback(small));
        var channel = world.Channel();
        var payload = ConformanceService.Bytes(60_000, 1);
        await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => channel.EchoBytesAsync(payload)));
    }

    [Fact]
    public async Task A_request_over_the_peers_limits_is_refused_here()
    {
        await using var world = new RpcWorld(
            RpcWorld.Loopback(new FrameOptions { BodyBytesMax = 4096, PayloadBytesMax = 4096 }));
        var channel = world.Channel();
        var error = await Eventually.Fails(ErrorCatalog.MessageTooLarge, () => channel.CallAsync(
            Echo, new EchoRequest(), new CallOptions(TimeSpan.FromSeconds(9), new byte[4097])).AsTask());
        Assert.False(error.OutcomeUnknown);
        await Eventually.Fails(ErrorCatalog.MessageTooLarge, () => channel.CallAsync(
            Fail, new FailRequest { Message = new string('x', 5000) }, TimeSpan.FromSeconds(9)).AsTask());
        Assert.Equal(5UL, await channel.EchoAsync(5));
    }

    [Fact]
    public async Task A_reply_over_our_limits_is_an_error_of_that_call_only()
    {
        await using var world = new RpcWorld();
        var channel = world.Channel(new FrameOptions { PayloadBytesMax = 4096 });
        await Eventually.Fails(ErrorCatalog.MessageTooLarge, () => channel.SourceAsync(4097));
        await channel.SourceAsync(4096);
        await Eventually.True(() => world.Service.OwnersOut == 0);
    }

    [Fact]
    public async Task A_deadline_is_kept_on_both_sides_and_the_room_is_free_again()
    {
        await using var world = new RpcWorld(RpcWorld.Loopback(new FrameOptions { CallsMax = 16 }));
        var channel = world.Channel();
        await channel.EchoAsync(0);
        var watch = Stopwatch.StartNew();
        var calls = Enumerable.Range(0, 16).Select(_ => channel.HangAsync(Short)).ToArray();
        foreach (var call in calls)
        {
            var error = await Eventually.Fails(ErrorCatalog.DeadlineExceeded, () => call);
            Assert.True(error.OutcomeUnknown);
        }

        Assert.InRange(watch.Elapsed, Short - TimeSpan.FromMilliseconds(20), Short + TimeSpan.FromMilliseconds(250));
        await Eventually.True(() => world.Service.Cancelled == 16);
        await FillAsync(world, channel, 16);
    }

    [Fact]
    public async Task A_deadline_that_the_server_sees_first_is_no_cancellation()
    {
        await using var world = new RpcWorld();
        using var peer = await RawPeer.GreetAsync(world.Address);
        await peer.SendAsync(FrameBytes.Request(Hang, new HangRequest(), 1, timeoutMs: 50));
        var info = ErrorInfo.Parser.ParseFrom((await peer.ReadUntilAsync(FrameKind.Error)).Data);
        Assert.Equal((1203U, true), (info.Code, info.OutcomeUnknown));
        await peer.SendAsync(
            FrameBytes.Request(Hang, new HangRequest(), 2), FrameBytes.Frame(FrameKind.Cancel, callId: 2));
        info = ErrorInfo.Parser.ParseFrom((await peer.ReadUntilAsync(FrameKind.Error)).Data);
        Assert.Equal((1004U, true), (info.Code, info.OutcomeUnknown));
    }

    [Fact]
    public async Task A_reply_that_comes_too_late_is_dropped()
    {
        await using var world = new RpcWorld(RpcWorld.Loopback(new FrameOptions { CallsMax = 4 }));
        var channel = world.Channel();
        var blocked = Enumerable.Range(0, 4)
            .Select(_ => channel.CallAsync(Block, new HangRequest(), Short).AsTask()).ToArray();
        foreach (var call in blocked)
        {
            await Eventually.Fails(ErrorCatalog.DeadlineExceeded, () => call);
        }

        // The slots are taken until the server has answered.
        var waiting = channel.EchoAsync(5);
        Assert.False(waiting.IsCompleted);
        world.Service.ReleaseBlocked();
        Assert.Equal(5UL, await waiting);
        await FillAsync(world, channel, 4);
    }

    [Fact]
    public async Task Cancellation_reaches_the_handler_and_ends_the_call_here_at_once()
    {
        await using var world = new RpcWorld();
        var channel = world.Channel();
        using var cancellation = new CancellationTokenSource();
        var call = channel.HangAsync(cancellation: cancellation.Token);
        await Eventually.True(() => world.Service.Running == 1);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call).Soon();
        await Eventually.True(() => world.Service.Cancelled == 1);
    }

    [Fact]
    public async Task A_call_that_gives_up_before_it_was_sent_leaves_nothing()
    {
        await using var world = new RpcWorld(RpcWorld.Loopback(new FrameOptions { CallsMax = 1 }));
        var channel = world.Channel();
        using var cancellation = new CancellationTokenSource();
        var first = channel.HangAsync();
        await Eventually.True(() => world.Service.Running == 1);
        var cancelled = channel.HangAsync(cancellation: cancellation.Token);
        var late = channel.HangAsync(Short);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled).Soon();
        Assert.False((await Eventually.Fails(ErrorCatalog.DeadlineExceeded, () => late)).OutcomeUnknown);
        using var already = new CancellationTokenSource();
        await already.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => channel.HangAsync(cancellation: already.Token)).Soon();
        world.Service.ReleaseHanging();
        await first.Soon();
        Assert.Equal(1, world.Service.Handled);
    }

    [Fact]
    public async Task Time_outs_are_positive_and_may_be_without_end()
    {
        await using var world = new RpcWorld();
        var channel = world.Channel();
        Assert.Equal(1UL, await channel.EchoAsync(1, TimeSpan.MaxValue));
        Assert.Equal(2UL, await channel.EchoAsync(2, TimeSpan.FromDays(400)));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => channel.EchoAsync(3, TimeSpan.Zero));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => channel.EchoAsync(3, TimeSpan.FromSeconds(-1)));
        Assert.Equal(4UL, await channel.EchoAsync(4, TimeSpan.FromTicks(9_000_000)));
    }

    [Fact]
    public async Task A_handlers_errors_come_as_they_are_and_unexpected_ones_without_their_text()
    {
        await using var world = new RpcWorld();
        var channel = world.Channel();
        var error = await Eventually.Fails(() => channel.CallAsync(
            Fail, new FailRequest { Status = 122, Code = 1113, Message = "disk 7" }, TimeSpan.FromSeconds(9)).AsTask());
        Assert.Equal((ErrorCatalog.StoreFull, FsStatus.QuotaExceeded, "disk 7", false),
            (error.Code, error.Status, error.Message, error.OutcomeUnknown));
        var unexpected = await Eventually.Fails(ErrorCatalog.HandlerFailed, () => channel.CallAsync(
            Fail, new FailRequest { Unexpected = true }, TimeSpan.FromSeconds(9)).AsTask());
        Assert.DoesNotContain("secret", unexpected.Message, StringComparison.Ordinal);
        Assert.True(unexpected.OutcomeUnknown);
        Assert.Contains(world.Log.Lines, line => line.Contains("Conformance/Fail", StringComparison.Ordinal));
        await Eventually.Fails(ErrorCatalog.UnknownMethod, () => channel.CallAsync(
            Missing, new EchoRequest(), TimeSpan.FromSeconds(9)).AsTask());
        await Eventually.Fails(ErrorCatalog.UnknownMethod, () => channel.CallAsync(
            Unnumbered, new EchoRequest(), TimeSpan.FromSeconds(9)).AsTask());
    }

    [Fact]
    public async Task Calls_go_both_ways_over_one_connection()
    {
        await using var world = new RpcWorld();
        var mine = new ConformanceService();
        var channel = world.Channel(new FrameChannelOptions { Callbacks = mine.Dispatcher() });
        var deaf = world.Channel();
        var calls = Enumerable.Range(0, 500).Select(async i =>
        {
            using var reply = await channel.CallAsync(
                CallBack, new EchoRequest { Value = (ulong)i }, new CallOptions(TimeSpan.FromSeconds(9)));
            Assert.Equal((ulong)i + 1, reply.Message.Value);
        });
        await Task.WhenAll(calls).Soon();
        Assert.Equal(500, mine.Handled);
        await Eventually.Fails(ErrorCatalog.UnknownMethod, () => deaf.CallAsync(
            CallBack, new EchoRequest(), TimeSpan.FromSeconds(9)).AsTask());
    }

    [Fact]
    public async Task Handlers_that_block_stop_no_other_call()
    {
        await using var world = new RpcWorld();
        var channel = world.Channel();
        var blocked = Enumerable.Range(0, 8)
            .Select(_ => channel.CallAsync(Block, new HangRequest(), TimeSpan.FromSeconds(9)).AsTask()).ToArray();
        await Eventually.True(() => world.Service.Blocked == 8);
        for (ulong i = 0; i < 100; i++)
        {
            Assert.Equal(i, await channel.EchoAsync(i));
        }

        world.Service.ReleaseBlocked();
        await Task.WhenAll(blocked).Soon();
    }

    /// <summary>All the room the connection ever had is there.</summary>
    private static async Task FillAsync(RpcWorld world, FrameChannel channel, int calls)
    {
        await Eventually.True(() => world.Service.Running == 0);
        var hanging = Enumerable.Range(0, calls).Select(_ => channel.HangAsync()).ToArray();
        await Eventually.True(() => world.Service.Running == calls);
        world.Service.ReleaseHanging();
        await Task.WhenAll(hanging).Soon();
    }

    private sealed class Recorder(System.Collections.Concurrent.ConcurrentQueue<ulong> order) : IServerInterceptor
    {
        public void OnCall(ServerCall call) => order.Enqueue(call.TraceId.Low);
    }
}
