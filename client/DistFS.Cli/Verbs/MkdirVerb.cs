using System.CommandLine;
using DistFS.Client;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs mkdir</c>: makes directories.</summary>
internal sealed class MkdirVerb : ClusterVerb
{
    private readonly Argument<string[]> _paths = Paths("Directories to make");

    private readonly Option<bool> _parents = new("-p", "--parents")
    {
        Description = "Also those above; what is there already is no error",
    };

    public override string Summary => "Make directories, and those above";

    public override IReadOnlyList<Example> Examples => [new("dfs mkdir -p /data/2026", "make both, if need be")];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Arguments.Add(_paths);
        command.Options.Add(_parents);
    }

    protected override Task<int> RunAsync(VerbContext context, DistFsClient client) =>
        ForEachNameAsync(context, context.Get(_paths), path => client.CreateDirectoryAsync(
            path, withParents: context.Get(_parents), cancellation: context.Cancellation));
}
