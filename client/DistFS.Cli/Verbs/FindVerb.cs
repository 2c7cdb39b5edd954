using System.CommandLine;
using System.Text.Json.Serialization;
using DistFS.Cli.Output;
using DistFS.Client;
using DistFS.Client.Names;
using DistFS.Primitives;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs find</c>: what is below directories and fits all that is asked for.</summary>
internal sealed class FindVerb : ClusterVerb
{
    private readonly Argument<string[]> _paths = Paths("Directories [default /]", min: 0);

    private readonly Option<NamePattern?> _name = new("-name", "--name")
    {
        Description = "Whose last name fits a pattern, in which a leading dot is a letter like any other",
        HelpName = "PATTERN",
        CustomParser = static result => NamePattern.Parse(result.Tokens[0].Value),
    };

    private readonly Option<FileKind[]> _type = new("-type", "--type")
    {
        Description = "f: file, d: directory, l: link, p: FIFO, s: socket, c and b: devices; several with commas",
        HelpName = "LETTERS",
        CustomParser = static result => FindTests.ParseKinds(result),
    };

    private readonly Option<Func<FileStatus, bool>?> _size = new("-size", "--size")
    {
        Description = "So long, or longer than +SIZE, or shorter than -SIZE: 10MiB, +1GiB, -4096",
        HelpName = "SIZE",
        CustomParser = static result => FindTests.ParseSize(result),
    };

    private readonly Option<Func<FileStatus, bool>?> _modified = new("-mtime", "--mtime")
    {
        Description = "Written N days ago, or more than +N, or less than -N; other units as in +12h",
        HelpName = "[+-]N",
        CustomParser = static result => FindTests.ParseAge(result),
    };

    private readonly Option<string?> _newer = new("-newer", "--newer")
    {
        Description = "Written after that file of the cluster was",
        HelpName = "PATH",
    };

    private readonly Option<bool> _empty = new("-empty", "--empty") { Description = "Files without a byte" };

    private readonly Option<int> _depthMax =
        CliArguments.Number("-maxdepth", "Only so many levels down", int.MaxValue, min: 0, max: int.MaxValue);

    private readonly Option<int> _depthMin =
        CliArguments.Number("-mindepth", "Only from so many levels down on", byDefault: 0, min: 0, max: int.MaxValue);

    private readonly Option<bool> _print0 = new("-print0", "--print0")
    {
        Description = "End each path with NUL, for 'xargs -0'",
    };

    public override string Summary => "Find files by name, kind, size or time";

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs find /data -name '*.csv' -size +1GiB", "find large tables"),
        new("dfs find /tmp -type f -mtime +7 -print0 | xargs -0 dfs rm", "remove what nobody wrote for a week"),
        new("dfs find /data -newer /data/stamp --json", "take each as a document"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        _depthMax.Description = "Only so many levels down";
        _depthMax.Aliases.Add("--maxdepth");
        _depthMin.Aliases.Add("--mindepth");
        command.Arguments.Add(_paths);
        foreach (var option in new Option[]
        {
            _name, _type, _size, _modified, _newer, _empty, _depthMax, _depthMin, _print0,
        })
        {
            command.Options.Add(option);
        }
    }

    protected override async Task<int> RunAsync(VerbContext context, DistFsClient client)
    {
        var paths = context.Get(_paths) is { Length: > 0 } given ? given : ["/"];
        var failed = ExitCodes.Ok;
        var newer = context.Get(_newer) is { } other
            ? (await client.StatAsync(other, cancellation: context.Cancellation).ConfigureAwait(false)).ModifyTime
            : (FileTime?)null;
        var code = await ForEachAsync(context, client, paths, async path =>
        {
            await foreach (var item in client.WalkAsync(
                path,
                context.Get(_depthMax),
                (_, e) => failed = Tell(context, failed, e),
                context.Cancellation).ConfigureAwait(false))
            {
                if (Fits(context, item, newer))
                {
                    Show(context, item);
                }
            }
        }).ConfigureAwait(false);
        return code == ExitCodes.Ok ? failed : code;
    }

    private bool Fits(VerbContext context, TreeItem item, FileTime? newer)
    {
        var status = item.Status;
        return item.Depth >= context.Get(_depthMin)
            && context.Get(_name) is var name && (name == null || name.MatchesAny(NameOf(item.Path)))
            && (context.Get(_type) is not { Length: > 0 } kinds || kinds.Contains(status.Kind))
            && (context.Get(_size) is not { } size || size(status))
            && (context.Get(_modified) is not { } age || age(status))
            && (newer is not { } time || status.ModifyTime > time)
            && (!context.Get(_empty) || (status.IsFile && status.Size == 0));
    }

    // As it is found: who looks through millions sees the first at once.
    private void Show(VerbContext context, TreeItem item)
    {
        if (context.Json)
        {
            context.WriteJson(
                new FindReport(
                    item.Path,
                    item.Status.Kind.ToString(),
                    item.Status.Size,
                    ModeText.Of(item.Status),
                    FileTimeText.Exact(item.Status.ModifyTime)),
                FindJson.Default.FindReport);
        }
        else if (context.Get(_print0))
        {
            context.Host.Out.Write($"{item.Path}\0");
        }
        else
        {
            context.Host.Out.WriteLine(context.Host.OutIsTerminal ? Printable.Of(item.Path) : item.Path);
        }
    }
}

/// <summary>A document of <c>dfs find --json</c>, one for each that was found; size in bytes.</summary>
internal sealed record FindReport(string Path, string Kind, long Size, string Mode, string Modified);

[JsonSerializable(typeof(FindReport))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class FindJson : JsonSerializerContext;
