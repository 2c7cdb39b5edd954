using System.CommandLine;
using DistFS.Client;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs mv</c>: renames, or moves into a directory.</summary>
internal sealed class MvVerb : ClusterVerb
{
    private readonly Argument<string> _from = new("from") { Description = "What is there" };

    private readonly Argument<string> _to = new("to") { Description = "Its new name, or a directory to move it into" };

    private readonly Option<bool> _force = new("-f", "--force") { Description = "Replace what is there" };

    public override string Summary => "Rename, or move into a directory";

    public override IReadOnlyList<Example> Examples =>
        [new("dfs mv /data/part.tmp /data/part", "give a file its final name, in one step for everybody")];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Arguments.Add(_from);
        command.Arguments.Add(_to);
        command.Options.Add(_force);
    }

    protected override async Task<int> RunAsync(VerbContext context, DistFsClient client)
    {
        var (from, to) = (context.Get(_from), context.Get(_to));
        if (await client.TryStatAsync(to, true, context.Cancellation).ConfigureAwait(false) is { IsDirectory: true })
        {
            to = $"{to.TrimEnd('/')}/{NameOf(from)}";
        }

        await client.RenameAsync(from, to, context.Get(_force), context.Cancellation).ConfigureAwait(false);
        return ExitCodes.Ok;
    }
}
