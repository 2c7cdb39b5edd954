using DistFS.Rpc.Services;
using static DistFS.Rpc.Tests.ConformanceMethods;

namespace DistFS.Rpc.Tests.Core;

/// <summary>What is below both transports: methods, the dispatcher, pools, payloads, errors.</summary>
public sealed class RpcCoreTests
{
    [Fact]
    public void A_method_is_read_from_the_contract()
    {
        Assert.Equal("distfs.test.v1.Conformance/Echo", Echo.FullName);
        Assert.Equal((0xfd01U, RpcMethodKind.Unary), (Echo.Id, Echo.Kind));
        Assert.Equal((0xfd07U, RpcMethodKind.ServerStreaming), (Count.Id, Count.Kind));
        Assert.Equal(0U, Unnumbered.Id);
        Assert.Equal((1U, 2U, 3U), (NodeMethods.Describe.Id, NodeMethods.Ping.Id, NodeMethods.Watch.Id));
    }

    [Fact]
    public void A_method_that_the_contract_does_not_have_is_refused()
    {
        Assert.Throws<ArgumentException>(() => Of<EchoRequest, EchoReply>("Nothing"));
        Assert.Throws<ArgumentException>(() => Of<EchoRequest, SourceReply>("Echo"));
        Assert.Throws<ArgumentException>(() => Of<SourceRequest, EchoReply>("Echo"));
        Assert.Throws<ArgumentException>(() => Of<EchoRequest, EchoReply>("ClientStream"));
        Assert.Throws<ArgumentException>(
            () => RpcMethod<EchoRequest, EchoReply>.Of(ConformanceReflection.Descriptor, "Other", "Echo"));
    }

    [Fact]
    public void A_dispatcher_takes_each_method_once_and_none_after_it_is_used()
    {
        var dispatcher = new ConformanceService().Dispatcher();
        Assert.Throws<InvalidOperationException>(() => dispatcher.Handle(Echo, (_, _) => new(new EchoReply())));
        Assert.Throws<InvalidOperationException>(() => dispatcher.Handle(Count, (_, _) => new(new CountReply())));
        Assert.Throws<InvalidOperationException>(
            () => dispatcher.Handle(Missing, (EchoRequest _, IReplyWriter<EchoReply> _, ServerCall _) => default));
        Assert.Equal(8, dispatcher.Bindings.Count);
        Assert.Throws<InvalidOperationException>(() => dispatcher.Handle(Missing, (_, _) => new(new EchoReply())));
        Assert.Throws<InvalidOperationException>(() => dispatcher.Use(null!));
    }

    [Fact]
    public async Task A_pool_never_hands_out_one_object_twice()
    {
        var pool = new ObjectPool<StrongBox>(() => new(), capacity: 8);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(() =>
        {
            var random = new Prng((ulong)worker);
            var mine = new List<StrongBox>();
            for (var i = 0; i < 200_000; i++)
            {
                if (mine.Count > 0 && random.Chance(0.5))
                {
                    var back = mine[^1];
                    mine.RemoveAt(mine.Count - 1);
                    Assert.Equal(1, Interlocked.Exchange(ref back.Users, 0));
                    pool.Return(back);
                }
                else if (mine.Count < 5)
                {
                    var item = pool.Rent();
                    Assert.Equal(1, Interlocked.Increment(ref item.Users));
                    mine.Add(item);
                }
            }
        }))).Soon();
    }

    [Fact]
    public void A_pool_gives_back_what_it_was_given()
    {
        var made = 0;
        var pool = new ObjectPool<StrongBox>(() => { made++; return new(); }, capacity: 4);
        var items = Enumerable.Range(0, 5).Select(_ => pool.Rent()).ToArray();
        Array.ForEach(items, pool.Return);
        pool.Return(new StrongBox());
        var again = Enumerable.Range(0, 5).Select(_ => pool.Rent()).ToArray();
        Assert.Equal(5, made);
        Assert.Equivalent(items, again);
        _ = pool.Rent();
        Assert.Equal(6, made);
    }

    [Fact]
    public void A_payload_that_is_used_or_disposed_after_its_end_is_caught()
    {
        var before = PooledBuffer.Outstanding;
        var payload = new Payload(PooledBuffer.Rent(100));
        var copy = payload;
        Assert.Equal(100, payload.Length);
        Assert.True(payload == copy && payload != new Payload());
        payload.Dispose();
        Assert.Throws<CheckFailedException>(() => copy.Dispose());
        Assert.Throws<CheckFailedException>(() => copy.Memory);

        // Also when the memory is somebody else's by now.
        var other = new Payload(PooledBuffer.Rent(100));
        Assert.Throws<CheckFailedException>(() => copy.Dispose());
        Assert.Throws<CheckFailedException>(() => copy.Span.Length);
        Assert.Equal(100, other.Span.Length);
        other.Dispose();
        Assert.Equal(before, PooledBuffer.Outstanding);
        default(Payload).Dispose();
        Assert.Equal(0, default(Payload).Span.Length);
    }

    [Fact]
    public void Every_error_comes_over_the_wire_as_it_is()
    {
        foreach (var code in ErrorCatalog.All)
        {
            foreach (var unknown in new[] { true, false })
            {
                var sent = new RpcException(code, "what happened", null, FsStatus.QuotaExceeded, unknown);
                var info = ErrorInfo.Parser.ParseFrom(RpcException.ToInfo(sent).ToByteArray());
                var got = RpcException.FromInfo(info);
                Assert.Equal((code, FsStatus.QuotaExceeded, "what happened", unknown),
                    (got.Code, got.Status, got.Message, got.OutcomeUnknown));
            }
        }
    }

    [Theory]
    [InlineData(0U, 0, "DFS0000")]
    [InlineData(1999U, 2, "DFS1999")]
    [InlineData(uint.MaxValue, 4095, "DFS4294967295")]
    [InlineData(1999U, -1, "DFS1999")]
    public void A_code_of_the_future_keeps_its_number(uint code, int status, string id)
    {
        var got = RpcException.FromInfo(new ErrorInfo { Code = code, Status = status, Message = "new" });
        Assert.Equal(ErrorCatalog.HandlerFailed, got.Code);
        Assert.Equal($"{id}: new", got.Message);
        Assert.Equal(status == 2 ? FsStatus.NotFound : FsStatus.IoError, got.Status);
    }

    [Fact]
    public void An_endless_text_of_a_peer_is_cut() => Assert.InRange(
        RpcException.FromInfo(new ErrorInfo { Code = 1203, Message = new string('x', 1 << 20) }).Message.Length,
        1000,
        5000);

    [Fact]
    public void What_a_handler_should_not_throw_is_told_without_its_text()
    {
        var info = RpcException.ToInfo(new InvalidDataException("/etc/shadow"));
        Assert.Equal((1213U, 5, true), (info.Code, info.Status, info.OutcomeUnknown));
        Assert.DoesNotContain("shadow", info.Message, StringComparison.Ordinal);
        Assert.Equal(1004U, RpcException.ToInfo(new TaskCanceledException()).Code);
        var plain = RpcException.ToInfo(new DistFsException(ErrorCatalog.StoreFull, "full"));
        Assert.Equal((1113U, (int)FsStatus.NoSpace, "full", false), (
            plain.Code, plain.Status, plain.Message, plain.OutcomeUnknown));
    }

    public static TheoryData<string, FrameOptions> Unfit => new()
    {
        { "BodyBytesMax", new FrameOptions { BodyBytesMax = 4095 } },
        { "BodyBytesMax", new FrameOptions { BodyBytesMax = (64 << 20) + 1 } },
        { "PayloadBytesMax", new FrameOptions { PayloadBytesMax = 0 } },
        { "CallsMax", new FrameOptions { CallsMax = 0 } },
        { "CallsMax", new FrameOptions { CallsMax = 65_537 } },
        { "RequestWindowBytes", new FrameOptions { RequestWindowBytes = 8 << 20 } },
        { "StreamWindowBytes", new FrameOptions { StreamWindowBytes = 4095 } },
        { "SendQueueBytesMax", new FrameOptions { SendQueueBytesMax = 1 } },
        { "StallTimeout", new FrameOptions { StallTimeout = TimeSpan.Zero } },
        { "HandshakeTimeout", new FrameOptions { HandshakeTimeout = TimeSpan.FromSeconds(-1) } },
        { "KeepAliveInterval", new FrameOptions { KeepAliveInterval = TimeSpan.FromMinutes(1) } },
        { "FrameBytesPerSecondMin", new FrameOptions { FrameBytesPerSecondMin = 0 } },
        { "Agent", new FrameOptions { Agent = new string('x', 129) } },
        { "Credential", new FrameOptions { Credential = new byte[4097] } },
    };

    [Theory]
    [MemberData(nameof(Unfit))]
    public void An_option_out_of_range_is_named(string name, FrameOptions options)
    {
        var error = Assert.Throws<RpcException>(
            () => new FrameChannel(RpcAddress.Tcp("localhost", 1), new() { Frames = options }));
        Assert.Equal(ErrorCatalog.Configuration, error.Code);
        Assert.Contains($"FrameOptions.{name} ", error.Message, StringComparison.Ordinal);
        Assert.Throws<RpcException>(() => FrameServer.Start(new RpcDispatcher(), RpcWorld.Loopback(options)));
    }

    private sealed class StrongBox
    {
        public int Users;
    }
}
