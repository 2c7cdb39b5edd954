using System.CommandLine;
using System.Text.Json.Serialization;
using DistFS.Cli.Output;
using DistFS.Metaserver.Services;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs status</c>: the chunk servers, and how far repair is.</summary>
internal sealed class StatusVerb : Verb
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // A leader that has just begun knows nothing of repair yet: that is no reason to show no servers.
    private static readonly TimeSpan RepairLimit = TimeSpan.FromSeconds(1);

    private readonly Option<RpcAddress[]> _meta = CliArguments.Addresses(
        "--meta", "The metaservers, with commas between [default: the cluster of the configuration]");

    private readonly Option<bool> _watch = new("--watch")
    {
        Description = "Show it again every second until ^C",
    };

    public override string Summary => "Show the chunk servers of a cluster and how far repair is";

    public override VerbGroup Group => VerbGroup.Cluster;

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs status --meta meta1:7100", "show servers, and what waits to be repaired"),
        new("dfs status --watch", "follow it"),
        new("dfs status --json | jq .repair.bytesLeft", "take a number in a script"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Options.Add(_meta);
        command.Options.Add(_watch);
    }

    public override async Task<int> RunAsync(VerbContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var addresses = context.Get(_meta) is { Length: > 0 } given ? given : context.Settings.RequireCluster();
        var client = new AdminClient(addresses);
        await using (client.ConfigureAwait(false))
        {
            var report = await AskAsync(client, context).ConfigureAwait(false);
            if (!context.Get(_watch))
            {
                Show(context, report);
            }
            else if (context.Json || !context.Host.OutIsTerminal)
            {
                await RepeatAsync(client, context, report, next => Show(context, next)).ConfigureAwait(false);
            }
            else
            {
                await context.Out.Live(TextOf(report)).StartAsync(live =>
                    RepeatAsync(client, context, report, next =>
                    {
                        live.UpdateTarget(TextOf(next));
                        live.Refresh();
                    })).ConfigureAwait(false);
            }

            return ExitCodes.Ok;
        }
    }

    private static async Task RepeatAsync(
        AdminClient client, VerbContext context, StatusReport report, Action<StatusReport> show)
    {
        using var timer = new PeriodicTimer(Interval);
        try
        {
            for (; ; report = await AskAsync(client, context).ConfigureAwait(false))
            {
                show(report);
                await timer.WaitForNextTickAsync(context.Cancellation).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (context.Cancellation.IsCancellationRequested)
        {
            // Watched for long enough: that is no failure.
        }
    }

    private static async Task<StatusReport> AskAsync(AdminClient client, VerbContext context)
    {
        var servers = new List<ServerLine>();
        for (var (after, more) = (0u, true); more;)
        {
            var page = await client.ServersAsync(after, context.Settings.Timeout, context.Cancellation)
                .ConfigureAwait(false);
            servers.AddRange(page.Servers.Select(LineOf));
            (more, after) = (page.More && page.Servers.Count > 0, page.Servers.Count > 0 ? page.Servers[^1].Server : 0);
        }

        try
        {
            var repair = await client.RepairAsync(RepairLimit, context.Cancellation).ConfigureAwait(false);
            return new StatusReport([.. servers], LineOf(repair));
        }
        catch (RpcException e) when (AdminClient.IsPassing(e.Code) && !context.Cancellation.IsCancellationRequested)
        {
            return new StatusReport([.. servers], null);
        }
    }

    private static ServerLine LineOf(ServerStatus server) => new(
        server.Server,
        server.Address,
        server.Rack,
        server.IsThrough || server.State != "suspect" ? server.State : "starting",
        server.UsedBytes,
        server.CapacityBytes,
        server.Load,
        server.DamagedBlocks,
        server.LostCopies);

    private static RepairLine LineOf(RepairStatusReply repair) => new(
        repair.IsComplete,
        [.. repair.Classes.Select(static one => new ClassLine(one.Name, one.Chunks))],
        repair.Parked,
        repair.Unavailable,
        repair.CopiesUnderWay,
        repair.BytesLeft,
        repair.BytesPerSecond,
        repair.HasEtaMs ? repair.EtaMs : null,
        repair.UnknownCopies);

    private static void Show(VerbContext context, StatusReport report)
    {
        if (context.Json)
        {
            context.WriteJson(report, StatusJson.Default.StatusReport);
        }
        else
        {
            context.Out.Write(TextOf(report));
            context.Host.Out.WriteLine();
        }
    }

    private static Rows TextOf(StatusReport report)
    {
        var table = Consoles.PlainTable(
            "SERVER", "ADDRESS", "RACK", "STATE", "USED", "CAPACITY", "LOAD", "DAMAGED", "LOST");
        foreach (var server in report.Servers)
        {
            table.AddRow(
                new Text($"{server.Id}"),
                new Text(server.Address),
                new Text(server.Rack.Length == 0 ? "-" : server.Rack),
                new Text(server.State),
                new Text($"{new ByteSize((long)server.UsedBytes)}"),
                new Text($"{new ByteSize((long)server.CapacityBytes)}"),
                new Text($"{server.Load}"),
                new Text($"{server.DamagedBlocks}"),
                new Text($"{server.LostCopies}"));
        }

        List<IRenderable> rows = [table, .. TextOf(report.Repair).Select(static line => new Text(line))];
        return new Rows(rows);
    }

    private static IEnumerable<string> TextOf(RepairLine? repair)
    {
        if (repair == null)
        {
            yield return "repair: the leader has just begun, and does not know yet";
            yield break;
        }

        var waiting = repair.Classes.Where(static one => one.Chunks > 0).ToList();
        yield return waiting.Count == 0 && repair.CopiesUnderWay == 0
            ? repair.Complete ? "repair: nothing to do" : "repair: looks through all chunks"
            : $"repair: {string.Join(", ", waiting.Select(static one => $"{one.Chunks} {one.Name}"))}"
                + $"{(waiting.Count > 0 ? "; " : "")}{repair.CopiesUnderWay} copies under way, "
                + $"{new ByteSize((long)repair.BytesLeft)} left"
                + (repair.BytesPerSecond > 0 ? $" at {new ByteSize((long)repair.BytesPerSecond)}/s" : "")
                + (repair.EtaMs is { } eta ? $", {Duration.ForPeople(TimeSpan.FromMilliseconds(eta))} to go" : "");
        if (repair.Parked > 0)
        {
            yield return $"{repair.Parked} chunks wait for a server; of {repair.Unavailable} no copy can be read";
        }

        if (repair.UnknownCopies > 0)
        {
            yield return $"{repair.UnknownCopies} copies on servers that nothing explains: see the log of the leader";
        }
    }
}

/// <summary>The document of <c>dfs status --json</c>; repair is null while the leader does not know.</summary>
internal sealed record StatusReport(ServerLine[] Servers, RepairLine? Repair);

/// <summary>A chunk server; starting: it has registered and tells what it has.</summary>
internal sealed record ServerLine(
    uint Id,
    string Address,
    string Rack,
    string State,
    ulong UsedBytes,
    ulong CapacityBytes,
    uint Load,
    ulong DamagedBlocks,
    ulong LostCopies);

/// <summary>What repair has to do; classes are the most urgent first.</summary>
internal sealed record RepairLine(
    bool Complete,
    ClassLine[] Classes,
    uint Parked,
    uint Unavailable,
    uint CopiesUnderWay,
    ulong BytesLeft,
    ulong BytesPerSecond,
    ulong? EtaMs,
    ulong UnknownCopies);

/// <summary>Chunks of one class that wait.</summary>
internal sealed record ClassLine(string Name, uint Chunks);

[JsonSerializable(typeof(StatusReport))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class StatusJson : JsonSerializerContext;
