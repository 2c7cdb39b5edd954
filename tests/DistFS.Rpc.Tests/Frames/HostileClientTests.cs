using static DistFS.Rpc.Tests.ConformanceMethods;

namespace DistFS.Rpc.Tests.Frames;

/// <summary>
/// Clients that break the protocol on a real socket (reliability.md, section 4, Negative tests). Each is refused with a
/// typed reason, and leaves nothing behind: <see cref="RpcWorld"/> looks at its end.
/// </summary>
public sealed class HostileClientTests
{
    private static readonly byte[] SomePayload = ConformanceService.Bytes(100, seed: 1);

    public static TheoryData<string, string> Violations => new()
    {
        { "body over its limit", "DFS1205" },
        { "payload over its limit", "DFS1205" },
        { "4 GiB in all", "DFS1205" },
        { "body longer than the frame", "DFS1205" },
        { "unknown kind", "DFS1205" },
        { "kind zero", "DFS1205" },
        { "wrong version", "DFS1205" },
        { "flags", "DFS1205" },
        { "reserved byte", "DFS1205" },
        { "checksum", "DFS1206" },
        { "body changed", "DFS1206" },
        { "second Hello", "DFS1205" },
        { "reply to no call", "DFS1205" },
        { "reply with a payload to no call", "DFS1205" },
        { "error to no call", "DFS1205" },
        { "item of no stream", "DFS1205" },
        { "payload on Ping", "DFS1205" },
        { "payload on Hello", "DFS1205" },
        { "payload on Error", "DFS1205" },
        { "body on Cancel", "DFS1205" },
        { "malformed error", "DFS1205" },
        { "malformed GoAway", "DFS1205" },
    };

    [Theory]
    [MemberData(nameof(Violations))]
    public async Task A_violation_ends_the_connection_with_its_reason(string what, string code)
    {
        await using var world = new RpcWorld();
        using var peer = await RawPeer.GreetAsync(world.Address);
        await peer.SendAsync(FrameBytes.Request(Hang, new HangRequest(), 77));
        await Eventually.True(() => world.Service.Running == 1);
        await peer.SendAsync(Violation(what));

        var reason = await peer.ReadReasonAsync();

        Assert.Equal(code, reason?.Code.Id);
        await world.AssertIdle();
        Assert.Equal(1, world.Service.Cancelled);
        Assert.Contains(world.Log.Lines, line => line.Contains(code, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Bytes_that_end_anywhere_leave_nothing()
    {
        await using var world = new RpcWorld();
        byte[] all =
        [
            .. FrameBytes.HelloFrame(),
            .. FrameBytes.Request(Echo, new EchoRequest { Value = 5 }, 1, SomePayload),
            .. FrameBytes.Request(Hang, new HangRequest(), 2, SomePayload),
        ];
        for (var length = 0; length <= all.Length; length++)
        {
            using var peer = await RawPeer.ConnectAsync(world.Address);
            await peer.SendAsync(all[..length]);
            peer.FinishSending();
            while (await peer.ReadAsync() != null)
            {
                // To the end that the server makes.
            }
        }

        await world.AssertIdle();
    }

    [Theory]
    [InlineData(
        "GET / HTTP/1.1\r\nHost: distfs:9000\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n", "GET / HTTP/1.1")]
    [InlineData("GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1")]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "PRI * HTTP/2.0")]
    [InlineData("SSH-2.0-OpenSSH_9.6\r\n", "SSH-2.0-OpenSSH_9.6")]
    public async Task Another_protocol_is_named(string sent, string said)
    {
        await using var world = new RpcWorld();
        using var peer = await RawPeer.ConnectAsync(world.Address);
        await peer.SendAsync(System.Text.Encoding.ASCII.GetBytes(sent));

        var reason = await peer.ReadReasonAsync();

        Assert.Equal(ErrorCatalog.NotDistFs, reason?.Code);
        Assert.Contains(said, reason!.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Request")]
    [InlineData("Reply")]
    [InlineData("Cancel")]
    [InlineData("Ping")]
    [InlineData("GoAway")]
    public async Task Nothing_may_come_before_Hello(string name)
    {
        var kind = Enum.Parse<FrameKind>(name);
        await using var world = new RpcWorld();
        using var peer = await RawPeer.ConnectAsync(world.Address);
        await peer.SendAsync(FrameBytes.Frame(kind, method: Echo.Id, callId: 1));
        Assert.Equal(ErrorCatalog.NotDistFs, (await peer.ReadReasonAsync())?.Code);
        Assert.Equal(0, world.Service.Handled);
    }

    [Fact]
    public async Task A_stranger_cannot_make_the_server_wait_for_a_large_first_frame()
    {
        await using var world = new RpcWorld();
        using var peer = await RawPeer.ConnectAsync(world.Address);
        await peer.SendAsync(FrameBytes.Header(FrameKind.Hello, 4 << 20, 4 << 20));
        Assert.Equal(ErrorCatalog.NotDistFs, (await peer.ReadReasonAsync())?.Code);
    }

    [Theory]
    [InlineData(7, 9)]
    [InlineData(0, 0)]
    [InlineData(2, 1)]
    public async Task Versions_without_overlap_are_refused(uint min, uint max)
    {
        await using var world = new RpcWorld();
        using var peer = await RawPeer.ConnectAsync(world.Address);
        await peer.SendAsync(FrameBytes.HelloFrame(hello => (hello.VersionMin, hello.VersionMax) = (min, max)));
        var reason = await peer.ReadReasonAsync();
        Assert.Equal(ErrorCatalog.VersionMismatch, reason?.Code);
        Assert.Contains($"{min} to {max}", reason!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wider_range_of_versions_is_accepted()
    {
        await using var world = new RpcWorld();
        using var peer = await RawPeer.GreetAsync(
            world.Address, hello => (hello.VersionMin, hello.VersionMax) = (0, 99));
        await peer.SendAsync(FrameBytes.Request(Echo, new EchoRequest { Value = 5 }, 1));
        Assert.Equal(5UL, EchoReply.Parser.ParseFrom((await peer.ReadUntilAsync(FrameKind.Reply)).Data).Value);
    }

    [Theory]
    [InlineData("body")]
    [InlineData("calls")]
    [InlineData("window")]
    [InlineData("stream window")]
    public async Task Limits_that_allow_no_call_are_refused(string what)
    {
        await using var world = new RpcWorld();
        using var peer = await RawPeer.ConnectAsync(world.Address);
        await peer.SendAsync(FrameBytes.HelloFrame(hello =>
        {
            _ = what switch
            {
                "body" => hello.BodyBytesMax = 1023,
                "calls" => hello.CallsMax = 0,
                "window" => hello.RequestWindowBytes = 8 << 20,
                _ => hello.StreamWindowBytes = 1023,
            };
        }));
        Assert.Equal(ErrorCatalog.NotDistFs, (await peer.ReadReasonAsync())?.Code);
    }

    [Fact]
    public async Task Limits_beyond_all_numbers_are_taken_as_much()
    {
        await using var world = new RpcWorld();
        using var peer = await RawPeer.GreetAsync(world.Address, hello =>
        {
            hello.BodyBytesMax = hello.PayloadBytesMax = hello.CallsMax = hello.StreamWindowBytes = uint.MaxValue;
            hello.RequestWindowBytes = ulong.MaxValue;
            hello.Agent = new string('\u0007', 30) + new string('x', 1000);
        });
        await peer.SendAsync(FrameBytes.Request(CallBack, new EchoRequest { Value = 5 }, 1));
        var (header, _) = await peer.ReadUntilAsync(FrameKind.Request);
        await peer.SendAsync(FrameBytes.Frame(FrameKind.Reply, new EchoReply { Value = 8 }, callId: header.CallId));
        Assert.Equal(8UL, EchoReply.Parser.ParseFrom((await peer.ReadUntilAsync(FrameKind.Reply)).Data).Value);
        Assert.Equal(new string('x', 128), Assert.Single(world.Server.Peers).Agent);
    }

    [Fact]
    public async Task An_unknown_method_is_answered_and_the_connection_goes_on()
    {
        await using var world = new RpcWorld();
        using var peer = await RawPeer.GreetAsync(world.Address);
        await peer.SendAsync(
            FrameBytes.Frame(FrameKind.Request, new EchoRequest { Value = 5 }, SomePayload, 0xdead, 9000, 1),
            FrameBytes.Request(Missing, new EchoRequest(), 2, new byte[3 << 20]),
            FrameBytes.Request(Echo, new EchoRequest { Value = 5 }, 3));
        foreach (var callId in new ulong[] { 1, 2 })
        {
            var (header, rest) = await peer.ReadUntilAsync(FrameKind.Error);
            Assert.Equal(callId, header.CallId);
            Assert.Equal(ErrorCatalog.UnknownMethod, RpcException.FromInfo(ErrorInfo.Parser.ParseFrom(rest)).Code);
        }

        Assert.Equal(3UL, (await peer.ReadUntilAsync(FrameKind.Reply)).Header.CallId);
    }

    [Fact]
    public async Task A_request_that_does_not_parse_is_answered_and_the_connection_goes_on()
    {
        await using var world = new RpcWorld();
        using var peer = await RawPeer.GreetAsync(world.Address);
        var malformed = FrameBytes.Request(Echo, new EchoRequest { Value = 300 }, 1, new byte[70_000]);
        await peer.SendAsync(
            FrameBytes.Changed(malformed, frame => frame[FrameHeader.Size + 2] = 0xFF),
            FrameBytes.Request(Echo, new EchoRequest { Value = 5 }, 2));
        var (_, rest) = await peer.ReadUntilAsync(FrameKind.Error);
        Assert.Equal(ErrorCatalog.BadRequest, RpcException.FromInfo(ErrorInfo.Parser.ParseFrom(rest)).Code);
        Assert.Equal(2UL, (await peer.ReadUntilAsync(FrameKind.Reply)).Header.CallId);
    }

    private static byte[] Violation(string what) => what switch
    {
        "body over its limit" => FrameBytes.Header(FrameKind.Request, (4 << 20) + 1, (4 << 20) + 1),
        "payload over its limit" => FrameBytes.Header(FrameKind.Request, (4 << 20) + 1, 0),
        "4 GiB in all" => FrameBytes.Header(FrameKind.Request, uint.MaxValue, 10),
        "body longer than the frame" => FrameBytes.Header(FrameKind.Request, 9, 10),
        "unknown kind" => FrameBytes.Changed(FrameBytes.Frame(FrameKind.Ping), frame => frame[12] = 11),
        "kind zero" => FrameBytes.Changed(FrameBytes.Frame(FrameKind.Ping), frame => frame[12] = 0),
        "wrong version" => FrameBytes.Changed(FrameBytes.Frame(FrameKind.Ping), frame => frame[14] = 2),
        "flags" => FrameBytes.Changed(FrameBytes.Frame(FrameKind.Ping), frame => frame[13] = 1),
        "reserved byte" => FrameBytes.Changed(FrameBytes.Frame(FrameKind.Ping), frame => frame[15] = 1),
        "checksum" => Flipped(FrameBytes.Frame(FrameKind.Ping), 8),
        "body changed" => Flipped(FrameBytes.Request(Echo, new EchoRequest { Value = 5 }, 9), FrameHeader.Size + 1),
        "second Hello" => FrameBytes.HelloFrame(),
        "reply to no call" => FrameBytes.Frame(FrameKind.Reply, callId: 77),
        "reply with a payload to no call" => FrameBytes.Frame(FrameKind.Reply, payload: SomePayload, callId: 1 << 16),
        "error to no call" => FrameBytes.Frame(FrameKind.Error, new ErrorInfo { Code = 1203 }, callId: 1 << 16),
        "item of no stream" => FrameBytes.Frame(FrameKind.StreamItem, new CountReply { Value = 1 }, callId: 0),
        "payload on Ping" => FrameBytes.Frame(FrameKind.Ping, payload: SomePayload),
        "payload on Hello" => FrameBytes.Frame(FrameKind.Hello, FrameBytes.SoundHello(), SomePayload),
        "payload on Error" => FrameBytes.Frame(FrameKind.Error, new ErrorInfo(), SomePayload, callId: 77),
        "body on Cancel" => FrameBytes.Frame(FrameKind.Cancel, new ErrorInfo { Code = 1 }, callId: 77),
        "malformed error" => Malformed(FrameKind.Error),
        "malformed GoAway" => Malformed(FrameKind.GoAway),
        _ => throw new ArgumentException(what),
    };

    private static byte[] Malformed(FrameKind kind) => FrameBytes.Changed(
        FrameBytes.Frame(kind, new ErrorInfo { Message = "abc" }), frame => frame[FrameHeader.Size + 1] = 0x7F);

    private static byte[] Flipped(byte[] frame, int at)
    {
        frame[at] ^= 0x10;
        return frame;
    }
}
