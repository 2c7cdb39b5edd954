using System.CommandLine;
using DistFS.Chunkserver.Hosting;
using DistFS.Cli.Output;
using DistFS.Client;
using DistFS.Metaserver.Hosting;
using DistFS.Primitives;
using DistFS.Rpc;

namespace DistFS.Cli.Verbs;

/// <summary>
/// <c>dfs embedded</c>: a whole cluster in this process, of one metaserver and one chunk server, for a laptop.
/// </summary>
internal sealed class EmbeddedVerb : Verb
{
    private const int Port = 7100;

    private readonly Option<string> _data = new("--data")
    {
        Description = "Has all of it; made if it is not there",
        HelpName = "FOLDER",
        Required = true,
    };

    private readonly Option<RpcAddress?> _listen = CliArguments.OptionalAddress(
        "--listen", $"Where clients find its metaserver [default 127.0.0.1:{Port}]");

    private readonly Option<ByteSize[]> _reserve = CliArguments.Sizes(
        "--reserve",
        "With less than this free on the disk, nothing is written there [default 1 GiB]",
        new ByteSize(1L << 50));

    public override string Summary => "Run a cluster of one metaserver and one chunk server in this process";

    public override VerbGroup Group => VerbGroup.Cluster;

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs embedded --data ~/dfs", "serve until ^C; files have one copy, since there is one disk"),
        new("dfs embedded --data /srv/dfs --listen 127.0.0.1:7300", "be found at another port"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Options.Add(_data);
        command.Options.Add(_listen);
        command.Options.Add(_reserve);
    }

    public override async Task<int> RunAsync(VerbContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var folder = Path.GetFullPath(context.Get(_data)!);
        var isNew = !Directory.Exists(folder);
        var metaserver = await MetaserverHost.StartAsync(
            new MetaserverOptions
            {
                DataFolder = Path.Combine(folder, "meta"),
                Address = context.Get(_listen) ?? RpcAddress.Tcp("127.0.0.1", Port),
                Version = ProductVersion.Current.Version,
                Commit = ProductVersion.Current.Commit,
                Logger = new LineLogger(context.Host.Error),
            },
            context.Cancellation).ConfigureAwait(false);
        if (isNew)
        {
            await ExpectOneCopyAsync(metaserver.Address, context.Cancellation).ConfigureAwait(false);
        }

        var chunkserver = await ChunkserverHost.StartAsync(
            new ChunkserverOptions
            {
                DataFolders = [Path.Combine(folder, "chunks")],

                // Clients are told by the metaserver where it is, each time it starts.
                Address = RpcAddress.Tcp("127.0.0.1", 0),
                Metaservers = [metaserver.Address],
                ReserveBytes = context.Get(_reserve) is [.., var reserve] ? reserve.Bytes : null,
                Version = ProductVersion.Current.Version,
                Commit = ProductVersion.Current.Commit,
                Logger = new LineLogger(context.Host.Error),
            },
            context.Cancellation).ConfigureAwait(false);
        context.Host.Out.WriteLine($"A cluster of one process serves at {metaserver.Address}; ^C stops it.");
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = context.Cancellation.Register(() => stopped.TrySetResult());
        var ended = await Task.WhenAny(stopped.Task, metaserver.Failed, chunkserver.Failed).ConfigureAwait(false);
        if (ended is Task<DistFsException> failed)
        {
            // Not disposed of: nothing of it is to be trusted, or written, any more.
            throw await failed.ConfigureAwait(false);
        }

        // The chunk server first: what it says at its end is heard.
        await chunkserver.DisposeAsync().ConfigureAwait(false);
        await metaserver.DisposeAsync().ConfigureAwait(false);
        return ExitCodes.Ok;
    }

    /// <summary>Else every chunk would lack two copies for ever.</summary>
    private static async Task ExpectOneCopyAsync(RpcAddress metaserver, CancellationToken cancellation)
    {
        var client = await DistFsClient.ConnectAsync(
            new DistFsClientOptions { Metaservers = [metaserver] }, cancellation).ConfigureAwait(false);
        await using (client.ConfigureAwait(false))
        {
            await client.SetGoalAsync("/", 1, anyRack: true, cancellation).ConfigureAwait(false);
        }
    }
}
