using System.Buffers;
using Microsoft.Extensions.Logging.Abstractions;
using static DistFS.Rpc.Tests.ConformanceMethods;

namespace DistFS.Rpc.Tests.Frames;

/// <summary>
/// Queues are bounded, whatever a peer does (reliability.md, section 4, Limits), and what waits in them is given back.
/// </summary>
public sealed class FrameConnectionPressureTests : IAsyncLifetime
{
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
        Assert.Equal(0, _service.OwnersOut);
    }

    [Fact]
    public async Task Inline_echoes_to_a_peer_that_does_not_read_wait_as_others_do()
    {
        await StartAsync(new FrameOptions { SendQueueBytesMax = 1 << 20 });
        _transport.Clog();
        var payload = new byte[1 << 20];
        for (ulong id = 1; id <= 24; id++)
        {
            _transport.Give(FrameBytes.Request(EchoInline, new EchoRequest { Value = id }, id, payload));
        }

        // All requests have come, and their memory with them; answered are only those that the queue has room for.
        await Eventually.True(() => PooledBuffer.Outstanding - _buffersBefore >= 24);
        Assert.True(Connection.QueuedBytes <= 3 << 20, $"{Connection.QueuedBytes} bytes wait to be sent");
        _transport.Unclog();
        await Eventually.True(() => _transport.Sent.Length > 24 << 20);
    }

    [Fact]
    public async Task Calls_that_wait_for_a_peer_to_read_give_their_memory_back_when_it_is_lost()
    {
        await StartAsync(new FrameOptions { SendQueueBytesMax = 64 << 10 });
        _transport.Clog();
        for (ulong id = 1; id <= 20; id++)
        {
            _transport.Give(FrameBytes.Request(Echo, new EchoRequest { Value = id }, id, new byte[100_000]));
        }

        await Eventually.True(() => PooledBuffer.Outstanding - _buffersBefore >= 20);
        Connection.Close(new RpcException(ErrorCatalog.ConnectionLost, "cut"));
        await Eventually.True(() => PooledBuffer.Outstanding == _buffersBefore);
    }

    [Theory]
    [InlineData("Ping")]
    [InlineData("UnknownMethod")]
    [InlineData("BadRequest")]
    [InlineData("Refused")]
    public async Task Small_answers_to_a_peer_that_does_not_read_are_bounded(string what)
    {
        await StartAsync(RpcWorld.Quick with { SendQueueBytesMax = 64 << 10, CallsMax = 100 });
        _transport.Clog();
        var written = new ArrayBufferWriter<byte>();
        for (ulong id = 1; id <= 20_000; id++)
        {
            written.Write(what switch
            {
                "Ping" => FrameBytes.Frame(FrameKind.Ping, callId: id),
                "UnknownMethod" => FrameBytes.Frame(FrameKind.Request, method: 0xdead, callId: id),
                "BadRequest" => FrameBytes.Changed(
                    FrameBytes.Request(Echo, new EchoRequest { Value = 5 }, id), f => f[FrameHeader.Size + 1] = 0xFF),
                _ => FrameBytes.Request(Fail, new FailRequest { Code = 1203 }, id),
            });
        }

        _transport.Give(written.WrittenSpan.ToArray());
        await Eventually.True(() => _transport.AllTaken || Connection.Closed.IsCompleted);
        Assert.True(Connection.QueuedBytes <= 256 << 10, $"{Connection.QueuedBytes} bytes wait to be sent");
        if (what != "Ping")
        {
            // More calls than it may have under way, as no answer has left: that is against our Hello.
            Assert.Equal(ErrorCatalog.ProtocolViolation, (await Connection.Closed.Soon())?.Code);
        }
    }

    private async Task StartAsync(FrameOptions options)
    {
        _transport.Give(FrameBytes.HelloFrame());
        _connection = FrameConnection.Start(
            _transport, options, new FrameHandlers(_service.Dispatcher(), NullLogger.Instance));
        await Connection.HandshakeAsync(default).Soon();
        await Eventually.True(() => _transport.Sent.Length > 0);
    }
}
