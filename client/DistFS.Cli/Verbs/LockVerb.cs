using System.CommandLine;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using DistFS.Client;
using DistFS.Native;
using DistFS.Primitives;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs lock</c>: runs a command while a lock of the cluster is held.</summary>
internal sealed class LockVerb : ClusterVerb
{
    /// <summary>
    /// Higher than that of every lock that was granted before, for whoever keeps what the command writes.
    /// </summary>
    public const string TokenVariable = "DFS_LOCK_TOKEN";

    private readonly Argument<string> _path = new("path")
    {
        Description = "A file or directory of the cluster; an empty file is made if there is nothing",
    };

    private readonly Argument<string[]> _command = new("command")
    {
        Description = "What to run, after '--'",
        Arity = new ArgumentArity(1, 100_000),
    };

    private readonly Option<bool> _shared = new("-s", "--shared")
    {
        Description = "Together with others that are shared, but with none that is not",
    };

    private readonly Option<bool> _noWait = new("-n", "--no-wait")
    {
        Description = "Fail if somebody else has it",
    };

    private readonly Option<TimeSpan?> _wait = CliArguments.Time("-w", "Wait only so long for it");

    public override string Summary => "Run a command while a lock of the cluster is held";

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs lock /jobs/nightly -- ./nightly.sh", "run it on one machine at a time"),
        new("dfs lock -n /jobs/nightly -- ./nightly.sh", "run it, unless it runs somewhere"),
        new("dfs lock /db -- sh -c 'serve --fence $DFS_LOCK_TOKEN'", "refuse what an earlier holder still sends"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        _wait.Aliases.Add("--wait");
        command.Arguments.Add(_path);
        command.Arguments.Add(_command);
        command.Options.Add(_shared);
        command.Options.Add(_noWait);
        command.Options.Add(_wait);
    }

    protected override async Task<int> RunAsync(VerbContext context, DistFsClient client)
    {
        var (path, stop) = (context.Get(_path), context.Cancellation);
        if (await client.TryStatAsync(path, true, stop).ConfigureAwait(false) == null)
        {
            await MakeAsync(client, path, stop).ConfigureAwait(false);
        }

        var patience = context.Get(_noWait) ? TimeSpan.Zero : context.Get(_wait) ?? TimeSpan.FromDays(36_500);
        var held = await client.TryLockAsync(path, patience, !context.Get(_shared), stop).ConfigureAwait(false)
            ?? throw new DistFsException(
                ErrorCatalog.FileRefused, $"{path}: somebody else has the lock", null, FsStatus.TryAgain);
        await using (held.ConfigureAwait(false))
        {
            return await RunAsync(context, held).ConfigureAwait(false);
        }
    }

    private static async Task MakeAsync(DistFsClient client, string path, CancellationToken cancellation)
    {
        try
        {
            await (await client.CreateFileAsync(path, overwrites: false, cancellation: cancellation)
                .ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
        }
        catch (DistFsException e) when (e.Status == FsStatus.AlreadyExists)
        {
            // Somebody else made it meanwhile: that is as good.
        }
    }

    /// <summary>
    /// Its streams are ours, and so is its exit status. It is told by SIGTERM that the lock is lost, or that this
    /// process was; it is waited for in any case, since it may still write.
    /// </summary>
    private async Task<int> RunAsync(VerbContext context, DistFsLock held)
    {
        var command = context.Get(_command);
        var start = new ProcessStartInfo(command[0], command[1..]) { UseShellExecute = false };
        start.Environment[TokenVariable] = held.Token.ToString(CultureInfo.InvariantCulture);
        using var process = Start(start);
        using var lost = held.Lost.Register(() => Terminate(process));
        using var interrupted = context.Cancellation.Register(() => Terminate(process));
        await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        if (held.Lost.IsCancellationRequested)
        {
            throw new DistFsException(
                ErrorCatalog.LockLost,
                $"{held.Path}: the lock was lost while the command ran; it ended with {process.ExitCode}.");
        }

        return process.ExitCode;
    }

    private Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new DistFsException(
                ErrorCatalog.Usage, $"'{start.FileName}' cannot be run: {e.Message}. See 'dfs {Name} --help'.", e);
        }
    }

    private static void Terminate(Process process)
    {
        try
        {
            if (OperatingSystem.IsWindows())
            {
                process.Kill();
            }
            else
            {
                Posix.Kill(process.Id, ProcessSignal.Terminate);
            }
        }
        catch (Exception e) when (e is DistFsException or InvalidOperationException)
        {
            // It has ended by itself.
        }
    }
}
