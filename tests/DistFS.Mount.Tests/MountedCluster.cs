using System.Diagnostics;
using DistFS.TestCluster;

namespace DistFS.Mount.Tests;

/// <summary>
/// Three metaservers, three chunk servers, and mounts: real processes, the kernel, ordinary tools. This process never
/// touches a mount itself, since a stuck one would stop it.
/// </summary>
public abstract class MountedCluster : IAsyncLifetime
{
    private readonly List<NodeProcess> _mounts = [];
    private int _mounted;

    /// <summary>Longer and larger: <c>scripts/test --mount</c>.</summary>
    protected static bool IsFull { get; } = Environment.GetEnvironmentVariable("DISTFS_MOUNT_FULL") != null;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(IsFull ? 60 : 5);

    protected static string Dfs { get; } = Path.Combine(AppContext.BaseDirectory, "dfs");

    protected static string Posix { get; } = Path.Combine(AppContext.BaseDirectory, "DistFS.Posix");

    protected string Folder { get; } = Directory.CreateTempSubdirectory("distfs-mount").FullName;

    protected string One => Path.Combine(Folder, "one");

    protected string Two => Path.Combine(Folder, "two");

    private protected ClusterProcesses Cluster { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        // Other users get in: checks of permissions are theirs.
        await ShellAsync($"chmod 755 {Folder}");
        Directory.CreateDirectory(One);
        Directory.CreateDirectory(Two);
        Cluster = await ClusterProcesses.StartAsync(Path.Combine(Folder, "cluster"), servers: 3);
    }

    public async Task DisposeAsync()
    {
        foreach (var mount in _mounts.Where(static mount => mount is { IsStarted: true, HasDied: false }))
        {
            await mount.KillAsync();
        }

        await ShellAsync($"for d in {One} {Two}; do umount -l $d 2>/dev/null || true; done");
        await Cluster.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>Mounts; what was mounted there before is gone.</summary>
    private protected async Task<NodeProcess> MountAsync(string at)
    {
        await GoneAsync(at);
        var mount = new NodeProcess(
            $"The mount at {at}",
            Path.Combine(Folder, $"state-{Path.GetFileName(at)}-{_mounted++}"),
            ["mount", at, "--foreground", "--cluster", string.Join(',', Cluster.Metaservers.Addresses)]);
        _mounts.Add(mount);
        await mount.StartAsync();
        return mount;
    }

    /// <summary>The watchdog of a mount that was killed takes it away.</summary>
    protected static Task GoneAsync(string at) => ShellAsync($"""
        for i in $(seq 100); do grep -q ' {at} ' /proc/self/mountinfo || exit 0; sleep 0.1; done; exit 1
        """);

    /// <summary>On two mounts, which are stopped in order behind it.</summary>
    protected async Task OnTwoMountsAsync(string script)
    {
        var one = await MountAsync(One);
        var two = await MountAsync(Two);
        await ShellAsync(script);
        await one.StopAsync();
        await two.StopAsync();
    }

    /// <summary>Runs it; the first command that fails ends it, and fails the test.</summary>
    protected static async Task ShellAsync(string script)
    {
        // Of a list, errexit looks at the last command only: the others could fail unseen.
        Assert.DoesNotContain("&&", script, StringComparison.Ordinal);
        using var shell = Start(script);
        using var limit = new CancellationTokenSource(Limit);
        var said = Task.WhenAll(
            shell.StandardOutput.ReadToEndAsync(limit.Token), shell.StandardError.ReadToEndAsync(limit.Token));
        try
        {
            await shell.WaitForExitAsync(limit.Token);
            Assert.True(shell.ExitCode == 0, string.Join('\n', await said));
        }
        finally
        {
            if (!shell.HasExited)
            {
                shell.Kill(entireProcessTree: true);
            }
        }
    }

    /// <summary>Its output is to be read, or goes elsewhere.</summary>
    protected static Process Start(string script)
    {
        string[] arguments = ["-e", "-o", "pipefail", "-c", script];
        return Process.Start(new ProcessStartInfo("bash", arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
    }
}
