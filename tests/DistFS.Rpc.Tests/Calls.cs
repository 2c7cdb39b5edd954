using static DistFS.Rpc.Tests.ConformanceMethods;

namespace DistFS.Rpc.Tests;

/// <summary>Shorter ways to make the calls of the tests.</summary>
internal static class Calls
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(9);

    public static async Task<ulong> EchoAsync(this IRpcCaller caller, ulong value, TimeSpan? timeout = null)
    {
        using var reply = await caller.CallAsync(
            Echo, new EchoRequest { Value = value }, new CallOptions(timeout ?? Timeout)).Soon();
        return reply.Message.Value;
    }

    /// <summary>Sends a payload and compares what comes back.</summary>
    public static async Task EchoBytesAsync(this IRpcCaller caller, ReadOnlyMemory<byte> payload)
    {
        var request = new EchoRequest { Value = 1, Crc = Crc32C.Compute(payload.Span) };
        using var reply = await caller.CallAsync(Echo, request, new CallOptions(Timeout, payload)).Soon();
        Assert.True(reply.Payload.Span.SequenceEqual(payload.Span));
    }

    public static Task<HangReply> HangAsync(
        this IRpcCaller caller, TimeSpan? timeout = null, CancellationToken cancellation = default) =>
        caller.CallAsync(Hang, new HangRequest(), timeout ?? Timeout, cancellation).AsTask();

    public static async Task SourceAsync(this IRpcCaller caller, int bytes, uint then = 0, TimeSpan? timeout = null)
    {
        using var reply = await caller.CallAsync(
            Source, new SourceRequest { Bytes = (uint)bytes, Then = then }, new CallOptions(timeout ?? Timeout));
        Assert.True(reply.Payload.Span.SequenceEqual(ConformanceService.Content.AsSpan(0, bytes)));
    }

    /// <summary>Asks for as many bytes as the sink has room for.</summary>
    public static async Task SinkAsync(
        this IRpcCaller caller,
        Frames.RecordingSink sink,
        TimeSpan timeout,
        CancellationToken cancellation,
        uint then = 0)
    {
        var request = new SourceRequest { Bytes = (uint)sink.Memory.Length, Then = then };
        using var reply = await caller.CallAsync(
            Source, request, new CallOptions(timeout, Cancellation: cancellation) { Sink = sink });
        Assert.Equal(sink.Memory.Length, sink.Received);
    }

    public static IAsyncEnumerable<CountReply> CountAsync(
        this IRpcCaller caller, int items, int bytes = 0, bool fail = false, TimeSpan? timeout = null,
        CancellationToken cancellation = default) =>
        caller.StreamAsync(
            Count,
            new CountRequest { Items = (uint)items, Bytes = (uint)bytes, Fail = fail },
            new CallOptions(timeout ?? Timeout, Cancellation: cancellation));
}
