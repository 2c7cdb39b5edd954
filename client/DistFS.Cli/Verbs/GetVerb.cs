using System.CommandLine;
using System.Diagnostics;
using DistFS.Cli.Output;
using DistFS.Client;
using DistFS.Client.Transfers;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs get</c>: files of the cluster to here.</summary>
internal sealed class GetVerb : ClusterVerb
{
    private readonly Argument<string[]> _paths = new("path")
    {
        Description = "Files or directories of the cluster, and last where to put them here, '-' for stdout",
        Arity = new ArgumentArity(2, 100_000),
    };

    private readonly Option<bool> _recursive = new("-r", "--recursive")
    {
        Description = "Directories too, with all that is in them",
    };

    private readonly Option<bool> _force = new("-f", "--force") { Description = "Replace local files that are there" };

    private readonly Option<bool> _preserve = new("-p", "--preserve") { Description = "Keep mode and time" };

    public override string Summary => "Copy files of the cluster to here";

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs get /movies/movie.mkv .", "get a file"),
        new("dfs get -r -p /backup/project .", "get a whole tree, with modes and times"),
        new("dfs get /backup/all.tar - | tar x", "hand a file to a program"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Arguments.Add(_paths);
        command.Options.Add(_recursive);
        command.Options.Add(_force);
        command.Options.Add(_preserve);
    }

    protected override async Task<int> RunAsync(VerbContext context, DistFsClient client)
    {
        var paths = context.Get(_paths);
        var (sources, to) = (paths[..^1], paths[^1]);
        var isInto = Directory.Exists(to);
        if (!isInto && to != "-" && sources.Length > 1)
        {
            throw UsageError.Because(this, $"{to} is no directory: several things cannot have one name.");
        }

        var options = new TransferOptions { Overwrites = context.Get(_force), Preserves = context.Get(_preserve) };
        var download = new FileDownload(client, options);
        var began = Stopwatch.GetTimestamp();
        var skipped = await TransferBar.ShowAsync(context, options.Progress, async () =>
        {
            var left = new List<string>();
            foreach (var source in sources)
            {
                var status = await client.StatAsync(source, cancellation: context.Cancellation).ConfigureAwait(false);
                var local = isInto ? Path.Combine(to, NameOf(source)) : to;
                if (status.IsDirectory)
                {
                    left.AddRange(context.Get(_recursive) && to != "-"
                        ? await download.GetTreeAsync(source, local, context.Cancellation).ConfigureAwait(false)
                        : throw UsageError.Because(this, $"{source} is a directory; add -r to get all that is in it."));
                    continue;
                }

                options.Progress.BytesTotal += status.Size;
                await (to == "-"
                    ? download.GetAsync(source, context.Host.OutBytes, context.Cancellation)
                    : download.GetAsync(source, local, context.Cancellation)).ConfigureAwait(false);
            }

            return left;
        }).ConfigureAwait(false);
        if (to != "-")
        {
            TransferReport.Tell(context, options.Progress, began, skipped);
        }

        return ExitCodes.Ok;
    }
}
