using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using static DistFS.Rpc.Tests.ConformanceMethods;

namespace DistFS.Rpc.Tests.Frames;

/// <summary>What sees calls besides their handlers: interceptors on both sides, metrics, trace ids.</summary>
public sealed class InterceptorTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(9);

    [Fact]
    public async Task An_interceptor_sees_every_call_and_its_end()
    {
        var seen = new Watcher();
        await using var world = new RpcWorld(configure: dispatcher => dispatcher.Use(seen));
        var channel = world.Channel(new FrameOptions { Credential = new byte[] { 1, 2, 3 }, Agent = "tester" });
        await channel.EchoAsync(1);
        await Eventually.Fails(ErrorCatalog.StoreIo, () => channel.SourceAsync(10, then: 1));
        await foreach (var reply in channel.CountAsync(2))
        {
            Assert.NotNull(reply);
        }

        await Eventually.True(() => seen.Ends.Count == 3);
        Assert.Equal(["Echo", "Source", "Count"], seen.Calls);
        Assert.Equal([FsStatus.Ok, FsStatus.IoError, FsStatus.Ok], seen.Ends);
        Assert.Equal(new byte[] { 1, 2, 3 }, seen.Credential);
        Assert.Equal("tester", seen.Agent);
    }

    [Fact]
    public async Task A_quick_handler_answers_or_leaves_it_and_the_call_is_seen_once()
    {
        var seen = new Watcher();
        var dispatcher = new RpcDispatcher().Use(seen).Handle(
            Echo,
            (request, _) => new(new EchoReply { Value = request.Value }),
            HandlerScheduling.Pool,
            (request, _) => request.Value switch
            {
                7 => throw new RpcException(ErrorCatalog.StoreIo, "quick"),
                var even when even % 2 == 0 => new EchoReply { Value = 100 + even },
                _ => null,
            });
        await using var server = FrameServer.Start(dispatcher, RpcWorld.Loopback());
        await using var channel = new FrameChannel(server.Addresses[0]);
        for (ulong i = 0; i < 7; i++)
        {
            Assert.Equal(i % 2 == 0 ? 100 + i : i, await channel.EchoAsync(i));
        }

        await Eventually.Fails(ErrorCatalog.StoreIo, () => channel.EchoAsync(7));
        await Eventually.True(() => seen.Ends.Count == 8);
        Assert.Equal(8, seen.Calls.Count);
    }

    [Fact]
    public async Task A_refused_call_has_no_handler_and_gives_its_payload_back()
    {
        var seen = new Watcher { Refuses = true };
        await using var world = new RpcWorld(configure: dispatcher => dispatcher.Use(seen));
        var channel = world.Channel();
        for (var i = 0; i < 10; i++)
        {
            var error = await Eventually.Fails(
                ErrorCatalog.Unauthenticated, () => channel.EchoBytesAsync(new byte[10_000 * i]));
            Assert.Equal(FsStatus.AccessDenied, error.Status);
            Assert.False(error.OutcomeUnknown);
        }

        await Eventually.Fails(ErrorCatalog.Unauthenticated, () => channel.CallAsync(
            EchoInline, new EchoRequest(), Timeout).AsTask());
        Assert.Equal(0, world.Service.Handled);
        Assert.Empty(seen.Ends);
    }

    [Fact]
    public async Task An_interceptor_that_throws_at_the_end_costs_nobody_an_answer()
    {
        await using var world = new RpcWorld(configure: dispatcher => dispatcher.Use(new Watcher { Throws = true }));
        var channel = world.Channel();
        for (ulong i = 0; i < 20; i++)
        {
            Assert.Equal(i, await channel.EchoAsync(i));
            await channel.EchoBytesAsync(new byte[10_000]);
            using var inline = await channel.CallAsync(
                EchoInline, new EchoRequest { Value = i }, new CallOptions(Timeout)).Soon();
            Assert.Equal(i, inline.Message.Value);
        }

        await foreach (var reply in channel.CountAsync(2))
        {
            Assert.NotNull(reply);
        }
    }

    [Fact]
    public async Task A_clients_interceptor_changes_what_is_sent()
    {
        var trace = new TraceId(7, 9);
        var seen = new Watcher();
        await using var world = new RpcWorld(configure: dispatcher => dispatcher.Use(seen));
        var channel = world.Channel(new FrameOptions { Interceptors = [new Stamp(trace)] });
        await channel.EchoAsync(1);
        Assert.Equal(trace, seen.Trace);
        Assert.Equal("00000000000000070000000000000009", trace.ToString());
    }

    [Fact]
    public async Task A_handler_knows_how_much_time_is_left()
    {
        var seen = new Watcher();
        await using var world = new RpcWorld(configure: dispatcher => dispatcher.Use(seen));
        var channel = world.Channel();
        await channel.EchoAsync(1, TimeSpan.FromSeconds(5));
        Assert.InRange(seen.Remaining, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(5));
        await channel.EchoAsync(1, TimeSpan.MaxValue);
        Assert.Equal(TimeSpan.MaxValue, seen.Remaining);
    }

    [Fact]
    public async Task Calls_are_measured_by_method_and_status()
    {
        var recorded = new ConcurrentQueue<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name == "DistFS.Rpc")
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>((instrument, _, tags, _) =>
            recorded.Enqueue($"{instrument.Name} {string.Join(' ', tags.ToArray().Select(tag => tag.Value))}"));
        listener.Start();
        await using var world = new RpcWorld();
        var channel = world.Channel();
        await channel.EchoAsync(1);
        await Eventually.Fails(ErrorCatalog.StoreIo, () => channel.SourceAsync(10, then: 1));
        await foreach (var reply in channel.CountAsync(3))
        {
            Assert.NotNull(reply);
        }

        foreach (var side in new[] { "server", "client" })
        {
            await Eventually.True(
                () => recorded.Contains($"distfs.rpc.{side}.duration distfs.test.v1.Conformance/Count OK"));
            await Eventually.True(
                () => recorded.Contains($"distfs.rpc.{side}.duration distfs.test.v1.Conformance/Echo OK"));
            await Eventually.True(
                () => recorded.Contains($"distfs.rpc.{side}.duration distfs.test.v1.Conformance/Source EIO"));
        }
    }

    private sealed class Stamp(TraceId trace) : IClientInterceptor
    {
        public CallOptions OnCall(RpcMethod method, in CallOptions options) => options with { TraceId = trace };
    }

    private sealed class Watcher : IServerInterceptor
    {
        public bool Refuses { get; init; }

        public bool Throws { get; init; }

        public ConcurrentQueue<string> Calls { get; } = new();

        public ConcurrentQueue<FsStatus> Ends { get; } = new();

        public byte[] Credential { get; private set; } = [];

        public string Agent { get; private set; } = "";

        public TraceId Trace { get; private set; }

        public TimeSpan Remaining { get; private set; }

        public void OnCall(ServerCall call)
        {
            Calls.Enqueue(call.Method.Name);
            (Credential, Agent) = (call.Peer.Credential.ToArray(), call.Peer.Agent);
            (Trace, Remaining) = (call.TraceId, call.TimeRemaining);
            if (Refuses)
            {
                throw new RpcException(ErrorCatalog.Unauthenticated, "no credential");
            }
        }

        public void OnCompleted(ServerCall call, FsStatus status)
        {
            Ends.Enqueue(status);
            if (Throws)
            {
                throw new IOException("the audit disk is full");
            }
        }
    }
}
