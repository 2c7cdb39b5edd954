using System.CommandLine;
using DistFS.Cli.Local;
using DistFS.Primitives;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs down</c>: stops what <c>dfs up</c> started.</summary>
internal sealed class DownVerb : Verb
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly Argument<string> _folder = new("folder")
    {
        Description = $"As it was given to 'dfs up' [default {UpVerb.DefaultFolder}]",
        DefaultValueFactory = static _ => UpVerb.DefaultFolder,
    };

    public override string Summary => "Stop the cluster of 'dfs up'; its data stays";

    public override VerbGroup Group => VerbGroup.Cluster;

    public override IReadOnlyList<Example> Examples => [new("dfs down", "stop it; 'dfs up' goes on with its data")];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Arguments.Add(_folder);
    }

    public override async Task<int> RunAsync(VerbContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var folder = Path.GetFullPath(context.Get(_folder));
        var cluster = LocalCluster.Find(folder)
            ?? throw new DistFsException(ErrorCatalog.Configuration, $"There is no cluster in {folder}.");
        var stopped = await cluster.DownAsync(Limit, context.Cancellation).ConfigureAwait(false);
        context.Note($"{stopped} processes stopped; the data is in {folder}.");
        return ExitCodes.Ok;
    }
}
