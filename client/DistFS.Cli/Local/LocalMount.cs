using System.Diagnostics;
using DistFS.Primitives;

namespace DistFS.Cli.Local;

/// <summary>The mount of a local cluster: made and taken away by <c>dfs mount</c> and <c>dfs umount</c>.</summary>
internal static class LocalMount
{
    /// <summary>Mounts the cluster, unless one is mounted there.</summary>
    /// <param name="directory">Of this machine; it is made if it is not there.</param>
    /// <param name="cluster">Where the metaservers listen.</param>
    /// <param name="log">Of the mount's process.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="DistFsException">It cannot be mounted; says why.</exception>
    public static async Task MountAsync(
        string directory, string cluster, string log, CancellationToken cancellation)
    {
        if (MountLine.Find(directory) == null)
        {
            Directory.CreateDirectory(directory);
            await RunAsync(["mount", directory, "--cluster", cluster, "--log", log], cancellation)
                .ConfigureAwait(false);
        }
    }

    /// <summary>Takes it away, if it is there.</summary>
    /// <exception cref="DistFsException">Programs use it; says so.</exception>
    public static Task UnmountAsync(string directory, CancellationToken cancellation) =>
        MountLine.Find(directory) != null ? RunAsync(["umount", directory], cancellation) : Task.CompletedTask;

    private static async Task RunAsync(string[] arguments, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, arguments)
        {
            UseShellExecute = false,
            RedirectStandardError = true,
        };
        SharedMachine.Configure(start);
        using var process = Process.Start(start)!;

        // What it starts keeps the pipe open no longer than itself: a mount writes to its log.
        var said = await process.StandardError.ReadToEndAsync(cancellation).ConfigureAwait(false);
        await process.WaitForExitAsync(cancellation).ConfigureAwait(false);
        if (process.ExitCode != 0)
        {
            throw new DistFsException(ErrorCatalog.MountFailed, said.Trim());
        }
    }
}
