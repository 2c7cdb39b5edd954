using DistFS.Client;
using DistFS.Client.Transfers;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs get</c>: files of the cluster to here.</summary>
internal sealed class GetVerb() : TransferVerb(
    "Files or directories of the cluster, and last where to put them here, '-' for stdout", "Keep mode and time")
{
    public override string Summary => "Copy files of the cluster to here";

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs get /movies/movie.mkv .", "get a file"),
        new("dfs get -r -p /backup/project .", "get a whole tree, with modes and times"),
        new("dfs get /backup/all.tar - | tar x", "hand a file to a program"),
    ];

    protected override Task<bool> IsDirectoryAsync(VerbContext context, DistFsClient client, string to) =>
        Task.FromResult(Directory.Exists(to));

    protected override async Task<IReadOnlyList<string>> TransferAsync(
        VerbContext context, DistFsClient client, TransferOptions options, string source, string to, bool isInto)
    {
        var download = new FileDownload(client, options);
        if (to == Standard)
        {
            await download.GetAsync(source, context.Host.OutBytes, context.Cancellation).ConfigureAwait(false);
            return [];
        }

        var status = await client.StatAsync(source, cancellation: context.Cancellation).ConfigureAwait(false);
        var local = isInto ? Path.Combine(to, NameOf(source)) : to;
        if (status.IsDirectory)
        {
            RequireRecursive(context, source);
            return await download.GetTreeAsync(source, local, context.Cancellation).ConfigureAwait(false);
        }

        options.Progress.BytesTotal += status.Size;
        await download.GetAsync(status, source, local, context.Cancellation).ConfigureAwait(false);
        return [];
    }
}
