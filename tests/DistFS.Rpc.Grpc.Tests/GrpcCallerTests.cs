using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Protocol.GrpcHealth;
using DistFS.Rpc.Services;

namespace DistFS.Rpc.Grpc.Tests;

/// <summary>Our client against our server, where the answer must be the same as over frames.</summary>
public sealed class GrpcCallerTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65_536)]
    [InlineData(4 << 20)]
    public async Task PayloadsComeBackAsTheyWent(int length)
    {
        await using var server = await TestServer.StartAsync();
        using var caller = new GrpcCaller(server.Address);
        var payload = new byte[length];
        new Prng(7).Fill(payload);
        using var reply = await caller.CallAsync(
            NodeMethods.Ping, new PingRequest { Nonce = 9 }, new CallOptions(Long, payload));
        Assert.Equal(9UL, reply.Message.Nonce);
        Assert.True(reply.Payload.Span.SequenceEqual(payload));
        Assert.True(reply.Message.Payload.IsEmpty);
        var sink = new ArraySink();
        using var sunk = await caller.CallAsync(
            NodeMethods.Ping, new PingRequest { Nonce = 9 }, new CallOptions(Long, payload) { Sink = sink });
        Assert.Equal(0, sunk.Payload.Length);
        Assert.True(sunk.Message.Payload.IsEmpty);
        Assert.Equal(payload, sink.Memory);
    }

    [Fact]
    public async Task StreamsKeepTheirOrderAndEnd()
    {
        await using var server = await TestServer.StartAsync();
        using var caller = new GrpcCaller(server.Address);
        var sequence = new List<ulong>();
        var request = new WatchRequest { IntervalMs = 10, EventsMax = 5 };
        await foreach (var e in caller.StreamAsync(NodeMethods.Watch, request, new CallOptions(Long)))
        {
            sequence.Add(e.Sequence);
        }

        Assert.Equal([1, 2, 3, 4, 5], sequence);
    }

    [Fact]
    public async Task WatchReportsAChangeOfStateAtOnce()
    {
        await using var server = await TestServer.StartAsync();
        using var caller = new GrpcCaller(server.Address);
        var request = new WatchRequest { IntervalMs = 60_000, EventsMax = 2 };
        var states = new List<NodeState>();
        await foreach (var e in caller.StreamAsync(NodeMethods.Watch, request, new CallOptions(Long)))
        {
            states.Add(e.State);
            server.Node.State = NodeState.Stopping;
        }

        Assert.Equal([NodeState.Serving, NodeState.Stopping], states);
    }

    [Fact]
    public async Task DeadlineEndsTheCallAndCancelsTheHandler()
    {
        await using var server = await TestServer.StartAsync();
        using var caller = new GrpcCaller(server.Address);
        var error = await Assert.ThrowsAsync<RpcException>(async () => await caller.CallAsync(
            HealthMethods.Check, new HealthCheckRequest { Service = "slow" }, TimeSpan.FromMilliseconds(200)));
        Assert.Equal(ErrorCatalog.DeadlineExceeded, error.Code);
        Assert.True(error.OutcomeUnknown);
        await server.SlowCancelled.Task.WaitAsync(Long);
    }

    [Fact]
    public async Task CancellationReachesTheHandler()
    {
        await using var server = await TestServer.StartAsync();
        using var caller = new GrpcCaller(server.Address);
        using var cancel = new CancellationTokenSource();
        var call = caller.CallAsync(
            HealthMethods.Check, new HealthCheckRequest { Service = "slow" }, Long, cancel.Token).AsTask();
        cancel.CancelAfter(TimeSpan.FromMilliseconds(100));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await server.SlowCancelled.Task.WaitAsync(Long);
    }

    [Fact]
    public async Task ErrorsKeepTheirCodeStatusAndText()
    {
        await using var server = await TestServer.StartAsync();
        using var caller = new GrpcCaller(server.Address);
        var error = await Assert.ThrowsAsync<RpcException>(async () => await caller.CallAsync(
            HealthMethods.Check, new HealthCheckRequest { Service = "ü%" }, Long));
        Assert.Equal(ErrorCatalog.BadRequest, error.Code);
        Assert.Equal(FsStatus.NotFound, error.Status);
        Assert.Contains("'ü%'", error.Message, StringComparison.Ordinal);
        Assert.Contains(("Check", FsStatus.NotFound), server.Completed);
    }

    [Fact]
    public async Task NobodyListening()
    {
        var port = FreePort();
        using var caller = new GrpcCaller(RpcAddress.Tcp("127.0.0.1", port));
        var error = await Assert.ThrowsAsync<RpcException>(async () => await caller.CallAsync(
            NodeMethods.Describe, new DescribeRequest(), Long));
        Assert.Equal(ErrorCatalog.ConnectFailed, error.Code);
        Assert.False(error.OutcomeUnknown);
    }

    /// <summary>The request had been handed over: whether it was done, nobody knows.</summary>
    [Fact]
    public async Task AServerThatDiesInAUnaryCallLeavesTheOutcomeUnknown()
    {
        var server = await TestServer.StartAsync();
        using var caller = new GrpcCaller(server.Address);
        var call = caller.CallAsync(HealthMethods.Check, new HealthCheckRequest { Service = "slow" }, Long).AsTask();
        await server.SlowStarted.Task.WaitAsync(Long);
        await server.DisposeAsync();
        var error = await Assert.ThrowsAsync<RpcException>(() => call);
        Assert.True(error.OutcomeUnknown, error.Message);
    }

    [Fact]
    public async Task ListeningTwiceOnOnePortIsRefusedWithACode()
    {
        await using var first = await TestServer.StartAsync();
        var error = await Assert.ThrowsAsync<RpcException>(
            () => TestServer.StartAsync(o => o with { Listen = [first.Address] }));
        Assert.Equal(ErrorCatalog.ListenFailed, error.Code);
    }

    [Fact]
    public async Task ServesUnixSockets()
    {
        var path = Path.Combine(Path.GetTempPath(), $"distfs-grpc-{Environment.ProcessId}.sock");
        await using var server = await TestServer.StartAsync(o => o with { Listen = [RpcAddress.Unix(path)] });
        using var caller = new GrpcCaller(server.Address);
        var reply = await caller.CallAsync(NodeMethods.Describe, new DescribeRequest(), Long);
        Assert.Equal("1.2.3", reply.Version);
    }

    [Fact]
    public async Task ServesTls()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(
            DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
        await using var server = await TestServer.StartAsync(o => o with { Certificate = certificate });
        var tls = new SslClientAuthenticationOptions
        {
            RemoteCertificateValidationCallback = (_, c, _, _) =>
                c?.GetCertHashString() == certificate.GetCertHashString(),
        };
        using var caller = new GrpcCaller(server.Address, tls);
        var reply = await caller.CallAsync(NodeMethods.Describe, new DescribeRequest(), Long);
        Assert.Equal(Role.Tool, reply.Role);
    }

    [Fact]
    public async Task AServerThatDiesInTheMiddleLeavesTheOutcomeUnknown()
    {
        var server = await TestServer.StartAsync();
        using var caller = new GrpcCaller(server.Address);
        var watching = Task.Run(async () =>
        {
            var request = new WatchRequest { IntervalMs = 10 };
            await foreach (var e in caller.StreamAsync(NodeMethods.Watch, request, new CallOptions(Long)))
            {
                if (e.Sequence == 2)
                {
                    _ = server.DisposeAsync().AsTask();
                }
            }
        });
        var error = await Assert.ThrowsAsync<RpcException>(() => watching);
        Assert.True(error.OutcomeUnknown);
        await server.DisposeAsync();
    }

    private static int FreePort()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    /// <summary>Takes a payload in parts.</summary>
    private sealed class ArraySink : IPayloadSink
    {
        private int _received;

        public byte[] Memory { get; private set; } = [];

        public void Begin(int length) => Memory = new byte[length];

        public Memory<byte> Next() => Memory.AsMemory(_received, Math.Min(70_000, Memory.Length - _received));

        public void Advance(int count) => _received += count;
    }
}
