using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Serialization;
using DistFS.Cli.Health;
using DistFS.Cli.Output;
using DistFS.Metaserver.Services;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Frames;
using Google.Protobuf;
using Spectre.Console;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs fsck</c>: does what the metaservers know add up, and are the chunks of files there?</summary>
internal sealed class FsckVerb : Verb
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(200);

    private readonly Argument<string[]> _paths = new("path")
    {
        Description = "Files, or directories with all that is in them: their chunks",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Option<bool> _read = new("--read")
    {
        Description = "Read every copy of every chunk, and compare the checksums",
    };

    private readonly Option<bool> _metadata = new("--metadata")
    {
        Description = "Check the namespace, quotas, locks, chunks and all else that metaservers know",
    };

    private readonly Option<string?> _meta = new("--meta")
    {
        Description = "The metaservers, with commas between [default: the cluster of the configuration]",
        HelpName = "ADDRESSES",
    };

    public override string Summary => "Check that all the cluster knows of itself adds up";

    public override VerbGroup Group => VerbGroup.Cluster;

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs fsck --metadata --meta meta1:7100,meta2:7100", "check the metadata while the cluster serves"),
        new("dfs fsck /data", "look at every chunk: are there as many copies as there should be?"),
        new("dfs fsck --read /data", "read each copy too; what is damaged is mended by its server"),
        new("dfs fsck --metadata --json | jq .findings[].text", "list what is wrong in a script"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Arguments.Add(_paths);
        command.Options.Add(_read);
        command.Options.Add(_metadata);
        command.Options.Add(_meta);
        command.Validators.Add(result =>
        {
            if (result.GetValue(_metadata) == result.GetValue(_paths) is { Length: > 0 })
            {
                result.AddError("Say what to check: either paths, or --metadata.");
            }

            if (result.GetValue(_metadata) && result.GetValue(_read))
            {
                result.AddError("--read is of the chunks of paths.");
            }

            if (result.GetValue(_meta) is { } text && !TryParse(text, out _))
            {
                result.AddError($"--meta '{text}' are no addresses; write host:port, with commas between.");
            }
        });
    }

    public override async Task<int> RunAsync(VerbContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (!context.Get(_metadata))
        {
            var client = await ClusterVerb.ConnectAsync(context, Name, TimeSpan.FromSeconds(30)).ConfigureAwait(false);
            await using (client.ConfigureAwait(false))
            {
                return await new ChunkFsck(context, client, context.Get(_read)).RunAsync(context.Get(_paths))
                    .ConfigureAwait(false);
            }
        }

        IReadOnlyList<RpcAddress> addresses = context.Get(_meta) is { } text && TryParse(text, out var given)
            ? given : context.Settings.RequireCluster();
        var began = Stopwatch.GetTimestamp();
        var (address, started) = await StartAsync(context, addresses).ConfigureAwait(false);
        var channel = new FrameChannel(address);
        await using (channel.ConfigureAwait(false))
        {
            var findings = new List<FsckFinding>();
            var last = await FollowAsync(context, channel, started, findings).ConfigureAwait(false);
            var report = new FsckReport(
                address.ToString(),
                last.Rows,
                Math.Round(Stopwatch.GetElapsedTime(began).TotalSeconds, 3),
                last.FindingsTotal,
                [.. findings.Select(one => new FsckLine(one.Kind, one.Inode, one.Text))]);
            if (context.Json)
            {
                context.WriteJson(report, FsckJson.Default.FsckReport);
            }
            else
            {
                Show(context, report);
            }

            return report.FindingsTotal == 0 ? ExitCodes.Ok : ExitCodes.Failed;
        }
    }

    private static bool TryParse(string text, out List<RpcAddress> addresses)
    {
        addresses = [];
        foreach (var part in text.Split(','))
        {
            if (!RpcAddress.TryParse(part, out var address))
            {
                return false;
            }

            addresses.Add(address);
        }

        return true;
    }

    /// <summary>At the leader, whichever of them it is: within the time-out of the configuration.</summary>
    private static async Task<(RpcAddress Address, FsckReply Reply)> StartAsync(
        VerbContext context, IReadOnlyList<RpcAddress> addresses)
    {
        var timeout = context.Settings.Timeout;
        var began = Stopwatch.GetTimestamp();
        using var timer = new PeriodicTimer(PollInterval);
        DistFsException? last = null;
        for (var at = 0; Stopwatch.GetElapsedTime(began) < timeout; at = (at + 1) % addresses.Count)
        {
            try
            {
                var channel = new FrameChannel(addresses[at]);
                await using (channel.ConfigureAwait(false))
                {
                    var reply = await CallAsync(
                        channel, FsckMethods.Start, new FsckStartRequest(), timeout, context.Cancellation)
                        .ConfigureAwait(false);
                    if (reply.Status == (int)FsStatus.Ok)
                    {
                        return (addresses[at], reply);
                    }

                    last = Failure(addresses[at], reply);
                    if (reply.Status != (int)FsStatus.TryAgain)
                    {
                        throw last;
                    }
                }
            }
            catch (RpcException error) when (addresses.Count > 1)
            {
                // Another one may lead.
                last = error;
            }

            await timer.WaitForNextTickAsync(context.Cancellation).ConfigureAwait(false);
        }

        throw last ?? new DistFsException(ErrorCatalog.DeadlineExceeded, $"No metaserver began a check in {timeout}.");
    }

    private static async Task<FsckReply> FollowAsync(
        VerbContext context, FrameChannel channel, FsckReply reply, List<FsckFinding> findings)
    {
        using var timer = new PeriodicTimer(PollInterval);
        for (var said = ""; ; await timer.WaitForNextTickAsync(context.Cancellation).ConfigureAwait(false))
        {
            reply = await CallAsync(
                channel,
                FsckMethods.Poll,
                new FsckPollRequest { Run = reply.Run, Known = (uint)findings.Count },
                context.Settings.Timeout,
                context.Cancellation).ConfigureAwait(false);
            findings.AddRange(reply.Findings);
            if (reply.Status != (int)FsStatus.Ok)
            {
                throw Failure(channel.Address, reply);
            }

            if (reply.Done)
            {
                return reply;
            }

            if (reply.Phase != said)
            {
                said = reply.Phase;
                context.Note($"{reply.Rows} rows, looking at {said} ...");
            }
        }
    }

    private static async Task<FsckReply> CallAsync<TRequest>(
        FrameChannel channel,
        RpcMethod<TRequest, FsckReply> method,
        TRequest request,
        TimeSpan timeout,
        CancellationToken cancellation)
        where TRequest : class, IMessage<TRequest>, new() =>
        await channel.CallAsync(method, request, timeout, cancellation).ConfigureAwait(false);

    private static DistFsException Failure(RpcAddress address, FsckReply reply)
    {
        var status = (FsStatus)reply.Status;
        var code = ErrorCatalog.All.FirstOrDefault(known => known.Number == reply.Code)
            ?? (status == FsStatus.Busy ? ErrorCatalog.Overloaded : ErrorCatalog.NotLeader);
        var why = reply.Failure.Length > 0 ? reply.Failure
            : status == FsStatus.Busy ? "a check is under way already; wait until it is done."
            : "it does not lead, or no longer, so the check is not done.";
        return new DistFsException(code, $"{address}: {why}");
    }

    private static void Show(VerbContext context, FsckReport report)
    {
        if (report.Findings.Length > 0)
        {
            var table = Consoles.PlainTable("KIND", "INODE", "WHAT IS WRONG");
            foreach (var line in report.Findings)
            {
                table.AddRow(
                    new Text(line.Kind), new Text(line.Inode == 0 ? "-" : $"{line.Inode}"), new Text(line.Text));
            }

            context.Out.Write(table);
        }

        var told = (ulong)report.Findings.Length < report.FindingsTotal ? $", {report.Findings.Length} shown" : "";
        context.Host.Out.WriteLine(
            $"{report.Address}: {report.Rows} rows in {Duration.ForPeople(TimeSpan.FromSeconds(report.Seconds))}, "
            + (report.FindingsTotal == 0 ? "all adds up" : $"{report.FindingsTotal} findings{told}"));
    }
}

/// <summary>The document of <c>dfs fsck --json</c>: at most 1,000 findings, and how many there are.</summary>
internal sealed record FsckReport(
    string Address, ulong Rows, double Seconds, ulong FindingsTotal, FsckLine[] Findings);

/// <summary>Something that does not add up; inode 0 is of none.</summary>
internal sealed record FsckLine(string Kind, ulong Inode, string Text);

[JsonSerializable(typeof(FsckReport))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class FsckJson : JsonSerializerContext;
