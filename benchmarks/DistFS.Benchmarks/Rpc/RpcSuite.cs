using DistFS.Rpc;
using DistFS.Rpc.Frames;
using DistFS.Rpc.Grpc;

namespace DistFS.Benchmarks.Rpc;

/// <summary>Frames beside a bare socket and beside gRPC, each round taking all of them in turn.</summary>
internal static class RpcSuite
{
    private const int MiB = 1 << 20;
    private const int MiBLog2 = 20;
    private const int LargeInFlight = 4;

    private static readonly CallOptions Options = new(TimeSpan.FromSeconds(20));

    public static async Task RunAsync(
        Report report, int rounds, TimeSpan duration, string? only, CancellationToken cancellation)
    {
        await using var server = await BenchServer.StartAsync(cancellation);
        await using var tcp = new FrameChannel(server.Tcp);
        await using var unix = new FrameChannel(server.Unix);
        using var grpc = new GrpcCaller(server.Grpc);
        var payload = new byte[MiB];
        var large = Options with { Payload = payload };
        Measurement[] all =
        [
            new("bare socket, ping-pong", () => BareSocket.PingPongAsync(server.Bare, duration)),
            new("frames, 1 in flight", () => Load.RunAsync(1, duration, load => EchoAsync(load, tcp))),
            new("frames, 64 in flight", () => Load.RunAsync(64, duration, load => EchoAsync(load, tcp))),
            new("frames, Unix socket, 1 in flight", () => Load.RunAsync(1, duration, load => EchoAsync(load, unix))),
            new("frames, Unix socket, 64 in flight", () => Load.RunAsync(64, duration, load => EchoAsync(load, unix))),
            new("gRPC, 1 in flight", () => Load.RunAsync(1, duration, load => EchoAsync(load, grpc))),
            new("gRPC, 64 in flight", () => Load.RunAsync(64, duration, load => EchoAsync(load, grpc))),
            new("bare socket, 1 MiB up", () => BareSocket.RunAsync(server.Bare, MiBLog2, LargeInFlight, duration), MiB),
            new(
                "frames, 1 MiB up",
                () => Load.RunAsync(LargeInFlight, duration, load => SinkAsync(load, tcp, large)),
                MiB),
            new(
                "frames, 1 MiB down",
                () => Load.RunAsync(LargeInFlight, duration, load => SourceAsync(load, tcp)),
                MiB),
            new(
                "frames, Unix socket, 1 MiB up",
                () => Load.RunAsync(LargeInFlight, duration, load => SinkAsync(load, unix, large)),
                MiB),
            new(
                "gRPC, 1 MiB up",
                () => Load.RunAsync(LargeInFlight, duration, load => SinkAsync(load, grpc, large)),
                MiB),
        ];

        if (only != null)
        {
            all = [.. all.Where(m => m.Name.Contains(only, StringComparison.OrdinalIgnoreCase))];
        }

        // The first round warms up: tiered compilation, pools, the kernel's buffers.
        for (var round = 0; round <= rounds; round++)
        {
            foreach (var measurement in all)
            {
                cancellation.ThrowIfCancellationRequested();
                var before = server.ProcessorTime;
                var started = DateTime.UtcNow;
                var rate = await measurement.RunAsync();
                var operations = rate * (DateTime.UtcNow - started).TotalSeconds;
                if (round > 0)
                {
                    measurement.Rates.Add(rate);
                    measurement.CpuMicroseconds.Add((server.ProcessorTime - before).TotalMicroseconds / operations);
                }
            }
        }

        var medians = all.ToDictionary(m => m.Name, m => m.Report(report));
        if (only != null)
        {
            return;
        }

        report.AddRatio(
            "frames / gRPC, 64 in flight", medians["frames, 64 in flight"] / medians["gRPC, 64 in flight"], 20);
        report.AddRatio(
            "frames / bare socket, 1 in flight",
            medians["frames, 1 in flight"] / medians["bare socket, ping-pong"],
            0.6);
        report.AddRatio(
            "frames / bare socket, 1 MiB up", medians["frames, 1 MiB up"] / medians["bare socket, 1 MiB up"], 0.7);
        report.AddRatio(
            "frames down / bare socket up, 1 MiB",
            medians["frames, 1 MiB down"] / medians["bare socket, 1 MiB up"],
            0.7);
        await MeasureAllocationAsync(report);
    }

    /// <summary>
    /// Client and server in this process, so that the allocations of both are counted; what is left after the message
    /// objects is the transport's.
    /// </summary>
    private static async Task MeasureAllocationAsync(Report report)
    {
        const int Calls = 200_000;
        await using var server = FrameServer.Start(
            BenchService.Dispatcher(), new FrameServerOptions { Listen = [RpcAddress.Tcp("127.0.0.1", 0)] });
        await using var channel = new FrameChannel(server.Addresses[0]);
        var messages = Allocated(() =>
        {
            for (var i = 0; i < 1000; i++)
            {
                // As in a call: made by the caller and by the parser at the server, and the same for the reply.
                GC.KeepAlive(new EchoRequest());
                GC.KeepAlive(new EchoRequest());
                GC.KeepAlive(new EchoReply());
                GC.KeepAlive(new EchoReply());
            }
        }) / 1000.0;
        async Task CallsAsync()
        {
            for (var i = 0; i < Calls; i++)
            {
                using var reply = await channel.CallAsync(BenchService.Echo, new EchoRequest { Value = 5 }, Options);
            }
        }

        await CallsAsync();
        var before = GC.GetTotalAllocatedBytes(precise: true);
        await CallsAsync();
        var perCall = (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)Calls;
        report.Add("allocated by client and server, messages included", "B/call", [perCall]);
        report.Add("of that, the message objects", "B/call", [messages]);

        // The timer of the process and the runtime itself allocate a little, whatever the number of calls.
        report.AddRatio("allocated per call beyond the messages (B)", Math.Max(0, perCall - messages), atMost: 0.5);
    }

    private static long Allocated(Action action)
    {
        action();
        var before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static async Task<long> EchoAsync(Load load, IRpcCaller caller)
    {
        long count = 0;
        for (; load.Running; count++)
        {
            using var reply = await caller.CallAsync(BenchService.Echo, new EchoRequest { Value = 5 }, Options);
        }

        return count;
    }

    private static async Task<long> SinkAsync(Load load, IRpcCaller caller, CallOptions options)
    {
        long count = 0;
        for (; load.Running; count++)
        {
            using var reply = await caller.CallAsync(BenchService.Sink, new SinkRequest(), options);
        }

        return count;
    }

    private static async Task<long> SourceAsync(Load load, IRpcCaller caller)
    {
        long count = 0;
        for (; load.Running; count++)
        {
            using var reply = await caller.CallAsync(BenchService.Source, new SourceRequest { Bytes = MiB }, Options);
        }

        return count;
    }

    private sealed record Measurement(string Name, Func<Task<double>> RunAsync, int BytesEach = 0)
    {
        public List<double> Rates { get; } = [];

        public List<double> CpuMicroseconds { get; } = [];

        public double Report(Report report)
        {
            var cpu = CpuMicroseconds.Order().ElementAt(CpuMicroseconds.Count / 2);
            return BytesEach == 0
                ? report.Add(Name, "calls/s", Rates, cpu)
                : report.Add(Name, "MiB/s", [.. Rates.Select(r => r * BytesEach / MiB)], cpu);
        }
    }
}
