using DistFS.Client;
using DistFS.Client.Transfers;
using DistFS.Primitives;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs put</c>: local files into the cluster.</summary>
internal sealed class PutVerb() : TransferVerb(
    "Local files or directories, '-' for stdin, and last where to put them", "Keep mode and time")
{
    public override string Summary => "Copy local files into the cluster";

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs put movie.mkv /movies", "put a file into a directory"),
        new("dfs put -r -p project /backup", "put a whole tree, with modes and times"),
        new("tar c . | dfs put - /backup/all.tar", "put what a program prints"),
    ];

    protected override Task<IReadOnlyList<string>> SourcesAsync(
        VerbContext context, DistFsClient client, IReadOnlyList<string> given) => Task.FromResult(given);

    protected override void Check(IReadOnlyList<string> sources, string to, bool isInto)
    {
        if (isInto && sources.Contains(Standard))
        {
            throw UsageError.Because(this, $"{to} is a directory: say what stdin is to be called in it.");
        }
    }

    protected override async Task<IReadOnlyList<string>> TransferAsync(
        VerbContext context, DistFsClient client, TransferOptions options, string source, string to, bool isInto)
    {
        var upload = new FileUpload(client, options);
        if (!isInto && to.EndsWith('/') && !Directory.Exists(source))
        {
            throw new DistFsException(
                ErrorCatalog.FileRefused, $"{to}: no such directory", null, FsStatus.NotFound);
        }

        var name = source == Standard ? "" : Path.GetFileName(Path.GetFullPath(source).TrimEnd('/'));
        var path = isInto ? $"{to.TrimEnd('/')}/{name}" : to;
        if (source == Standard)
        {
            await upload.PutAsync(context.Host.InBytes, path, context.Cancellation).ConfigureAwait(false);
            return [];
        }

        if (Directory.Exists(source))
        {
            RequireRecursive(context, source);
            return await upload.PutTreeAsync(source, path, context.Cancellation).ConfigureAwait(false);
        }

        options.Progress.BytesTotal += new FileInfo(source) is { Exists: true } file ? file.Length : 0;
        await upload.PutAsync(source, path, context.Cancellation).ConfigureAwait(false);
        return [];
    }
}
