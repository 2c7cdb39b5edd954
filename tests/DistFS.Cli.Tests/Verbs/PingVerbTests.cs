using System.Net;
using System.Net.Sockets;
using DistFS.Cli.Verbs;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Frames;
using DistFS.Rpc.Grpc;
using DistFS.Rpc.Services;

namespace DistFS.Cli.Tests.Verbs;

public sealed class PingVerbTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Measures_over_frames(bool unix)
    {
        var listen = unix ? RpcAddress.Unix(_folder.Sub("s")) : RpcAddress.Tcp("127.0.0.1", 0);
        await using var server = FrameServer.Start(Dispatcher(), new FrameServerOptions { Listen = [listen] });
        await CheckAsync(server.Addresses[0], "frames");
    }

    [Fact]
    public async Task Measures_over_grpc()
    {
        await using var server = await GrpcServer.StartAsync(
            Dispatcher(), new GrpcServerOptions { Listen = [RpcAddress.Tcp("127.0.0.1", 0)] });
        await CheckAsync(server.Addresses[0], "grpc", "--grpc");
    }

    [Fact]
    public async Task Without_sizes_the_usual_ones_are_measured()
    {
        await using var server = FrameServer.Start(
            Dispatcher(), new FrameServerOptions { Listen = [RpcAddress.Tcp("127.0.0.1", 0)] });
        var json = (await new Cli().RunAsync("ping", $"{server.Addresses[0]}", "--count", "2", "--json")).Json;
        Assert.Equal(
            [0, 65_536, 1 << 20],
            json.GetProperty("sizes").EnumerateArray().Select(size => size.GetProperty("size").GetInt32()));
    }

    [Fact]
    public async Task Nobody_listens()
    {
        var result = await new Cli().RunAsync("ping", $"unix:{_folder.Sub("none")}");
        Assert.Equal(ExitCodes.Unavailable, result.ExitCode);
        Assert.StartsWith("dfs: DFS1201: unix:", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_service_is_told_by_what_it_said()
    {
        await using var other = new OtherService("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n<html>\e[31m");
        var result = await new Cli().RunAsync("ping", other.Address);
        Assert.Equal(ExitCodes.Failed, result.ExitCode);
        Assert.StartsWith("dfs: DFS1202: ", result.Error, StringComparison.Ordinal);
        Assert.Contains("HTTP/1.1 400", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', result.Error);
    }

    [Fact]
    public async Task A_silent_service_ends_with_the_time_out()
    {
        await using var other = new OtherService(null);
        var result = await new Cli().RunAsync("ping", other.Address, "--timeout", "100ms");
        Assert.Equal(ExitCodes.Deadline, result.ExitCode);
    }

    [Fact]
    public async Task An_interrupt_ends_it_while_it_waits()
    {
        await using var other = new OtherService(null);
        using var interrupt = new CancellationTokenSource();
        var run = new Cli { Interrupted = interrupt.Token }.RunAsync("ping", other.Address, "--timeout", "1h");
        await other.Connected;
        await interrupt.CancelAsync();
        Assert.Equal(ExitCodes.Interrupted, (await run).ExitCode);
    }

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    public async Task A_signal_ends_the_process_in_order(string signal, int exitCode)
    {
        await using var other = new OtherService(null);
        using var dfs = DfsProcess.StartDfs("ping", other.Address, "--timeout", "1h");
        await other.Connected;
        using var kill = DfsProcess.Start("kill", $"-{signal}", $"{dfs.Id}");
        Assert.Equal(0, (await DfsProcess.EndAsync(kill)).ExitCode);
        var result = await DfsProcess.EndAsync(dfs);
        Assert.Equal(exitCode, result.ExitCode);
        Assert.StartsWith("dfs: DFS1004: Interrupted.", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0.5, 5)]
    [InlineData(0.99, 10)]
    [InlineData(0.1, 1)]
    [InlineData(0, 1)]
    public void Percentiles_are_nearest_ranks(double share, int expected)
    {
        var sorted = Enumerable.Range(1, 10).Select(i => TimeSpan.FromSeconds(i)).ToArray();
        Assert.Equal(TimeSpan.FromSeconds(expected), PingVerb.Percentile(sorted, share));
    }

    private static async Task CheckAsync(RpcAddress address, string transport, params string[] more)
    {
        string[] args = ["ping", $"{address}", "--count", "5", "--size", "0", "--size", "4MiB", .. more];
        var text = await new Cli().RunAsync(args);
        Assert.Equal("", text.Error);
        Assert.Equal(ExitCodes.Ok, text.ExitCode);
        Assert.StartsWith($"{address}: chunkserver 1.2.3 (abc), serving, on ", text.Out, StringComparison.Ordinal);
        Assert.Contains($"connected over {transport} in ", text.Out, StringComparison.Ordinal);
        Assert.Matches(@"(?m)^ *4 MiB +5 +[\d.]+ .?s +.*iB/s *$", text.Out);

        var json = (await new Cli().RunAsync([.. args, "--json"])).Json;
        Assert.Equal($"{address}", json.GetProperty("address").GetString());
        Assert.Equal(transport, json.GetProperty("transport").GetString());
        Assert.Equal("serving", json.GetProperty("node").GetProperty("state").GetString());
        var large = json.GetProperty("sizes")[1];
        Assert.Equal(4 << 20, large.GetProperty("size").GetInt32());
        string[] names = ["minUs", "p50Us", "p99Us", "maxUs"];
        double[] times = [.. names.Select(name => large.GetProperty(name).GetDouble())];
        Assert.Equal(times.Order(), times);
        Assert.True(large.GetProperty("bytesPerSecond").GetDouble() > 0);
    }

    private static RpcDispatcher Dispatcher()
    {
        var dispatcher = new RpcDispatcher();
        new NodeService("1.2.3", "abc", Role.Chunkserver) { State = NodeState.Serving }.AddTo(dispatcher);
        return dispatcher;
    }

    /// <summary>Takes one connection, says its text, and keeps the connection open.</summary>
    private sealed class OtherService : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _end = new();
        private readonly TaskCompletionSource _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Task _serve;

        public OtherService(string? text)
        {
            _listener.Start();
            Address = $"{_listener.LocalEndpoint}";
            _serve = ServeAsync(text);
        }

        public string Address { get; }

        public Task Connected => _connected.Task;

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync();
            _listener.Dispose();
            await _serve;
            _end.Dispose();
        }

        private async Task ServeAsync(string? text)
        {
            try
            {
                using var client = await _listener.AcceptTcpClientAsync(_end.Token);
                _connected.TrySetResult();
                if (text != null)
                {
                    await client.GetStream().WriteAsync(System.Text.Encoding.ASCII.GetBytes(text), _end.Token);
                }

                await new TaskCompletionSource().Task.WaitAsync(_end.Token);
            }
            catch (OperationCanceledException)
            {
                // The test is over.
            }
        }
    }
}
