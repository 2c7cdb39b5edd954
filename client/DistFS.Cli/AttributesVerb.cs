using System.CommandLine;
using DistFS.Client;
using DistFS.Primitives;

namespace DistFS.Cli;

/// <summary>A verb that changes attributes of files, with <c>-R</c> of all below directories too.</summary>
internal abstract class AttributesVerb : ClusterVerb
{
    // A change waits for a round trip and for disks, not for the processor.
    private const int InFlight = 32;

    private readonly Argument<string[]> _paths = Paths("Files or directories");

    private readonly Option<bool> _recursive = new("-R", "--recursive")
    {
        Description = "Of directories also all that is in them; links on the way are not followed",
    };

    /// <inheritdoc/>
    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Arguments.Add(_paths);
        command.Options.Add(_recursive);
    }

    /// <summary>What is changed of something; null: nothing.</summary>
    protected abstract AttributeChange? ChangeOf(FileStatus status);

    /// <summary>Whether a link that is named stands for what it leads to.</summary>
    protected virtual bool FollowsLinks(VerbContext context) => true;

    /// <summary>Does it for all paths.</summary>
    protected Task<int> ChangeAsync(VerbContext context, DistFsClient client)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(client);
        return context.Get(_recursive) ? TreesAsync(context, client) : ForEachAsync(
            context,
            client,
            context.Get(_paths),
            async path =>
            {
                var status = await client.StatAsync(path, FollowsLinks(context), context.Cancellation)
                    .ConfigureAwait(false);
                await ChangeAsync(client, path, status, context.Cancellation).ConfigureAwait(false);
            });
    }

    private async Task<int> TreesAsync(VerbContext context, DistFsClient client)
    {
        var gate = new Lock();
        var code = await ForEachAsync(context, client, context.Get(_paths), path => Parallel.ForEachAsync(
            client.WalkAsync(path, failed: (_, e) => Failed(e), cancellation: context.Cancellation),
            new ParallelOptions { MaxDegreeOfParallelism = InFlight, CancellationToken = context.Cancellation },
            async (item, stop) =>
            {
                try
                {
                    await ChangeAsync(client, item.Path, item.Status, stop).ConfigureAwait(false);
                }
                catch (DistFsException e) when (DistFsErrors.IsOfOneFile(e) && !context.Json)
                {
                    Failed(e);
                }
            })).ConfigureAwait(false);
        return code == ExitCodes.Ok ? _failed : code;

        void Failed(DistFsException error)
        {
            lock (gate)
            {
                _failed = Tell(context, _failed, error);
            }
        }
    }

    private int _failed = ExitCodes.Ok;

    private async Task ChangeAsync(
        DistFsClient client, string path, FileStatus status, CancellationToken cancellation)
    {
        if (ChangeOf(status) is { } change)
        {
            await client.SetAttributesAsync(status.Inode, path, change, cancellation).ConfigureAwait(false);
        }
    }
}
