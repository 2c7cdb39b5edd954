using System.Net.Security;
using static DistFS.Rpc.Tests.ConformanceMethods;

namespace DistFS.Rpc.Tests.Frames;

/// <summary>
/// Servers that break the protocol: a client's calls end with a typed error, and nothing is left behind.
/// </summary>
public sealed class HostileServerTests : IDisposable
{
    private static readonly FrameChannelOptions Options = new()
    {
        Frames = RpcWorld.Quick,
        RetryDelay = TimeSpan.FromSeconds(30),
        RetryDelayMax = TimeSpan.FromSeconds(30),
    };

    private readonly RawListener _listener = new();
    private readonly long _buffersBefore = PooledBuffer.Outstanding;

    [Theory]
    [InlineData("second Hello", "DFS1205")]
    [InlineData("reply of another call", "DFS1205")]
    [InlineData("malformed reply", "DFS1205")]
    [InlineData("malformed reply with a payload", "DFS1205")]
    [InlineData("item for a unary call", "DFS1205")]
    [InlineData("payload over the limit", "DFS1205")]
    [InlineData("checksum", "DFS1206")]
    [InlineData("half a payload", "DFS1204")]
    [InlineData("close", "DFS1204")]
    [InlineData("stops in a payload", "DFS1211")]
    [InlineData("silence", "DFS1211")]
    public async Task A_call_ends_with_the_reason(string what, string code)
    {
        await using var channel = new FrameChannel(_listener.Address, Options);
        var call = channel.CallAsync(Echo, new EchoRequest(), new CallOptions(TimeSpan.FromSeconds(9))).AsTask();
        using var server = await _listener.AcceptAsync();
        await server.SendAsync(FrameBytes.HelloFrame());
        var request = (await server.ReadUntilAsync(FrameKind.Request)).Header;
        await server.SendAsync(Answer(what, request.CallId));
        if (what is "close" or "half a payload")
        {
            server.Dispose();
        }

        var error = await Eventually.Fails(() => call);
        Assert.Equal(code, error.Code.Id);
        Assert.True(error.OutcomeUnknown);
        await Eventually.True(() => PooledBuffer.Outstanding == _buffersBefore);
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP/1.1 400")]
    [InlineData("220 mail.example.org ESMTP\r\n", "220 mail.example.org")]
    [InlineData("", "closed the connection before its Hello")]
    public async Task Another_service_at_the_address_is_named(string says, string said)
    {
        await using var channel = new FrameChannel(_listener.Address, Options);
        var call = channel.EchoAsync(1);
        using var server = await _listener.AcceptAsync();
        await server.SendAsync(System.Text.Encoding.ASCII.GetBytes(says));
        server.FinishSending();
        var error = await Eventually.Fails(ErrorCatalog.NotDistFs, () => call);
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
        Assert.False(error.OutcomeUnknown);
    }

    [Fact]
    public async Task A_server_that_says_nothing_is_given_up()
    {
        await using var channel = new FrameChannel(_listener.Address, Options);
        var call = channel.EchoAsync(1);
        using var server = await _listener.AcceptAsync();
        var error = await Eventually.Fails(() => call);

        // Ours may be stopped, or have too much to do: whoever asks a cluster asks on.
        Assert.Equal(ErrorCatalog.PeerStalled, error.Code);
        Assert.Contains("no Hello within", error.Message, StringComparison.Ordinal);
        Assert.Equal(FsStatus.TimedOut, error.Status);
    }

    [Fact]
    public async Task Versions_without_overlap_are_told()
    {
        await using var channel = new FrameChannel(_listener.Address, Options);
        var call = channel.EchoAsync(1);
        using var server = await _listener.AcceptAsync();
        await server.SendAsync(FrameBytes.HelloFrame(hello => (hello.VersionMin, hello.VersionMax) = (7, 9)));
        var error = await Eventually.Fails(ErrorCatalog.VersionMismatch, () => call);
        Assert.Contains("7 to 9", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_callback_that_throws_does_not_stop_the_channel_for_good()
    {
        await using var world = new RpcWorld();
        await using var channel = new FrameChannel(world.Address, new FrameChannelOptions
        {
            RetryDelay = TimeSpan.FromMilliseconds(1),
            Tls = new SslClientAuthenticationOptions
            {
                TargetHost = "x",
                LocalCertificateSelectionCallback = (_, _, _, _, _) => throw new InvalidOperationException(
                    "no certificate store"),
            },
        });
        for (var i = 0; i < 3; i++)
        {
            await Eventually.Fails(() => channel.EchoAsync(1, TimeSpan.FromSeconds(2)));
        }
    }

    [Fact]
    public async Task Any_mutation_of_an_answer_on_a_socket_gives_a_typed_error_or_a_reply()
    {
        var random = new Prng(21);
        for (var i = 0; i < 60; i++)
        {
            await using var channel = new FrameChannel(_listener.Address, Options);
            var call = channel.CallAsync(
                Echo, new EchoRequest(), new CallOptions(TimeSpan.FromMilliseconds(300))).AsTask();
            using var server = await _listener.AcceptAsync();
            var answer = FrameBytes.Frame(FrameKind.Reply, new EchoReply { Value = 1 }, new byte[50], callId: 1 << 16);
            await server.SendOrBreakAsync(
                FrameBytes.HelloFrame(), FrameMutation.Apply(random, answer, FrameBytes.HelloFrame()));
            try
            {
                (await call.Soon()).Dispose();
            }
            catch (RpcException)
            {
                // What most mutations give.
            }
        }

        await Eventually.True(() => PooledBuffer.Outstanding == _buffersBefore);
    }

    public void Dispose() => _listener.Dispose();

    private static byte[] Answer(string what, ulong callId) => what switch
    {
        "second Hello" => FrameBytes.HelloFrame(),
        "reply of another call" => FrameBytes.Frame(FrameKind.Reply, callId: callId + 1),
        "malformed reply" => Malformed(FrameBytes.Frame(FrameKind.Reply, new EchoReply { Value = 5 }, callId: callId)),
        "malformed reply with a payload" =>
            Malformed(FrameBytes.Frame(FrameKind.Reply, new EchoReply { Value = 5 }, new byte[70_000], callId: callId)),
        "item for a unary call" => FrameBytes.Frame(FrameKind.StreamItem, new EchoReply(), callId: callId),
        "payload over the limit" => FrameBytes.Header(FrameKind.Reply, (4 << 20) + 1, 0, callId),
        "checksum" => [.. FrameBytes.Frame(FrameKind.Pong)[..47], 1],
        "half a payload" or "stops in a payload" =>
            FrameBytes.Frame(FrameKind.Reply, new EchoReply(), new byte[70_000], callId: callId)[..40_000],
        _ => [],
    };

    private static byte[] Malformed(byte[] frame) => FrameBytes.Changed(
        frame, bytes => bytes[FrameHeader.Size + 1] = 0xFF);
}
