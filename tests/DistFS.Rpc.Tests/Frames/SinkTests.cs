using Microsoft.Extensions.Logging.Abstractions;
using static DistFS.Rpc.Tests.ConformanceMethods;

namespace DistFS.Rpc.Tests.Frames;

/// <summary>Payloads that are received into their callers' memory: where they go, when that is theirs again.</summary>
public sealed class SinkTests
{
    private const int Length = 100_000;
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(60);
    private static readonly byte[] Content = ConformanceService.Content;

    public static TheoryData<int> Sizes => PayloadTests.Sizes;

    [Theory]
    [MemberData(nameof(Sizes))]
    public async Task All_bytes_come_to_the_sink_and_none_beside_it(int size)
    {
        await using var world = new RpcWorld();
        var channel = world.Channel();
        foreach (var then in new uint[] { 0, 4, 0 })
        {
            var sink = new RecordingSink(size);
            using var reply = await channel.CallAsync(
                Source, new SourceRequest { Bytes = (uint)size, Then = then }, new CallOptions(Long) { Sink = sink })
                .Soon();
            Assert.Equal(0, reply.Payload.Length);
            Assert.Equal(size > 0 ? 1 : 0, sink.Begun);
            Assert.Equal(size, sink.Received);
            Assert.True(sink.Memory.AsSpan().SequenceEqual(Content.AsSpan(0, size)));
        }
    }

    [Fact]
    public async Task Calls_with_and_without_sinks_share_a_connection()
    {
        await using var world = new RpcWorld();
        var channel = world.Channel();
        await Task.WhenAll(Enumerable.Range(0, 24).Select(async i =>
        {
            if (i % 3 == 0)
            {
                await channel.SourceAsync(100_000 + i);
                return;
            }

            var sink = new RecordingSink(i % 3 == 1 ? 150_000 + i : 300 + i);
            await channel.SinkAsync(sink, Long, default);
            Assert.True(sink.Memory.AsSpan().SequenceEqual(Content.AsSpan(0, sink.Memory.Length)));
        }));
    }

    [Fact]
    public async Task An_error_leaves_the_sink_alone()
    {
        await using var world = new RpcWorld();
        var sink = new RecordingSink(1000);
        await Eventually.Fails(ErrorCatalog.StoreIo, () => world.Channel().SinkAsync(sink, Long, default, then: 1));
        Assert.Equal(0, sink.Begun);
    }

    [Fact]
    public async Task A_call_that_is_cancelled_in_the_middle_of_its_payload_ends_when_its_memory_is_free()
    {
        await using var line = await Line.StartAsync();
        using var cancellation = new CancellationTokenSource();
        var (sink, call) = await line.HalfAsync(Long, cancellation.Token);
        await cancellation.CancelAsync();

        // Cancelled, and told so to the peer; but a receive into the memory is under way.
        await Eventually.True(() => line.HasSent(FrameKind.Cancel));
        Assert.False(call.IsCompleted);
        line.Transport.GiveBytes(Content.AsSpan(Length / 2, 1000));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call).Soon();
        await line.RestIsSkippedAsync(sink, Length / 2 + 1000);
    }

    [Fact]
    public async Task So_does_one_whose_deadline_passes()
    {
        await using var line = await Line.StartAsync();
        var (sink, call) = await line.HalfAsync(TimeSpan.FromMilliseconds(100), default);
        await Eventually.True(() => line.HasSent(FrameKind.Cancel));
        Assert.False(call.IsCompleted);
        line.Transport.GiveBytes(Content.AsSpan(Length / 2, 1000));
        await Eventually.Fails(ErrorCatalog.DeadlineExceeded, () => call);
        await line.RestIsSkippedAsync(sink, Length / 2 + 1000);
    }

    [Fact]
    public async Task A_connection_that_ends_frees_the_memory_when_its_receive_has_ended()
    {
        await using var line = await Line.StartAsync();
        var (sink, call) = await line.HalfAsync(Long, default);
        line.Connection.Close(new RpcException(ErrorCatalog.ConnectionLost, "cut"));
        await line.Connection.Closed.Soon();

        // A system may still write to memory that it was given, though the socket is closed.
        Assert.False(call.IsCompleted);
        line.Transport.GiveBytes(Content.AsSpan(Length / 2, 100));
        await Eventually.Fails(ErrorCatalog.ConnectionLost, () => call);
        Assert.Equal((Length / 2) + 100, sink.Received);
    }

    [Fact]
    public async Task A_peer_that_leaves_in_the_middle_ends_the_call()
    {
        await using var line = await Line.StartAsync();
        var (sink, call) = await line.HalfAsync(Long, default);
        line.Transport.GiveBytes([]);
        await Eventually.Fails(ErrorCatalog.ConnectionLost, () => call);
        Assert.Equal(Length / 2, sink.Received);
    }

    [Fact]
    public async Task A_peer_that_falls_silent_in_the_middle_holds_the_memory_no_longer_than_the_silence_allowed()
    {
        await using var line = await Line.StartAsync(RpcWorld.Quick);
        var (_, call) = await line.HalfAsync(TimeSpan.FromMilliseconds(50), default);
        await line.Connection.Closed.Soon();
        line.Transport.GiveBytes([]);
        await Eventually.Fails(ErrorCatalog.DeadlineExceeded, () => call);
    }

    [Fact]
    public async Task A_reply_that_comes_too_late_is_skipped()
    {
        await using var line = await Line.StartAsync();
        var sink = new RecordingSink(Length);
        using var cancellation = new CancellationTokenSource();
        var call = line.Connection.SinkAsync(sink, Long, cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call).Soon();
        line.Transport.GiveBytes(FrameBytes.Frame(
            FrameKind.Reply, new SourceReply(), Content.AsSpan(0, Length), callId: line.NextCall()));
        await line.StillWorksAsync();
        Assert.Equal(0, sink.Begun);
    }

    /// <summary>
    /// Whatever ends calls, at whatever moment: from then on nobody writes to their memory. What is in it afterwards is
    /// compared much later, so a write that comes late is seen.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Memory_is_the_callers_again_however_its_call_ends(ulong seed)
    {
        var quarantine = new System.Collections.Concurrent.ConcurrentBag<byte[]>();
        var (whole, cut) = (0, 0);
        for (var round = 0; round < 8; round++)
        {
            await using var world = new RpcWorld();
            var channel = world.Channel();
            await channel.EchoAsync(1);
            var isKilled = round % 2 == 1;
            var workers = Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
            {
                var random = new Prng((seed * 1000) + (ulong)((round * 8) + worker));
                for (var i = 0; i < 12; i++)
                {
                    var sink = new RecordingSink(random.NextInt32(20_000, 2_000_000));
                    var timeout = random.Chance(0.3) ? TimeSpan.FromMilliseconds(random.NextInt32(1, 40)) : Long;
                    using var cancellation = new CancellationTokenSource();
                    var cancelling = Task.CompletedTask;
                    if (random.Chance(0.5))
                    {
                        // In the middle of the payload, from the thread that receives it, or from another one.
                        sink.At = random.NextInt32(sink.Memory.Length);
                        sink.Then = random.Chance(0.5)
                            ? cancellation.Cancel
                            : () => cancelling = Task.Run(cancellation.Cancel);
                    }

                    try
                    {
                        await channel.SinkAsync(sink, timeout, cancellation.Token);
                        Assert.True(sink.Memory.AsSpan().SequenceEqual(Content.AsSpan(0, sink.Memory.Length)));
                        Interlocked.Increment(ref whole);
                    }
                    catch (Exception e) when (e is RpcException or OperationCanceledException)
                    {
                        Interlocked.Increment(ref cut);
                    }

                    sink.IsOver = true;
                    sink.Memory.AsSpan().Fill(0xA5);
                    quarantine.Add(sink.Memory);
                    await cancelling;
                }
            })).ToArray();
            if (isKilled)
            {
                await Eventually.True(() => world.Service.Handled >= 30);
                await world.Server.DisposeAsync();
            }

            await Task.WhenAll(workers).Soon();
        }

        Assert.True(whole > 50 && cut > 50, $"{whole} calls ended well, {cut} did not");
        Assert.All(quarantine, memory => Assert.Equal(-1, memory.AsSpan().IndexOfAnyExcept((byte)0xA5)));
    }

    /// <summary>A connection whose every receive the test ends, and can end late.</summary>
    private sealed class Line(FrameConnection connection, HeldTransport transport) : IAsyncDisposable
    {
        private ulong _calls;

        public FrameConnection Connection => connection;

        public HeldTransport Transport => transport;

        public static async Task<Line> StartAsync(FrameOptions? options = null)
        {
            var transport = new HeldTransport();
            var connection = FrameConnection.Start(
                transport, options ?? new FrameOptions(), new FrameHandlers(new RpcDispatcher(), NullLogger.Instance));
            transport.GiveBytes(FrameBytes.HelloFrame());
            await connection.HandshakeAsync(default).Soon();
            return new Line(connection, transport);
        }

        /// <summary>The id of the next call, when none is under way.</summary>
        public ulong NextCall() => ++_calls << 16;

        public bool HasSent(FrameKind kind) => transport.SentKinds.Contains(kind);

        /// <summary>A call of whose payload one half has come, and the next receive is under way.</summary>
        public async Task<(RecordingSink Sink, Task Call)> HalfAsync(TimeSpan timeout, CancellationToken cancellation)
        {
            var sink = new RecordingSink(Length);
            var call = connection.SinkAsync(sink, timeout, cancellation);
            var frame = FrameBytes.Frame(
                FrameKind.Reply, new SourceReply(), Content.AsSpan(0, Length), callId: NextCall());
            transport.GiveBytes(frame.AsSpan(0, frame.Length - (Length / 2)));
            await Eventually.True(() => sink.Received == Length / 2 && transport.IsReceiving);
            return (sink, call);
        }

        /// <summary>After the end of a call of which so many bytes had come: what is left of its payload.</summary>
        public async Task RestIsSkippedAsync(RecordingSink sink, int received)
        {
            sink.IsOver = true;
            sink.Memory.AsSpan().Fill(0xA5);
            transport.GiveBytes(Content.AsSpan(received, Length - received));
            await StillWorksAsync();
            Assert.Equal(-1, sink.Memory.AsSpan().IndexOfAnyExcept((byte)0xA5));
            Assert.Equal(received, sink.Received);
        }

        public async Task StillWorksAsync()
        {
            // What was given has been worked through: the call before has left its slot.
            await Eventually.True(() => transport.IsReceiving);
            var call = connection.EchoAsync(5);
            transport.GiveBytes(
                FrameBytes.Frame(FrameKind.Reply, new EchoReply { Value = 6 }, callId: NextCall()));
            Assert.Equal(6UL, await call);
        }

        public async ValueTask DisposeAsync()
        {
            connection.Close(new RpcException(ErrorCatalog.Cancelled, "end of the test"));
            transport.GiveBytes([]);
            await connection.Closed.Soon();
        }
    }
}

/// <summary>Memory for a payload. Refuses to be called when it should not.</summary>
internal sealed class RecordingSink(int length) : IPayloadSink
{
    private int _received;
    private volatile bool _isOver;

    public byte[] Memory { get; } = new byte[length];

    public int Begun { get; private set; }

    /// <summary>Bytes that have come.</summary>
    public int Received => Volatile.Read(ref _received);

    /// <summary>When so many bytes have come...</summary>
    public int At { get; set; }

    /// <summary>...this is done, once.</summary>
    public Action? Then { get; set; }

    /// <summary>The call has ended: from here on nothing may come.</summary>
    public bool IsOver
    {
        get => _isOver;
        set => _isOver = value;
    }

    public void Begin(int length)
    {
        Assert.False(IsOver);
        Assert.Equal(Memory.Length, length);
        Begun++;
    }

    public Memory<byte> Next()
    {
        Assert.False(IsOver);

        // Not all at once, so that there are many receives.
        return Memory.AsMemory(_received, Math.Min(70_000, Memory.Length - _received));
    }

    public void Advance(int count)
    {
        Assert.False(IsOver);
        Volatile.Write(ref _received, _received + count);
        if (_received >= At)
        {
            var then = Then;
            Then = null;
            then?.Invoke();
        }
    }
}
