using System.Diagnostics;
using System.Net;
using DistFS.Rpc;
using DistFS.Rpc.Frames;
using DistFS.Rpc.Grpc;

namespace DistFS.Benchmarks.Rpc;

/// <summary>
/// The server side, as a process of its own, as in a cluster. Both processes share the machine's cores, so a figure is
/// what client and server cost together.
/// </summary>
internal sealed class BenchServer : IAsyncDisposable
{
    private readonly Process _process;

    private BenchServer(Process process, string[] addresses)
    {
        _process = process;
        Tcp = RpcAddress.Parse(addresses[0]);
        Unix = RpcAddress.Parse(addresses[1]);
        Grpc = RpcAddress.Parse(addresses[2]);
        Bare = IPEndPoint.Parse(addresses[3]);
    }

    public RpcAddress Tcp { get; }

    public RpcAddress Unix { get; }

    public RpcAddress Grpc { get; }

    public IPEndPoint Bare { get; }

    /// <summary>Processor time of both processes.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            using var self = Process.GetCurrentProcess();
            return _process.TotalProcessorTime + self.TotalProcessorTime;
        }
    }

    /// <summary>Starts the process.</summary>
    public static async Task<BenchServer> StartAsync(CancellationToken cancellation)
    {
        var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, "serve")
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        var line = await process.StandardOutput.ReadLineAsync(cancellation)
            ?? throw new InvalidOperationException("the server process ended");
        return new BenchServer(process, line.Split(' '));
    }

    /// <summary>What runs in the process: serves until its standard input ends.</summary>
    public static async Task<int> RunAsync(CancellationToken cancellation)
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var unix = RpcAddress.Unix(Path.Combine(Path.GetTempPath(), $"distfs-bench-{Environment.ProcessId}.sock"));
        await using var frames = FrameServer.Start(
            BenchService.Dispatcher(HandlerScheduling.Inline),
            new FrameServerOptions { Listen = [RpcAddress.Tcp("127.0.0.1", 0), unix] });
        await using var grpc = await GrpcServer.StartAsync(
            BenchService.Dispatcher(),
            new GrpcServerOptions { Listen = [RpcAddress.Tcp("127.0.0.1", 0)] },
            cancellation);
        var bare = BareSocket.Listen(stopping.Token);
        Console.WriteLine($"{frames.Addresses[0]} {frames.Addresses[1]} {grpc.Addresses[0]} {bare}");
        await Console.In.ReadToEndAsync(cancellation);
        await stopping.CancelAsync();
        return 0;
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
