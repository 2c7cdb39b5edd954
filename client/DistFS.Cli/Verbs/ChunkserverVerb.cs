using System.CommandLine;
using System.Text.Json.Serialization;
using DistFS.Chunkserver.Hosting;
using DistFS.Cli.Output;
using DistFS.Primitives;
using DistFS.Rpc;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs chunkserver</c>: a chunk server, until it is stopped.</summary>
internal sealed class ChunkserverVerb : Verb
{
    /// <summary>Where a chunk server listens if nothing else is said.</summary>
    public const int Port = 7200;

    private static readonly ByteSize CapacityMax = ByteSize.GiB(1L << 30);

    private readonly Option<string[]> _data = new("--data")
    {
        Description = "A data folder, one for each disk; may be repeated. Empty or missing ones become a new server",
        HelpName = "FOLDER",
        Required = true,
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<RpcAddress?> _listen =
        CliArguments.OptionalAddress("--listen", $"Where it listens and is reached [default 127.0.0.1:{Port}]");

    private readonly Option<RpcAddress[]> _metaservers = CliArguments.Addresses(
        "--metaservers", "Metaservers of the cluster, with commas between [default: the cluster of the configuration]");

    private readonly Option<string?> _rack = new("--rack")
    {
        Description = "Servers in one rack fail together, and get no two copies of a chunk [default: its host's name]",
        HelpName = "NAME",
    };

    private readonly Option<ByteSize[]> _capacity = CliArguments.Sizes(
        "--capacity", "It takes at most so much [default: what its disks have]", CapacityMax);

    private readonly Option<ByteSize[]> _reserve = CliArguments.Sizes(
        "--reserve", "With less than this free on a disk, nothing is written there [default 1 GiB]", CapacityMax);

    private readonly Option<bool> _forget = new("--forget-missing")
    {
        Description = "A disk that is in none of the folders is gone for good: what it had is copied from others",
    };

    public override string Summary => "Run a chunk server in this process until it is stopped";

    public override VerbGroup Group => VerbGroup.Cluster;

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs chunkserver --data /srv/d1 --metaservers meta1:7100", "begin as a new server, or go on"),
        new("dfs chunkserver --data /d1 --data /d2 --listen 10.0.0.5:7200 --rack r3", "two disks, in a rack"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Options.Add(_data);
        command.Options.Add(_listen);
        command.Options.Add(_metaservers);
        command.Options.Add(_rack);
        command.Options.Add(_capacity);
        command.Options.Add(_reserve);
        command.Options.Add(_forget);
    }

    public override async Task<int> RunAsync(VerbContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var options = new ChunkserverOptions
        {
            DataFolders = [.. context.Get(_data).Select(Path.GetFullPath)],
            Address = context.Get(_listen) ?? RpcAddress.Tcp("127.0.0.1", Port),
            Metaservers = context.Get(_metaservers) is { Length: > 0 } given
                ? given : context.Settings.RequireCluster(),
            Rack = context.Get(_rack) ?? "",
            CapacityBytes = context.Get(_capacity) is [.., var capacity] ? capacity.Bytes : null,
            ReserveBytes = context.Get(_reserve) is [.., var reserve] ? reserve.Bytes : null,
            ForgetMissing = context.Get(_forget),
            Version = ProductVersion.Current.Version,
            Commit = ProductVersion.Current.Commit,
            Logger = new LineLogger(context.Host.Error),
        };
        var host = await ChunkserverHost.StartAsync(options, context.Cancellation).ConfigureAwait(false);
        if (context.Json)
        {
            context.WriteJson(
                new ChunkserverReport(host.Server.Value, host.Address.ToString(), Environment.ProcessId),
                ChunkserverJson.Default.ChunkserverReport);
        }
        else
        {
            context.Host.Out.WriteLine(host.Server.Value == 0
                ? $"A new chunk server listens at {host.Address} and registers; ^C stops it."
                : $"Chunk server {host.Server} listens at {host.Address}; ^C stops it.");
        }

        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = context.Cancellation.Register(() => stopped.TrySetResult());
        if (await Task.WhenAny(stopped.Task, host.Failed).ConfigureAwait(false) == host.Failed)
        {
            // Not disposed of: nothing of it is to be trusted, or written, any more.
            throw await host.Failed.ConfigureAwait(false);
        }

        await host.DisposeAsync().ConfigureAwait(false);
        return ExitCodes.Ok;
    }
}

/// <summary>What <c>dfs chunkserver --json</c> prints once it listens; server 0 has not registered yet.</summary>
internal sealed record ChunkserverReport(uint Server, string Address, int Pid);

[JsonSerializable(typeof(ChunkserverReport))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class ChunkserverJson : JsonSerializerContext;
