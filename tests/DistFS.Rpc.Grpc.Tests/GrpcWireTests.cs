using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using DistFS.Primitives;
using DistFS.Rpc.Services;

namespace DistFS.Rpc.Grpc.Tests;

/// <summary>The pieces of doc/PROTOCOL-HTTP2.md of grpc/grpc, and what is sent in breach of it.</summary>
public sealed class GrpcWireTests
{
    private const string Watch = "/distfs.v1.Node/Watch";

    [Theory]
    [InlineData("1H", 3_600_000)]
    [InlineData("2M", 120_000)]
    [InlineData("3S", 3_000)]
    [InlineData("250m", 250)]
    [InlineData("1000u", 1)]
    [InlineData("5000000n", 5)]
    [InlineData("99999999H", 99999999L * 3_600_000)]
    public void TimeoutsAreRead(string text, long milliseconds)
    {
        Assert.True(GrpcWire.TryParseTimeout(text, out var timeout));
        Assert.Equal(milliseconds, (long)timeout.TotalMilliseconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("S")]
    [InlineData("1")]
    [InlineData("-1S")]
    [InlineData("1.5S")]
    [InlineData("999999999S")]
    [InlineData("1s")]
    public void MalformedTimeoutsAreRefused(string text) => Assert.False(GrpcWire.TryParseTimeout(text, out _));

    [Fact]
    public void TimeoutsRoundTripWithinTheirUnit()
    {
        var prng = new Prng(3);
        for (var i = 0; i < 10_000; i++)
        {
            var ticks = (long)(prng.NextUInt64() >> (prng.NextInt32(60) + 3));
            var text = GrpcWire.FormatTimeout(new TimeSpan(Math.Max(10, ticks)));
            Assert.InRange(text.Length, 2, 9);
            Assert.True(GrpcWire.TryParseTimeout(text, out var back));
            Assert.InRange(back.Ticks, Math.Max(10, ticks) * 0.99 - TimeSpan.TicksPerMicrosecond, Math.Max(10, ticks));
        }
    }

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("100 %", "100 %25")]
    [InlineData("ü\n", "%C3%BC%0A")]
    public void MessagesArePercentEncoded(string text, string encoded)
    {
        Assert.Equal(encoded, GrpcWire.EncodeMessage(text));
        Assert.Equal(text, GrpcWire.DecodeMessage(encoded));
    }

    [Fact]
    public void EveryStatusHasAGrpcStatusThatIsNotOk()
    {
        foreach (var status in Enum.GetValues<FsStatus>())
        {
            Assert.Equal(status == FsStatus.Ok, GrpcStatusMap.ToGrpc(status) == GrpcStatus.Ok);
        }
    }

    [Fact]
    public void TraceparentIsRead()
    {
        var trace = GrpcWire.ParseTrace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        Assert.Equal("0af7651916cd43dd8448eb211c80319c", trace.ToString());
        Assert.True(GrpcWire.ParseTrace("00-zz").IsNone);
        Assert.True(GrpcWire.ParseTrace(null).IsNone);
    }

    public static TheoryData<string, byte[], int> BadBodies => new()
    {
        { "no message", [], 3 },
        { "half a prefix", [0, 0, 0], 3 },
        { "half a message", [0, 0, 0, 0, 9, 8, 10], 3 },
        { "length of 4 GiB", [0, 255, 255, 255, 255], 8 },
        { "compressed", [1, 0, 0, 0, 2, 8, 10], 12 },
        { "not protobuf", [0, 0, 0, 0, 2, 255, 255], 3 },
        { "two messages", [0, 0, 0, 0, 2, 8, 10, 0, 0, 0, 0, 2, 8, 10], 3 },
    };

    [Theory]
    [MemberData(nameof(BadBodies))]
    public async Task BadBodiesEndWithAStatus(string name, byte[] body, int status)
    {
        await using var server = await TestServer.StartAsync();
        using var response = await PostAsync(server, Watch, "application/grpc", body);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.True(status == await StatusAsync(response), name);
    }

    [Theory]
    [InlineData("application/json", 415)]
    [InlineData("application/grpcx", 415)]
    [InlineData("application/grpc+proto", 200)]
    public async Task OtherContentTypesAreRefused(string contentType, int expected)
    {
        await using var server = await TestServer.StartAsync();
        using var response = await PostAsync(server, "/distfs.v1.Node/Describe", contentType, [0, 0, 0, 0, 0]);
        Assert.Equal(expected, (int)response.StatusCode);
    }

    [Theory]
    [InlineData("grpc-timeout", "soon", 3)]
    [InlineData("grpc-encoding", "gzip", 12)]
    public async Task HeadersThatAreNotHonouredAreRefused(string name, string value, int status)
    {
        await using var server = await TestServer.StartAsync();
        using var response = await PostAsync(
            server, "/distfs.v1.Node/Describe", "application/grpc", [0, 0, 0, 0, 0], (name, value));
        Assert.Equal(status, await StatusAsync(response));
    }

    [Fact]
    public async Task MutatedMessagesNeverBreakTheServer()
    {
        await using var server = await TestServer.StartAsync();
        using var http = Http();
        var prng = new Prng(11);
        for (var i = 0; i < 1_000; i++)
        {
            var body = new byte[] { 0, 0, 0, 0, 4, 8, 10, 16, 1 };
            for (var k = prng.NextInt32(1, 4); k > 0; k--)
            {
                body[prng.NextInt32(body.Length)] = (byte)prng.NextUInt64();
            }

            using var response = await PostAsync(
                server, Watch, "application/grpc", body, ("grpc-timeout", "50m"), http);
            Assert.InRange(await StatusAsync(response), 0, 16);
        }

        using var caller = new GrpcCaller(server.Address);
        var reply = await caller.CallAsync(
            NodeMethods.Describe, new Protocol.DescribeRequest(), TimeSpan.FromSeconds(10));
        Assert.Equal("1.2.3", reply.Version);
    }

    private static HttpClient Http() => new(new SocketsHttpHandler { UseProxy = false })
    {
        Timeout = TimeSpan.FromSeconds(20),
    };

    private static async Task<HttpResponseMessage> PostAsync(
        TestServer server,
        string path,
        string contentType,
        byte[] body,
        (string Name, string Value)? header = null,
        HttpClient? http = null)
    {
        http ??= Http();
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://{server.Address}{path}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body),
        };
        request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        if (header is var (name, value))
        {
            request.Headers.Add(name, value);
        }

        return await http.SendAsync(request);
    }

    private static async Task<int> StatusAsync(HttpResponseMessage response)
    {
        await response.Content.ReadAsByteArrayAsync();
        var headers = response.TrailingHeaders.Contains("grpc-status")
            ? (HttpHeaders)response.TrailingHeaders
            : response.Headers;
        return int.Parse(headers.GetValues("grpc-status").Single(), CultureInfo.InvariantCulture);
    }
}
