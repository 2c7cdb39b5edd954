using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Serialization;
using DistFS.Cli.Output;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Frames;
using DistFS.Rpc.Grpc;
using DistFS.Rpc.Services;
using Spectre.Console;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs ping</c>: who is at an address, how fast the path is.</summary>
internal sealed class PingVerb : Verb
{
    // The limit of PingRequest.payload.
    private static readonly ByteSize SizeMax = ByteSize.MiB(4);

    private static readonly ByteSize[] UsualSizes = [new(0), ByteSize.KiB(64), ByteSize.MiB(1)];

    private readonly Argument<RpcAddress> _address =
        CliArguments.Address("address", "Of any DistFS process: host:port, [ipv6]:port or unix:/path");

    private readonly Option<int> _count =
        CliArguments.Number("--count", "Round trips of each size", byDefault: 50, min: 1, max: 1_000_000);

    private readonly Option<ByteSize[]> _sizes = CliArguments.Sizes(
        "--size", "Payload, up to 4 MiB; may be repeated [default 0, 64 KiB and 1 MiB]", SizeMax);

    private readonly Option<bool> _grpc = new("--grpc") { Description = "Over gRPC instead of frames" };

    public override string Summary => "Ask a process who it is, and measure the path to it";

    public override VerbGroup Group => VerbGroup.Cluster;

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs ping localhost:7100", "show who answers, round trips and throughput"),
        new("dfs ping unix:/run/distfs/chunk.sock --count 1000 --size 0", "measure the latency of a Unix socket"),
        new("dfs ping node3:7101 --grpc --size 1MiB", "measure the gRPC port of a server"),
        new("dfs ping node3:7100 --json | jq .sizes[0].p99Us", "take a number in a script"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Arguments.Add(_address);
        command.Options.Add(_count);
        command.Options.Add(_sizes);
        command.Options.Add(_grpc);
    }

    public override async Task<int> RunAsync(VerbContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var address = context.Get(_address);
        var timeout = context.Settings.Timeout;
        var sizes = context.Get(_sizes) is { Length: > 0 } given ? given : UsualSizes;
        if (context.Get(_grpc))
        {
            using var caller = new GrpcCaller(address);
            return await MeasureAsync(context, caller, timeout, sizes).ConfigureAwait(false);
        }

        var usual = new FrameOptions();
        var options = new FrameChannelOptions
        {
            Frames = usual with
            {
                Agent = $"dfs {ProductVersion.Current.Version}",
                HandshakeTimeout = timeout < usual.HandshakeTimeout ? timeout : usual.HandshakeTimeout,
            },
        };
        var channel = new FrameChannel(address, options);
        await using (channel.ConfigureAwait(false))
        {
            return await MeasureAsync(context, channel, timeout, sizes).ConfigureAwait(false);
        }
    }

    private async Task<int> MeasureAsync(
        VerbContext context, IRpcCaller caller, TimeSpan timeout, IReadOnlyList<ByteSize> sizes)
    {
        var count = context.Get(_count);
        var from = Stopwatch.GetTimestamp();
        var who = await caller.CallAsync(NodeMethods.Describe, new DescribeRequest(), timeout, context.Cancellation)
            .ConfigureAwait(false);
        var connect = Stopwatch.GetElapsedTime(from);
        var rows = new List<PingSize>();
        foreach (var size in sizes)
        {
            context.Note($"{count} round trips of {size} ...");
            rows.Add(await MeasureSizeAsync(caller, size, count, timeout, context.Cancellation).ConfigureAwait(false));
        }

        var report = new PingReport(
            context.Get(_address).ToString(),
            context.Get(_grpc) ? "grpc" : "frames",
            new PingNode(
                who.Version,
                who.Commit,
                who.Role.ToString().ToLowerInvariant(),
                who.State.ToString().ToLowerInvariant(),
                who.UptimeMs,
                who.Host,
                who.ProcessId),
            Microseconds(connect),
            [.. rows]);
        if (context.Json)
        {
            context.WriteJson(report, PingJson.Default.PingReport);
        }
        else
        {
            Show(context, report);
        }

        return ExitCodes.Ok;
    }

    private static async Task<PingSize> MeasureSizeAsync(
        IRpcCaller caller, ByteSize size, int count, TimeSpan timeout, CancellationToken cancellation)
    {
        var payload = new byte[size.Bytes];
        new Random(1).NextBytes(payload);
        var options = new CallOptions(timeout, payload, Cancellation: cancellation);

        // The first of a size is not counted: it pays for buffers and for compiling.
        await PingAsync(caller, 0, options).ConfigureAwait(false);
        var times = new TimeSpan[count];
        var total = Stopwatch.GetTimestamp();
        for (var i = 0; i < count; i++)
        {
            var from = Stopwatch.GetTimestamp();
            await PingAsync(caller, (ulong)i + 1, options).ConfigureAwait(false);
            times[i] = Stopwatch.GetElapsedTime(from);
        }

        var seconds = Stopwatch.GetElapsedTime(total).TotalSeconds;
        Array.Sort(times);
        return new PingSize(
            size.Bytes,
            count,
            Microseconds(times[0]),
            Microseconds(Percentile(times, 0.50)),
            Microseconds(Percentile(times, 0.99)),
            Microseconds(times[^1]),
            Math.Round(size.Bytes * count / seconds));
    }

    private static async Task PingAsync(IRpcCaller caller, ulong nonce, CallOptions options)
    {
        using var reply = await caller.CallAsync(NodeMethods.Ping, new PingRequest { Nonce = nonce }, options)
            .ConfigureAwait(false);
        if (reply.Message.Nonce != nonce || !reply.Payload.Span.SequenceEqual(options.Payload.Span))
        {
            throw new RpcException(
                ErrorCatalog.ProtocolViolation, $"{NodeMethods.Ping}: the answer is not what was sent.");
        }
    }

    /// <summary>The nearest rank: the smallest value that so many are not above.</summary>
    internal static TimeSpan Percentile(ReadOnlySpan<TimeSpan> sorted, double share) =>
        sorted[Math.Max(0, (int)Math.Ceiling(share * sorted.Length) - 1)];

    private static double Microseconds(TimeSpan time) => Math.Round(time.TotalMicroseconds, 1);

    private static void Show(VerbContext context, PingReport report)
    {
        var node = report.Node;
        var commit = node.Commit.Length > 0 ? $" ({node.Commit[..Math.Min(12, node.Commit.Length)]})" : "";
        var uptime = Duration.ForPeople(TimeSpan.FromMilliseconds(node.UptimeMs));
        context.Host.Out.WriteLine(
            $"{report.Address}: {node.Role} {node.Version}{commit}, {node.State}, "
            + $"on {node.Host} (process {node.ProcessId}), up {uptime}; "
            + $"connected over {report.Transport} in {Time(report.ConnectUs)}");
        var table = Consoles.NumberTable("SIZE", "COUNT", "MIN", "P50", "P99", "MAX", "EACH WAY");
        foreach (var row in report.Sizes)
        {
            table.AddRow(
                new Text(new ByteSize(row.Size).ToString()),
                new Text($"{row.Count}"),
                new Text(Time(row.MinUs)),
                new Text(Time(row.P50Us)),
                new Text(Time(row.P99Us)),
                new Text(Time(row.MaxUs)),
                new Text(row.Size == 0 ? "-" : $"{new ByteSize((long)row.BytesPerSecond)}/s"));
        }

        context.Out.Write(table);
    }

    private static string Time(double microseconds) => Duration.ForPeople(TimeSpan.FromMicroseconds(microseconds));
}

/// <summary>The document of <c>dfs ping --json</c>. Times in microseconds; connecting includes Describe.</summary>
internal sealed record PingReport(string Address, string Transport, PingNode Node, double ConnectUs, PingSize[] Sizes);

/// <summary>Who answered.</summary>
internal sealed record PingNode(
    string Version, string Commit, string Role, string State, ulong UptimeMs, string Host, uint ProcessId);

/// <summary>Round trips of one payload, one at a time; the payload counts once in the rate, not both ways.</summary>
internal sealed record PingSize(
    long Size, int Count, double MinUs, double P50Us, double P99Us, double MaxUs, double BytesPerSecond);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(PingReport))]
internal sealed partial class PingJson : JsonSerializerContext;
