using System.CommandLine;
using DistFS.Client;
using DistFS.Primitives;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs rm</c>: removes files and directories.</summary>
internal sealed class RmVerb : ClusterVerb
{
    private readonly Argument<string[]> _paths = Paths("What to remove");

    private readonly Option<bool> _recursive = new("-r", "--recursive")
    {
        Description = "Directories too, with all that is in them",
    };

    private readonly Option<bool> _force = new("-f", "--force") { Description = "What is not there is no error" };

    public override string Summary => "Remove files and directories";

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs rm /data/old", "remove a file"),
        new("dfs rm '/data/*.tmp'", "remove those that a pattern stands for"),
        new("dfs rm -r /data/2025", "remove a directory with all that is in it"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Arguments.Add(_paths);
        command.Options.Add(_recursive);
        command.Options.Add(_force);
    }

    protected override Task<int> RunAsync(VerbContext context, DistFsClient client) =>
        ForEachAsync(context, client, context.Get(_paths), async path =>
        {
            try
            {
                var status = await client.StatAsync(path, followsLink: false, context.Cancellation)
                    .ConfigureAwait(false);
                await (status.IsDirectory && context.Get(_recursive)
                    ? client.DeleteDirectoryAsync(path, recursive: true, context.Cancellation)
                    : client.DeleteFileAsync(path, context.Cancellation)).ConfigureAwait(false);
            }
            catch (DistFsException e) when (e.Status == FsStatus.NotFound && context.Get(_force))
            {
                // That is what was wanted.
            }
        }, mayBeAbsent: context.Get(_force));
}
