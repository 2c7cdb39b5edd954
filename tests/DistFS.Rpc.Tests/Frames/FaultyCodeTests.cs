using System.Buffers;
using DistFS.Rpc.Services;
using static DistFS.Rpc.Tests.ConformanceMethods;

namespace DistFS.Rpc.Tests.Frames;

/// <summary>Handlers and callers that break the rules harm their own call and nothing else.</summary>
public sealed class FaultyCodeTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(9);

    [Theory]
    [InlineData(HandlerScheduling.Pool)]
    [InlineData(HandlerScheduling.Inline)]
    public async Task A_reply_from_memory_that_is_gone_ends_its_call_and_nothing_else(HandlerScheduling scheduling)
    {
        await using var world = new RpcWorld(configure: dispatcher => dispatcher.Handle(
            NodeMethods.Ping,
            (request, call) =>
            {
                if (request.Nonce == 1)
                {
                    call.SetReplyPayload(new GoneMemory(100).Memory);
                }

                return new ValueTask<PingReply>(new PingReply { Nonce = request.Nonce });
            },
            scheduling));
        var channel = world.Channel();
        var good = (await channel.CallAsync(NodeMethods.Ping, new PingRequest { Nonce = 2 }, Long)).Nonce;
        var error = await Eventually.Fails(() => PingAsync(channel, 1));
        Assert.Equal(ErrorCatalog.HandlerFailed, error.Code);
        Assert.True(error.OutcomeUnknown);
        Assert.Equal(good, await PingAsync(channel, 2));
        Assert.Contains(world.Log.Lines, line => line.Contains("Node/Ping", StringComparison.Ordinal));
        Assert.Equal(1, world.Server.ConnectionCount);
    }

    [Fact]
    public async Task A_request_from_memory_that_is_gone_fails_and_occupies_nothing()
    {
        var frames = new FrameOptions { CallsMax = 2 };
        await using var world = new RpcWorld(RpcWorld.Loopback(frames));
        var channel = world.Channel();
        await channel.EchoAsync(1);
        for (var i = 0; i < 5; i++)
        {
            var gone = new GoneMemory(100).Memory;
            var error = await Eventually.Fails(
                async () => await channel.CallAsync(Echo, new EchoRequest(), new CallOptions(Long, gone)));
            Assert.Equal(ErrorCatalog.BadRequest, error.Code);
            Assert.False(error.OutcomeUnknown);
        }

        // Each of the five would have taken one of the two calls that the server allows.
        Assert.Equal(7UL, await channel.EchoAsync(7));
    }

    [Fact]
    public async Task Blocking_on_a_call_that_has_not_ended_is_refused_and_the_call_goes_on()
    {
        await using var world = new RpcWorld();
        var channel = world.Channel();
        await channel.EchoAsync(1);
        var hanging = channel.CallAsync(Hang, new HangRequest(), new CallOptions(Long));
        Assert.Throws<InvalidOperationException>(() => hanging.GetAwaiter().GetResult());
        Assert.Equal(2UL, await channel.EchoAsync(2));
        await Eventually.True(() => world.Service.Running == 1);
        world.Service.ReleaseHanging();
        using var reply = await hanging;
        Assert.NotNull(reply.Message);
    }

    [Fact]
    public async Task A_token_callback_that_throws_is_logged()
    {
        await using var world = new RpcWorld(configure: dispatcher => dispatcher.Handle(
            NodeMethods.Ping,
            async (request, call) =>
            {
                var told = new TaskCompletionSource();
                await using var last = call.CancellationToken.Register(() => told.SetResult());
                await using var first = call.CancellationToken.Register(
                    () => throw new InvalidOperationException("callback"));
                await told.Task.Soon();
                return new PingReply();
            }));
        var channel = world.Channel();
        using var cancel = new CancellationTokenSource();
        var call = channel.CallAsync(NodeMethods.Ping, new PingRequest(), Long, cancel.Token).AsTask();
        cancel.CancelAfter(TimeSpan.FromMilliseconds(50));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.Soon());
        await Eventually.True(() => world.Log.Lines.Any(l => l.Contains("Node/Ping", StringComparison.Ordinal)));
        Assert.Equal(3UL, await channel.EchoAsync(3));
    }

    [Fact]
    public async Task A_write_after_the_stream_has_ended_is_refused()
    {
        Task? late = null;
        var ended = new TaskCompletionSource();
        await using var world = new RpcWorld(configure: dispatcher => dispatcher.Handle(
            NodeMethods.Watch,
            (_, replies, _) =>
            {
                late = Task.Run(async () =>
                {
                    await ended.Task.Soon();
                    await replies.WriteAsync(new NodeEvent());
                });
                return ValueTask.CompletedTask;
            }));
        var channel = world.Channel();
        await foreach (var reply in channel.StreamAsync(NodeMethods.Watch, new WatchRequest(), new CallOptions(Long)))
        {
            Assert.Fail($"nothing was written, but {reply} came");
        }

        ended.SetResult();
        await Assert.ThrowsAsync<OperationCanceledException>(() => late!.Soon());
        Assert.Equal(4UL, await channel.EchoAsync(4));
    }

    [Fact]
    public async Task Who_only_listens_pings_so_that_the_sender_of_a_long_payload_hears_it()
    {
        var options = RpcWorld.Quick with { StallTimeout = TimeSpan.FromSeconds(5) };
        await using var world = new RpcWorld(RpcWorld.Loopback(options));
        using var peer = await RawPeer.GreetAsync(world.Address);

        // A request whose payload is never complete: the server hears from us all the time.
        var frame = FrameBytes.Request(Echo, new EchoRequest(), 1, new byte[100_000]);
        await peer.SendAsync(frame[..1000]);
        var ping = peer.ReadUntilAsync(FrameKind.Ping);
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        for (var sent = 1000; !ping.IsCompleted && sent < 90_000; sent += 10)
        {
            await peer.SendAsync(frame[sent..(sent + 10)]);
            await pace.WaitForNextTickAsync();
        }

        Assert.Equal(FrameKind.Ping, (await ping.Soon()).Header.Kind);
    }

    private static async Task<ulong> PingAsync(IRpcCaller caller, ulong nonce) =>
        (await caller.CallAsync(NodeMethods.Ping, new PingRequest { Nonce = nonce }, Long)).Nonce;

    /// <summary>Memory whose owner has disposed of it: what is left of it throws.</summary>
    private sealed class GoneMemory(int length) : MemoryManager<byte>
    {
        public override Memory<byte> Memory => CreateMemory(length);

        public override Span<byte> GetSpan() => throw new ObjectDisposedException(nameof(GoneMemory));

        public override MemoryHandle Pin(int elementIndex = 0) => throw new ObjectDisposedException(nameof(GoneMemory));

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
