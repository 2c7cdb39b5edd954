using System.CommandLine;
using DistFS.Client;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs mv</c>: renames, or moves into a directory.</summary>
internal sealed class MvVerb : ClusterVerb
{
    private readonly Argument<string[]> _paths = new("path")
    {
        Description = "What is there, and last its new name, or a directory to move it into",
        Arity = new ArgumentArity(2, 100_000),
    };

    private readonly Option<bool> _force = new("-f", "--force") { Description = "Replace what is there" };

    public override string Summary => "Rename, or move into a directory";

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs mv /data/part.tmp /data/part", "give a file its final name, in one step for everybody"),
        new("dfs mv '/inbox/*.csv' /data", "move several into a directory"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Arguments.Add(_paths);
        command.Options.Add(_force);
    }

    protected override async Task<int> RunAsync(VerbContext context, DistFsClient client)
    {
        var paths = context.Get(_paths);
        var to = paths[^1];
        var sources = await ExpandAsync(context, client, paths[..^1]).ConfigureAwait(false);
        var isInto = await client.TryStatAsync(to, true, context.Cancellation).ConfigureAwait(false)
            is { IsDirectory: true };
        if (!isInto && sources.Count > 1)
        {
            throw UsageError.Because(this, $"{to} is no directory: several things cannot have one name.");
        }

        return await ForEachNameAsync(context, sources, source => client.RenameAsync(
            source,
            isInto ? $"{to.TrimEnd('/')}/{NameOf(source)}" : to,
            context.Get(_force),
            context.Cancellation)).ConfigureAwait(false);
    }
}
