using System.CommandLine;
using System.Text.Json.Serialization;
using DistFS.Cli.Output;
using DistFS.Metaserver.Hosting;
using DistFS.Metaserver.State;
using DistFS.Primitives;
using DistFS.Rpc;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs metaserver</c>: a metaserver, until it is stopped.</summary>
internal sealed class MetaserverVerb : Verb
{
    /// <summary>Where a metaserver listens if nothing else is said.</summary>
    public const int Port = 7100;

    private static readonly ByteSize CacheMax = ByteSize.GiB(1024);

    private readonly Option<string> _data = new("--data")
    {
        Description = "Its data folder; an empty or missing one becomes a new cluster",
        HelpName = "FOLDER",
        Required = true,
    };

    private readonly Option<RpcAddress?> _listen =
        CliArguments.OptionalAddress("--listen", $"Where it listens and is reached [default 127.0.0.1:{Port}]");

    private readonly Option<ByteSize[]> _cache =
        CliArguments.Sizes("--cache", "Memory for metadata that is read often [default 128 MiB]", CacheMax);

    private readonly Option<RpcAddress?> _grpc =
        CliArguments.OptionalAddress("--grpc", "Where it speaks gRPC too [default nowhere]");

    private readonly Option<RpcAddress[]> _join = CliArguments.Addresses(
        "--join", "Members of the cluster that a new folder joins, with commas between");

    public override string Summary => "Run a metaserver in this process until it is stopped";

    public override VerbGroup Group => VerbGroup.Cluster;

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs metaserver --data /var/lib/distfs/meta", "begin a cluster of one metaserver, or go on with it"),
        new("dfs metaserver --data d --listen 10.0.0.2:7100 --join 10.0.0.1:7100", "join that one's cluster"),
        new("dfs metaserver --data d --listen 10.0.0.1:7100 --cache 4GiB", "serve other machines, with a larger cache"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Options.Add(_data);
        command.Options.Add(_listen);
        command.Options.Add(_cache);
        command.Options.Add(_join);
        command.Options.Add(_grpc);
    }

    public override async Task<int> RunAsync(VerbContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var usual = new StateOptions();
        var options = new MetaserverOptions
        {
            DataFolder = Path.GetFullPath(context.Get(_data)),
            Address = context.Get(_listen) ?? RpcAddress.Tcp("127.0.0.1", Port),
            State = context.Get(_cache) is [.., var cache] ? usual with { CacheBytes = cache.Bytes } : usual,
            Version = ProductVersion.Current.Version,
            Commit = ProductVersion.Current.Commit,
            Grpc = context.Get(_grpc),
            Join = context.Get(_join) ?? [],
            Logger = new LineLogger(context.Host.Error),
        };
        var host = await MetaserverHost.StartAsync(options, context.Cancellation).ConfigureAwait(false);
        if (context.Json)
        {
            context.WriteJson(
                new MetaserverReport(
                    host.Cluster.ToString(), host.Member.Value, host.Address.ToString(), Environment.ProcessId),
                MetaserverJson.Default.MetaserverReport);
        }
        else
        {
            context.Host.Out.WriteLine(
                $"Metaserver {host.Member} of cluster {host.Cluster} serves at {host.Address}; ^C stops it.");
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

/// <summary>What <c>dfs metaserver --json</c> prints once it serves.</summary>
internal sealed record MetaserverReport(string Cluster, ulong Member, string Address, int Pid);

[JsonSerializable(typeof(MetaserverReport))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class MetaserverJson : JsonSerializerContext;
