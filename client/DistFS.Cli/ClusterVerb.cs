using System.CommandLine;
using DistFS.Client;
using DistFS.Native;
using DistFS.Primitives;

namespace DistFS.Cli;

/// <summary>A verb about files of a cluster: connects as the user who runs it.</summary>
internal abstract class ClusterVerb : Verb
{
    /// <inheritdoc/>
    public sealed override VerbGroup Group => VerbGroup.Files;

    /// <inheritdoc/>
    public sealed override async Task<int> RunAsync(VerbContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var client = await DistFsClient.ConnectAsync(
            new DistFsClientOptions
            {
                Metaservers = context.Settings.RequireCluster(),
                Agent = $"dfs {Name} {ProductVersion.Current.Version}",
                Patience = context.Settings.Timeout,
                Identity = IdentityOfProcess(),
                Umask = OperatingSystem.IsWindows() ? 0b000_010_010 : Posix.CurrentUmask(),
            },
            context.Cancellation).ConfigureAwait(false);
        await using (client.ConfigureAwait(false))
        {
            return await RunAsync(context, client).ConfigureAwait(false);
        }
    }

    /// <summary>Does it.</summary>
    protected abstract Task<int> RunAsync(VerbContext context, DistFsClient client);

    /// <summary>A path in the cluster, one or several.</summary>
    protected static Argument<string[]> Paths(string description, int min = 1) => new("path")
    {
        Description = description,
        Arity = new ArgumentArity(min, 100_000),
    };

    /// <summary>The last name of a path.</summary>
    protected static string NameOf(string path) =>
        path.TrimEnd('/') is var trimmed && trimmed.LastIndexOf('/') is var at ? trimmed[(at + 1)..] : "";

    /// <summary>Does one thing for each path, and goes on after one that failed.</summary>
    /// <returns>The exit code of the first failure, or Ok.</returns>
    protected static async Task<int> ForEachAsync(
        VerbContext context, IEnumerable<string> paths, Func<string, Task> action)
    {
        var code = ExitCodes.Ok;
        foreach (var path in paths)
        {
            try
            {
                await action(path).ConfigureAwait(false);
            }
            catch (DistFsException e) when (e.Code == ErrorCatalog.FileRefused && !context.Json)
            {
                await context.Host.Error.WriteLineAsync($"dfs: {e.Code.Id}: {e.Message}").ConfigureAwait(false);
                code = code == ExitCodes.Ok ? ExitCodes.Of(e) : code;
            }
        }

        return code;
    }

    private static FileIdentity IdentityOfProcess()
    {
        if (OperatingSystem.IsWindows())
        {
            return FileIdentity.Root;
        }

        var (uid, gid, groups) = Posix.Identity();
        return new FileIdentity(uid, gid, groups);
    }
}
