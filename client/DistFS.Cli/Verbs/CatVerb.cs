using System.CommandLine;
using DistFS.Client;
using DistFS.Client.Transfers;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs cat</c>: prints files.</summary>
internal sealed class CatVerb : ClusterVerb
{
    private readonly Argument<string[]> _paths = Paths("Files, '-' for stdin");

    public override string Summary => "Print files on stdout";

    public override IReadOnlyList<Example> Examples =>
        [new("dfs cat /logs/a /logs/b | grep error", "look through two files")];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Arguments.Add(_paths);
    }

    protected override async Task<int> RunAsync(VerbContext context, DistFsClient client)
    {
        var download = new FileDownload(client, new TransferOptions());
        return await ForEachAsync(context, client, context.Get(_paths), path => path == "-"
            ? context.Host.InBytes.CopyToAsync(context.Host.OutBytes, context.Cancellation)
            : download.GetAsync(path, context.Host.OutBytes, context.Cancellation)).ConfigureAwait(false);
    }
}
