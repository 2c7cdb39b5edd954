using System.CommandLine;
using DistFS.Cli.Health;
using DistFS.Cli.Output;
using DistFS.Metaserver.Services;
using DistFS.Primitives;
using DistFS.Rpc;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace DistFS.Cli.Verbs;

/// <summary>
/// <c>dfs status</c>: is it healthy, who leads, which servers, how full, what is repaired and when that is done.
/// </summary>
internal sealed class StatusVerb : Verb
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Option<RpcAddress[]> _meta = CliArguments.Addresses(
        "--meta", "The metaservers, with commas between [default: the cluster of the configuration]");

    private readonly Option<bool> _watch = new("--watch")
    {
        Description = "Show it again every second until ^C",
    };

    public override string Summary => "Show whether a cluster is healthy: servers, space, repair, warnings";

    public override VerbGroup Group => VerbGroup.Cluster;

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs status", "one screen: who leads, which servers, how full, what waits to be repaired"),
        new("dfs status --watch", "follow it"),
        new("dfs status --json | jq -e .healthy", "ask in a script"),
        new("dfs status --json | jq .chunks.bytesLeft", "see how much is still to be copied"),
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
            var probe = new ClusterProbe(client, context.Settings.Timeout);
            var report = await probe.AskAsync(context.Cancellation).ConfigureAwait(false);
            if (!context.Get(_watch))
            {
                Show(context, report);
            }
            else if (context.Json || !context.Host.OutIsTerminal)
            {
                await RepeatAsync(probe, context, report, next => Show(context, next)).ConfigureAwait(false);
            }
            else
            {
                await context.Out.Live(TextOf(report)).StartAsync(live =>
                    RepeatAsync(probe, context, report, next =>
                    {
                        live.UpdateTarget(TextOf(next));
                        live.Refresh();
                    })).ConfigureAwait(false);
            }

            return ExitCodes.Ok;
        }
    }

    private static async Task RepeatAsync(
        ClusterProbe probe, VerbContext context, ClusterReport report, Action<ClusterReport> show)
    {
        using var timer = new PeriodicTimer(Interval);
        try
        {
            for (; ; report = await probe.AskAsync(context.Cancellation).ConfigureAwait(false))
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

    private static void Show(VerbContext context, ClusterReport report)
    {
        if (context.Json)
        {
            context.WriteJson(report, ClusterReportJson.Default.ClusterReport);
        }
        else
        {
            context.Out.Write(TextOf(report));
        }
    }

    private static Rows TextOf(ClusterReport report)
    {
        List<IRenderable> rows = [.. SummaryOf(report).Select(static line => new Text(line)), Text.Empty];
        var metaservers = Consoles.PlainTable("METASERVER", "ADDRESS", "STATE", "BEHIND");
        foreach (var server in report.Metaservers)
        {
            metaservers.AddRow(
                new Text($"{server.Id}"),
                new Text(server.Address),
                new Text(server.State),
                new Text(server.Behind is { } behind ? $"{behind}" : "-"));
        }

        rows.Add(metaservers);
        if (report.Chunkservers.Length > 0)
        {
            rows.Add(Text.Empty);
            rows.Add(TableOf(report.Chunkservers));
        }

        return new Rows(rows);
    }

    private static Table TableOf(ChunkserverLine[] servers)
    {
        var table = Consoles.PlainTable(
            "CHUNK SERVER", "ADDRESS", "RACK", "STATE", "USED", "CAPACITY", "LOAD", "DAMAGED", "LOST");
        foreach (var server in servers)
        {
            table.AddRow(
                new Text($"{server.Id}"),
                new Text(server.Address),
                new Text(server.Rack.Length == 0 ? "-" : server.Rack),
                new Text(server.State),
                new Text($"{new ByteSize((long)server.Used)}"),
                new Text($"{new ByteSize((long)server.Capacity)}"),
                new Text($"{server.Load}"),
                new Text($"{server.DamagedBlocks}"),
                new Text($"{server.LostCopies}"));
        }

        return table;
    }

    private static IEnumerable<string> SummaryOf(ClusterReport report)
    {
        yield return report.Healthy ? "healthy" : "NOT HEALTHY";
        foreach (var warning in report.Warnings)
        {
            yield return $"  {warning.Code} {warning.Message}";
        }

        var alive = report.Metaservers.Count(static one =>
            one.State is not (MetaserverState.Down or MetaserverState.Unknown));
        yield return report.Leader is { } leader
            ? $"metaservers: {alive} of {report.Metaservers.Length} alive, metaserver {leader} leads"
            : $"metaservers: {report.Metaservers.Length}, none leads";
        if (report.Leader == null)
        {
            yield break;
        }

        var up = report.Chunkservers.Count(static one => one.State is "up" or "full" or "draining");
        var (used, capacity) = report.Chunkservers.Aggregate(
            (Used: 0UL, Capacity: 0UL),
            static (sum, one) => (sum.Used + one.Used, sum.Capacity + one.Capacity));
        yield return $"chunk servers: {up} of {report.Chunkservers.Length} up, "
            + $"{new ByteSize((long)used)} of {new ByteSize((long)capacity)} used";
        if (report.Chunks is { } chunks)
        {
            yield return $"chunks: {chunks.Total}, {RepairOf(chunks)}";
        }
    }

    private static string RepairOf(ChunksLine chunks)
    {
        var todo = new List<string>();
        void Add(ulong count, string what)
        {
            if (count > 0)
            {
                todo.Add($"{count} {what}");
            }
        }

        Add(chunks.UnderReplicated, "under-replicated");
        Add(chunks.Corrupt, "with a damaged copy");
        Add(chunks.ToMove, "to move");
        Add(chunks.CopiesUnderWay, "copies under way");
        if (todo.Count == 0)
        {
            return "nothing to repair";
        }

        return string.Join(", ", todo)
            + $"; {new ByteSize((long)chunks.BytesLeft)} left"
            + (chunks.BytesPerSecond > 0 ? $" at {new ByteSize((long)chunks.BytesPerSecond)}/s" : "")
            + (chunks.EtaSeconds is { } eta ? $", {Duration.ForPeople(TimeSpan.FromSeconds(eta))} to go" : "");
    }
}
