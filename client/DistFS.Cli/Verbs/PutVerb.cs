using System.CommandLine;
using System.Diagnostics;
using DistFS.Cli.Output;
using DistFS.Client;
using DistFS.Client.Transfers;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs put</c>: local files into the cluster.</summary>
internal sealed class PutVerb : ClusterVerb
{
    private readonly Argument<string[]> _paths = new("path")
    {
        Description = "Local files or directories, '-' for stdin, and last where to put them",
        Arity = new ArgumentArity(2, 100_000),
    };

    private readonly Option<bool> _recursive = new("-r", "--recursive")
    {
        Description = "Directories too, with all that is in them",
    };

    private readonly Option<bool> _force = new("-f", "--force") { Description = "Replace files that are there" };

    private readonly Option<bool> _preserve = new("-p", "--preserve") { Description = "Keep mode and time" };

    public override string Summary => "Copy local files into the cluster";

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs put movie.mkv /movies", "put a file into a directory"),
        new("dfs put -r -p project /backup", "put a whole tree, with modes and times"),
        new("tar c . | dfs put - /backup/all.tar", "put what a program prints"),
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
        var target = await client.TryStatAsync(to, true, context.Cancellation).ConfigureAwait(false);
        var isInto = target is { IsDirectory: true };
        if (!isInto && sources.Length > 1)
        {
            throw UsageError.Because(this, $"{to} is no directory: several things cannot have one name.");
        }

        foreach (var source in sources.Where(static one => one != "-"))
        {
            if (Directory.Exists(source) ? !context.Get(_recursive) : !File.Exists(source))
            {
                throw UsageError.Because(this, Directory.Exists(source)
                    ? $"{source} is a directory; add -r to put all that is in it." : $"There is no local {source}.");
            }
        }

        var options = new TransferOptions { Overwrites = context.Get(_force), Preserves = context.Get(_preserve) };
        options.Progress.BytesTotal = sources.Where(File.Exists).Sum(static one => new FileInfo(one).Length);
        var upload = new FileUpload(client, options);
        var began = Stopwatch.GetTimestamp();
        var skipped = await TransferBar.ShowAsync(context, options.Progress, async () =>
        {
            var left = new List<string>();
            foreach (var source in sources)
            {
                var name = source == "-" ? "stdin" : Path.GetFileName(Path.GetFullPath(source).TrimEnd('/'));
                var path = isInto ? $"{to.TrimEnd('/')}/{name}" : to;
                if (source == "-")
                {
                    await upload.PutAsync(context.Host.InBytes, path, context.Cancellation).ConfigureAwait(false);
                }
                else if (Directory.Exists(source))
                {
                    left.AddRange(
                        await upload.PutTreeAsync(source, path, context.Cancellation).ConfigureAwait(false));
                }
                else
                {
                    await upload.PutAsync(source, path, context.Cancellation).ConfigureAwait(false);
                }
            }

            return left;
        }).ConfigureAwait(false);
        TransferReport.Tell(context, options.Progress, began, skipped);
        return ExitCodes.Ok;
    }
}
