using System.CommandLine;
using System.Text.Json.Serialization;
using DistFS.Cli.Output;
using DistFS.Client;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs tree</c>: directories as a picture.</summary>
internal sealed class TreeVerb : ClusterVerb
{
    private readonly Argument<string[]> _paths = Paths("Directories [default /]", min: 0);

    private readonly Option<int> _levels = new("-L", "--levels")
    {
        Description = "Only so many levels down",
        HelpName = "N",
        DefaultValueFactory = static _ => int.MaxValue,
    };

    private readonly Option<bool> _all = new("-a", "--all") { Description = "Also names that begin with a dot" };

    private readonly Option<bool> _directories = new("-d", "--directories") { Description = "Directories only" };

    public override string Summary => "Show directories and what is in them as a tree";

    public override IReadOnlyList<Example> Examples => [new("dfs tree -L 2 /data", "show two levels of a directory")];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Arguments.Add(_paths);
        command.Options.Add(_levels);
        command.Options.Add(_all);
        command.Options.Add(_directories);
        _levels.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && (!int.TryParse(result.Tokens[0].Value, out var levels) || levels < 1))
            {
                result.AddError($"-L '{result.Tokens[0].Value}' must be a whole number from 1 on.");
            }
        });
    }

    protected override async Task<int> RunAsync(VerbContext context, DistFsClient client)
    {
        var paths = context.Get(_paths) is { Length: > 0 } given ? given : ["/"];
        var (failed, directories, files) = (ExitCodes.Ok, 0L, 0L);
        var code = await ForEachAsync(context, client, paths, async path =>
        {
            var (entries, hidden) = (new List<TreeItem>(), int.MaxValue);
            await foreach (var item in client.WalkAsync(
                path, context.Get(_levels), (_, e) => failed = Tell(context, failed, e), context.Cancellation)
                .ConfigureAwait(false))
            {
                // What is in a directory that is not shown is not shown either.
                hidden = item.Depth <= hidden ? int.MaxValue : hidden;
                var isHidden = item.Depth > 0 && NameOf(item.Path).StartsWith('.') && !context.Get(_all);
                hidden = isHidden && hidden == int.MaxValue ? item.Depth : hidden;
                if (hidden == int.MaxValue && (item.Status.IsDirectory || !context.Get(_directories)))
                {
                    entries.Add(item);
                }
            }

            directories += entries.Count(static item => item.Depth > 0 && item.Status.IsDirectory);
            files += entries.Count(static item => item.Depth > 0 && !item.Status.IsDirectory);
            if (context.Json)
            {
                context.WriteJson(
                    new TreeReport(path, [.. entries.Select(static item => new TreeEntry(
                        item.Path, item.Depth, item.Status.Kind.ToString(), item.Status.Size))]),
                    TreeJson.Default.TreeReport);
                return;
            }

            Show(context, entries);
        }).ConfigureAwait(false);
        if (!context.Json)
        {
            context.Host.Out.WriteLine();
            context.Host.Out.WriteLine($"{directories} directories, {files} files");
        }

        return code == ExitCodes.Ok ? failed : code;
    }

    /// <summary>From the end, it is known which ones have another one below them.</summary>
    private static void Show(VerbContext context, List<TreeItem> entries)
    {
        var lines = new string[entries.Count];
        var continues = new List<bool>();
        for (var i = entries.Count - 1; i >= 0; i--)
        {
            var (depth, path) = (entries[i].Depth, entries[i].Path);
            while (continues.Count <= depth)
            {
                continues.Add(false);
            }

            continues.RemoveRange(depth + 1, continues.Count - depth - 1);
            var stems = string.Concat(
                Enumerable.Range(1, Math.Max(0, depth - 1)).Select(at => continues[at] ? "│   " : "    "));
            lines[i] = depth == 0 ? Printable.Of(path)
                : $"{stems}{(continues[depth] ? "├── " : "└── ")}{Printable.Of(NameOf(path))}";
            continues[depth] = true;
        }

        foreach (var line in lines)
        {
            context.Host.Out.WriteLine(line);
        }
    }
}

/// <summary>The document of <c>dfs tree --json</c>: each directory before what is in it.</summary>
internal sealed record TreeReport(string Path, TreeEntry[] Entries);

/// <summary>Something in the tree; the path itself has depth 0. Size in bytes.</summary>
internal sealed record TreeEntry(string Path, int Depth, string Kind, long Size);

[JsonSerializable(typeof(TreeReport))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class TreeJson : JsonSerializerContext;
