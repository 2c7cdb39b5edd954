using Microsoft.Extensions.Logging.Abstractions;
using static DistFS.Rpc.Tests.ConformanceMethods;

namespace DistFS.Rpc.Tests.Frames;

/// <summary>
/// One connection against bytes that are chosen one by one: order and moment of events are the test's.
/// </summary>
public sealed class FrameConnectionEdgeTests : IAsyncLifetime
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(60);
    private readonly ConformanceService _service = new();
    private readonly MemoryTransport _transport = new();
    private readonly long _buffersBefore = PooledBuffer.Outstanding;
    private FrameConnection? _connection;

    private FrameConnection Connection => _connection!;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        Connection.Close(new RpcException(ErrorCatalog.Cancelled, "end of the test"));
        await Eventually.True(() => _service.Running == 0);
        await Eventually.True(() => PooledBuffer.Outstanding == _buffersBefore);
    }

    [Fact]
    public async Task A_stream_that_ends_with_a_payload_is_a_violation_and_not_a_hang()
    {
        await StartAsync();
        var stream = Drain(Connection.CountAsync(5, timeout: Long));
        _transport.Give(FrameBytes.Frame(FrameKind.Reply, payload: new byte[10], callId: 1 << 16));
        await Eventually.Fails(ErrorCatalog.ProtocolViolation, () => stream);
    }

    /// <summary>All connections of a process live by one timer.</summary>
    [Fact]
    public async Task A_connection_whose_look_at_the_time_fails_ends_alone()
    {
        await StartAsync(RpcWorld.Quick);
        var other = new MemoryTransport { Taken = () => throw new InvalidOperationException("planted") };
        other.Clog();
        var broken = FrameConnection.Start(
            other, RpcWorld.Quick, new FrameHandlers(new RpcDispatcher(), NullLogger.Instance));
        var fault = await broken.Closed.Soon();
        Assert.Equal(ErrorCatalog.ConnectionLost, fault?.Code);
        Assert.Contains("planted", fault!.Message, StringComparison.Ordinal);

        // The others' deadlines still pass, and after the round in which it happened.
        await Eventually.Fails(
            ErrorCatalog.DeadlineExceeded, () => Connection.EchoAsync(1, TimeSpan.FromMilliseconds(100)));
    }

    [Fact]
    public async Task Items_without_content_use_the_window_too()
    {
        await StartAsync(new FrameOptions { StreamWindowBytes = 4096 });
        await using var stream = Connection.CountAsync(5, timeout: Long).GetAsyncEnumerator();
        var next = stream.MoveNextAsync();
        var item = FrameBytes.Frame(FrameKind.StreamItem, new CountReply(), callId: 1 << 16);
        _transport.Give([.. Enumerable.Repeat(item, 1000).SelectMany(bytes => bytes)]);
        Assert.True(await next.Soon());
        Assert.Equal(ErrorCatalog.ProtocolViolation, (await Connection.Closed.Soon())?.Code);
    }

    [Fact]
    public async Task Items_without_content_wait_for_a_reader_as_others_do()
    {
        await StartAsync();
        _transport.Give(FrameBytes.Request(Count, new CountRequest { Items = 100_000 }, 1));
        await Eventually.True(() => _service.Running == 1);
        _transport.Give(FrameBytes.Request(Echo, new EchoRequest(), 2));
        await Eventually.True(() => _service.Handled >= 2);

        // A window of 1 MiB holds so many items of an empty frame's size, and one more.
        await Eventually.True(() => _transport.SentBytes >= 1 << 20);
        Assert.Equal(1, _service.Running);
        Assert.InRange(_transport.SentBytes, 1 << 20, (1 << 20) + 4096);
    }

    [Fact]
    public async Task A_request_behind_the_connections_end_is_not_served()
    {
        await StartAsync(configure: dispatcher => dispatcher.Use(new Closer()));
        byte[] both =
        [
            .. FrameBytes.Request(EchoInline, new EchoRequest(), 1),
            .. FrameBytes.Request(Hang, new HangRequest(), 2),
        ];
        _transport.Give(both);
        await Connection.Closed.Soon();
        await Eventually.True(() => _service.Running == 0);
        Assert.Equal(0, _service.Handled);
    }

    [Fact]
    public async Task A_call_that_gives_up_waiting_lets_those_behind_it_go()
    {
        await StartAsync(greeting: hello =>
        {
            hello.BodyBytesMax = hello.PayloadBytesMax = 4096;
            hello.RequestWindowBytes = 9000;
        });
        var first = Connection.CallAsync(Hang, new HangRequest(), new CallOptions(Long, new byte[4096])).AsTask();
        var second = Connection.CallAsync(Hang, new HangRequest(), new CallOptions(Long, new byte[4096])).AsTask();
        using var giveUp = new CancellationTokenSource();
        var large = Connection.CallAsync(
            Hang, new HangRequest(), new CallOptions(Long, new byte[4096], default, giveUp.Token)).AsTask();
        var expiring = Connection.CallAsync(
            Hang, new HangRequest(), new CallOptions(TimeSpan.FromMilliseconds(200), new byte[4096])).AsTask();
        var small = Connection.EchoAsync(5, Long);
        var sent = _transport.SentBytes;
        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => large).Soon();
        var late = await Eventually.Fails(ErrorCatalog.DeadlineExceeded, () => expiring);
        Assert.False(late.OutcomeUnknown);
        await Eventually.True(() => _transport.SentBytes > sent, "the small call behind was not sent");
        Connection.Close(new RpcException(ErrorCatalog.ConnectionLost, "cut"));
        foreach (var call in new Task[] { first, second, small })
        {
            Assert.True((await Eventually.Fails(ErrorCatalog.ConnectionLost, () => call)).OutcomeUnknown);
        }
    }

    [Fact]
    public async Task Calls_of_the_other_shape_are_refused_before_they_hurt_the_connection()
    {
        await StartAsync();
        Assert.Throws<ArgumentException>(
            () => { _ = Connection.CallAsync(Count, new CountRequest(), new CallOptions(Long)).AsTask(); });
        await Assert.ThrowsAsync<ArgumentException>(
            () => Drain(Connection.StreamAsync(Echo, new EchoRequest(), new CallOptions(Long))));
        await Assert.ThrowsAsync<ArgumentException>(
            () => Drain(Connection.StreamAsync(Count, new CountRequest(), new CallOptions(Long, new byte[1]))));
        Assert.True(Connection.IsUsable);
    }

    [Fact]
    public async Task A_frame_whose_header_comes_in_two_pieces_has_the_time_of_its_size()
    {
        // 300 KiB at 100 KiB/s or more: up to 3.2 s, though the stall time-out is 0.2 s.
        await StartAsync(new FrameOptions
        {
            StallTimeout = TimeSpan.FromMilliseconds(200),
            FrameBytesPerSecondMin = 100 << 10,
        });
        var frame = FrameBytes.Request(Fail, new FailRequest { Code = 1203, Message = new string('x', 300 << 10) }, 1);
        _transport.Give(frame[..20]);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        for (var piece = 0; piece < 6; piece++)
        {
            _transport.Give(frame[(20 + (piece * 100))..(120 + (piece * 100))]);
            await timer.WaitForNextTickAsync();
        }

        _transport.Give(frame[620..]);
        var before = _transport.SentBytes;
        await Eventually.True(() => _transport.SentBytes > before || Connection.Closed.IsCompleted);
        Assert.False(Connection.Closed.IsCompleted);
    }

    [Fact]
    public async Task A_body_of_unknown_fields_is_not_kept()
    {
        // 64 KiB of fields that no message has: each would become an object of its own.
        await StartAsync();
        var written = new MemoryStream();
        var output = new CodedOutputStream(written);
        for (var field = 100; output.Position < 64 << 10; field++)
        {
            output.WriteTag(field, WireFormat.WireType.Varint);
            output.WriteUInt32(1);
        }

        output.Flush();
        var unknown = written.ToArray();
        var request = EchoRequest.Parser.ParseFrom(unknown);
        Assert.True(request.CalculateSize() > 60_000, "the test's own premise");
        Assert.Equal(0, Echo.RequestParser.ParseFrom(unknown).CalculateSize());
        Assert.Equal(0, Echo.ParseReply(unknown).CalculateSize());
    }

    private static async Task Drain<T>(IAsyncEnumerable<T> stream)
    {
        await foreach (var item in stream)
        {
            _ = item;
        }
    }

    private async Task StartAsync(
        FrameOptions? options = null, Action<Hello>? greeting = null, Action<RpcDispatcher>? configure = null)
    {
        var dispatcher = _service.Dispatcher();
        configure?.Invoke(dispatcher);
        _transport.Give(FrameBytes.HelloFrame(greeting));
        _connection = FrameConnection.Start(
            _transport, options ?? new FrameOptions(), new FrameHandlers(dispatcher, NullLogger.Instance));
        await Connection.HandshakeAsync(default).Soon();
        await Eventually.True(() => _transport.SentBytes > 0);
    }

    /// <summary>Closes the connection in the middle of what was received.</summary>
    private sealed class Closer : IServerInterceptor
    {
        public void OnCall(ServerCall call)
        {
            if (call.Method == EchoInline)
            {
                ((FrameConnection)call.Peer.Caller!).Close(new RpcException(ErrorCatalog.ConnectionLost, "cut"));
            }
        }
    }
}
