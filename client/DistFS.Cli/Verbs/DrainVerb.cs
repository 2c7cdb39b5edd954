using System.CommandLine;
using System.Text.Json.Serialization;
using DistFS.Metaserver.Services;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using Spectre.Console;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs drain</c>: empties a chunk server, before it is taken away.</summary>
internal sealed class DrainVerb : Verb
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // Nothing moves for so long: that is said once, and waited on.
    private static readonly TimeSpan StuckAfter = TimeSpan.FromSeconds(30);

    private readonly Argument<uint> _server = new("server") { Description = "Its number, as 'dfs status' shows it" };

    private readonly Option<RpcAddress[]> _meta = CliArguments.Addresses(
        "--meta", "The metaservers, with commas between [default: the cluster of the configuration]");

    private readonly Option<bool> _undo = new("--undo")
    {
        Description = "It takes chunks again; what has moved away comes back as balance asks for it",
    };

    private readonly Option<bool> _noWait = new("--no-wait") { Description = "Return when it has begun" };

    private readonly Option<bool> _dryRun = new("--dry-run")
    {
        Description = "Say how many chunks would move, and do nothing",
    };

    public override string Summary => "Move all chunks away from a chunk server, before it is taken out";

    public override VerbGroup Group => VerbGroup.Cluster;

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs drain 4", "empty chunk server 4; it may be stopped when this returns"),
        new("dfs drain 4 --no-wait", "begin; 'dfs status' shows how far it is"),
        new("dfs drain 4 --undo", "let it have chunks again"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Arguments.Add(_server);
        command.Options.Add(_meta);
        command.Options.Add(_undo);
        command.Options.Add(_noWait);
        command.Options.Add(_dryRun);
    }

    public override async Task<int> RunAsync(VerbContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var server = context.Get(_server);
        var addresses = context.Get(_meta) is { Length: > 0 } given ? given : context.Settings.RequireCluster();
        var client = new AdminClient(addresses);
        await using (client.ConfigureAwait(false))
        {
            var request = new DrainRequest
            {
                Server = server,
                Undo = context.Get(_undo),
                CheckOnly = context.Get(_dryRun),
            };
            var begun = await client.DrainAsync(request, context.Settings.Timeout, context.Cancellation)
                .ConfigureAwait(false);
            var waits = !context.Get(_noWait) && !context.Get(_dryRun) && !context.Get(_undo);
            var ended = waits ? await WaitAsync(context, client, begun).ConfigureAwait(false) : begun;
            Tell(context, server, ended);
            return ExitCodes.Ok;
        }
    }

    private async Task<DrainReply> WaitAsync(VerbContext context, AdminClient client, DrainReply begun)
    {
        if (context.Json || !context.Host.ErrorIsTerminal)
        {
            return await UntilEmptyAsync(context, client, begun, static (_, _) => { }).ConfigureAwait(false);
        }

        return await context.Error.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new RemainingTimeColumn())
            .StartAsync(shown =>
            {
                var task = shown.AddTask("", maxValue: Math.Max(1, begun.Chunks));
                return UntilEmptyAsync(context, client, begun, (now, repair) =>
                {
                    task.MaxValue = Math.Max(task.MaxValue, now.Chunks);
                    task.Value = task.MaxValue - now.Chunks;
                    task.Description = $"{now.Chunks}{(now.HasMore ? "+" : "")} chunks"
                        + (repair is { BytesPerSecond: > 0 }
                            ? $", {new ByteSize((long)repair.BytesPerSecond)}/s" : "");
                });
            }).ConfigureAwait(false);
    }

    private async Task<DrainReply> UntilEmptyAsync(
        VerbContext context, AdminClient client, DrainReply now, Action<DrainReply, RepairStatusReply?> show)
    {
        var request = new DrainRequest { Server = context.Get(_server), CheckOnly = true };
        var (least, since, isTold) = (now.Chunks, TimeProvider.System.GetTimestamp(), false);
        using var timer = new PeriodicTimer(Interval);
        while (now.Chunks > 0)
        {
            show(now, await RepairAsync(context, client).ConfigureAwait(false));
            await timer.WaitForNextTickAsync(context.Cancellation).ConfigureAwait(false);
            now = await client.DrainAsync(request, context.Settings.Timeout, context.Cancellation)
                .ConfigureAwait(false);
            if (!now.IsDraining)
            {
                throw new DistFsException(
                    ErrorCatalog.Cancelled, "Somebody else has ended it, with --undo, or the server went down.");
            }

            if (now.Chunks < least)
            {
                (least, since) = (now.Chunks, TimeProvider.System.GetTimestamp());
            }
            else if (!isTold && TimeProvider.System.GetElapsedTime(since) > StuckAfter)
            {
                isTold = true;
                context.Note(
                    $"Nothing has moved for {Duration.ForPeople(StuckAfter)}: are there enough other servers, in "
                    + "enough racks, with room? 'dfs status' shows them. This goes on waiting; ^C leaves it draining.");
            }
        }

        return now;
    }

    /// <summary>Null: a leader that has just begun does not know.</summary>
    private static async Task<RepairStatusReply?> RepairAsync(VerbContext context, AdminClient client)
    {
        try
        {
            return await client.RepairAsync(Interval, context.Cancellation).ConfigureAwait(false);
        }
        catch (RpcException e) when (AdminClient.IsPassing(e.Code) && !context.Cancellation.IsCancellationRequested)
        {
            return null;
        }
    }

    private void Tell(VerbContext context, uint server, DrainReply reply)
    {
        if (context.Json)
        {
            context.WriteJson(
                new DrainReport(server, reply.IsDraining, reply.Chunks, reply.HasMore), DrainJson.Default.DrainReport);
            return;
        }

        var chunks = $"{reply.Chunks}{(reply.HasMore ? " or more" : "")} chunks";
        context.Host.Out.WriteLine(
            context.Get(_dryRun) ? $"Chunk server {server} has {chunks} that would move away."
            : context.Get(_undo) ? $"Chunk server {server} takes chunks."
            : reply.Chunks == 0 ? $"Chunk server {server} is empty, and gets no more chunks."
            : $"Chunk server {server} is being emptied of {chunks}.");
    }
}

/// <summary>The document of <c>dfs drain --json</c>; chunks that it still has are counted up to 65,536.</summary>
internal sealed record DrainReport(uint Server, bool Draining, uint Chunks, bool More);

[JsonSerializable(typeof(DrainReport))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class DrainJson : JsonSerializerContext;
