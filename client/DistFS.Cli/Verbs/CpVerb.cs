using DistFS.Client;
using DistFS.Client.Transfers;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs cp</c>: copies within the cluster.</summary>
internal sealed class CpVerb() : TransferVerb(
    "Files or directories of the cluster, and last the copy, or a directory for them",
    "Keep mode and times, and as root owners")
{
    protected override bool MovesBytes => false;

    public override string Summary => "Copy files within the cluster, without moving a byte";

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs cp /data/model /data/model.bak", "copy a file; its chunks are shared until one of both is written"),
        new("dfs cp -r -p /data/2025 /archive", "copy a whole tree, with modes and times"),
        new("dfs cp '/inbox/*.csv' /data", "copy those that a pattern stands for"),
    ];

    protected override async Task<IReadOnlyList<string>> TransferAsync(
        VerbContext context, DistFsClient client, TransferOptions options, string source, string to, bool isInto)
    {
        var copy = new FileCopy(client, options);
        var path = isInto ? $"{to.TrimEnd('/')}/{NameOf(source)}" : to;
        var status = await client.StatAsync(source, cancellation: context.Cancellation).ConfigureAwait(false);
        if (status.IsDirectory)
        {
            RequireRecursive(context, source);
            return await copy.CopyTreeAsync(source, path, context.Cancellation).ConfigureAwait(false);
        }

        options.Progress.BytesTotal += status.Size;
        await copy.CopyAsync(source, path, context.Cancellation).ConfigureAwait(false);
        return [];
    }
}
