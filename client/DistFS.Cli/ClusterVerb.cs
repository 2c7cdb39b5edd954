using System.CommandLine;
using DistFS.Cli.Output;
using DistFS.Client;
using DistFS.Native;
using DistFS.Primitives;

namespace DistFS.Cli;

/// <summary>A verb about files of a cluster: connects as the user who runs it.</summary>
internal abstract class ClusterVerb : Verb
{
    /// <inheritdoc/>
    public sealed override VerbGroup Group => VerbGroup.Files;

    /// <summary>What a run that was killed had open and locked is free after this.</summary>
    protected virtual TimeSpan SessionLease => TimeSpan.FromSeconds(30);

    /// <summary>Content on its way, in bytes; null: as the library has it.</summary>
    protected virtual long? MemoryMax(VerbContext context) => null;

    /// <inheritdoc/>
    public sealed override async Task<int> RunAsync(VerbContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var client = await ConnectAsync(context, Name, SessionLease, MemoryMax(context)).ConfigureAwait(false);
        await using (client.ConfigureAwait(false))
        {
            return await RunAsync(context, client).ConfigureAwait(false);
        }
    }

    /// <summary>A client of the cluster of the configuration, as the user of this process.</summary>
    internal static Task<DistFsClient> ConnectAsync(
        VerbContext context, string name, TimeSpan sessionLease, long? memoryMax = null) => DistFsClient.ConnectAsync(
            new DistFsClientOptions
            {
                Metaservers = context.Settings.RequireCluster(),
                Agent = $"dfs {name} {ProductVersion.Current.Version}",
                Patience = context.Settings.Timeout,
                SessionLease = sessionLease,
                MemoryMax = memoryMax ?? DistFsClientOptions.MemoryDefault,
                CachesNames = false, // It ends before that would be worth a session.
                Identity = IdentityOfProcess(),
                Umask = OperatingSystem.IsWindows() ? 0b000_010_010 : Posix.CurrentUmask(),
            },
            context.Cancellation);

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

    /// <summary>
    /// The paths with their patterns expanded ('*', '?', '[...]'), as a shell would if the files were its own.
    /// </summary>
    /// <exception cref="DistFsException">There is nothing like a pattern (ENOENT).</exception>
    protected static async Task<IReadOnlyList<string>> ExpandAsync(
        VerbContext context, DistFsClient client, IReadOnlyList<string> paths)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(paths);
        var all = new List<string>();
        foreach (var path in paths)
        {
            var found = await client.GlobAsync(path, context.Cancellation).ConfigureAwait(false);
            all.AddRange(found.Count > 0 ? found : throw new DistFsException(
                ErrorCatalog.FileRefused, $"{path}: nothing there has such a name", null, FsStatus.NotFound));
        }

        return all;
    }

    /// <summary>
    /// Does one thing for each path, patterns expanded, and goes on after one that failed. With --json the first
    /// failure is the only thing told.
    /// </summary>
    /// <param name="context">Of the run.</param>
    /// <param name="client">The cluster.</param>
    /// <param name="paths">As they were given.</param>
    /// <param name="action">Throws what is told.</param>
    /// <param name="mayBeAbsent">A pattern that stands for nothing is no failure.</param>
    /// <returns>The exit code of the first failure, or Ok.</returns>
    protected static Task<int> ForEachAsync(
        VerbContext context,
        DistFsClient client,
        IReadOnlyList<string> paths,
        Func<string, Task> action,
        bool mayBeAbsent = false) => ForEachAsync(
        context,
        paths,
        async given =>
        {
            try
            {
                return await ExpandAsync(context, client, [given]).ConfigureAwait(false);
            }
            catch (DistFsException e) when (e.Status == FsStatus.NotFound && mayBeAbsent)
            {
                return [];
            }
        },
        action);

    /// <summary>As the other, names being made and not looked for: a '*' is a letter.</summary>
    protected static Task<int> ForEachNameAsync(
        VerbContext context, IReadOnlyList<string> paths, Func<string, Task> action) =>
        ForEachAsync(context, paths, static given => Task.FromResult<IReadOnlyList<string>>([given]), action);

    private static async Task<int> ForEachAsync(
        VerbContext context,
        IReadOnlyList<string> paths,
        Func<string, Task<IReadOnlyList<string>>> expand,
        Func<string, Task> action)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(paths);
        ArgumentNullException.ThrowIfNull(action);
        var code = ExitCodes.Ok;
        foreach (var given in paths)
        {
            foreach (var path in await TryAsync(() => expand(given)).ConfigureAwait(false) ?? [])
            {
                await TryAsync(async () =>
                {
                    await action(path).ConfigureAwait(false);
                    return "";
                }).ConfigureAwait(false);
            }
        }

        return code;

        async Task<T?> TryAsync<T>(Func<Task<T>> part)
            where T : class
        {
            try
            {
                return await part().ConfigureAwait(false);
            }
            catch (DistFsException e) when (DistFsErrors.IsOfOneFile(e) && !context.Json)
            {
                code = Tell(context, code, e);
                return null;
            }
        }
    }

    /// <summary>Tells the failure of one of several.</summary>
    /// <returns>The exit code: of the first failure.</returns>
    protected static int Tell(VerbContext context, int code, DistFsException error)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(error);
        context.Host.Error.WriteLine($"dfs: {error.Code.Id}: {Printable.Of(error.Message)}");
        return code == ExitCodes.Ok ? ExitCodes.Of(error) : code;
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
