using System.Diagnostics;
using DistFS.TestCluster;

namespace DistFS.Mount.Tests;

/// <summary>
/// <c>dfs mount</c> as people use it: real processes, the kernel, ordinary tools. This process never touches a mount
/// itself, since a stuck one would stop it.
/// </summary>
public sealed class MountTests : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private readonly string _folder = Directory.CreateTempSubdirectory("distfs-mount").FullName;
    private readonly List<NodeProcess> _mounts = [];
    private ClusterProcesses _cluster = null!;

    private string One => Path.Combine(_folder, "one");

    private string Two => Path.Combine(_folder, "two");

    public async Task InitializeAsync()
    {
        // Other users get in: checks of permissions are theirs.
        await ShellAsync($"chmod 755 {_folder}");
        Directory.CreateDirectory(One);
        Directory.CreateDirectory(Two);
        _cluster = await ClusterProcesses.StartAsync(Path.Combine(_folder, "cluster"), servers: 3);
    }

    public async Task DisposeAsync()
    {
        foreach (var mount in _mounts.Where(static mount => mount is { IsStarted: true, HasDied: false }))
        {
            await mount.KillAsync();
        }

        await ShellAsync($"for d in {One} {Two}; do umount -l $d 2>/dev/null || true; done");
        await _cluster.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>
    /// A tree is copied, compared, moved, and packed; seen through another mount; and still there after the process of
    /// the mount was killed, which leaves nothing behind that has to be unmounted.
    /// </summary>
    [Fact]
    public async Task A_tree_through_ordinary_tools_and_the_death_of_the_mount()
    {
        var one = await MountAsync(One);
        var two = await MountAsync(Two);
        await ShellAsync($"""
            mkdir -p {_folder}/tree/a/b && cd {_folder}/tree
            for i in $(seq 200); do echo "file $i" > a/f$i; done
            head -c 5000000 /dev/urandom > a/b/large; ln -s ../f1 a/b/link; ln a/f2 a/f3.hard; chmod 640 a/f4
            cp -a {_folder}/tree {One}/tree
            diff -r {_folder}/tree {One}/tree
            diff -r {_folder}/tree {Two}/tree
            [ "$(stat -c %a {Two}/tree/a/f4)" = 640 ] && [ "$(stat -c %h {Two}/tree/a/f2)" = 2 ]
            mv {Two}/tree {Two}/moved && [ ! -e {One}/tree ]
            tar -C {One} -cf - moved | tar -C {_folder} -xf - && diff -r {_folder}/tree {_folder}/moved
            sync {One}/moved/a/b/large
            """);
        await one.KillAsync();

        // The watchdog takes it away; until then its use fails at once.
        await ShellAsync($"""
            for i in $(seq 100); do grep -q ' {One} ' /proc/self/mountinfo || exit 0; sleep 0.1; done; exit 1
            """);
        one = await MountAsync(One);
        await ShellAsync($"diff -r {_folder}/tree {One}/moved && rm -r {One}/moved && [ -z \"$(ls {Two})\" ]");
        await ShellAsync($"{Path.Combine(AppContext.BaseDirectory, "dfs")} umount {One} && ! mountpoint -q {One}");
        await two.StopAsync();
        Assert.True(one.HasDied);
    }

    /// <summary>The suite of docs/operating/posix.md, on one mount.</summary>
    [Fact]
    public async Task It_is_a_POSIX_file_system()
    {
        var mount = await MountAsync(One);
        await ShellAsync($"mkdir {One}/posix && {Path.Combine(AppContext.BaseDirectory, "DistFS.Posix")} {One}/posix"
            + " --entries 2000 --operations 5000");
        await mount.StopAsync();
    }

    /// <summary>
    /// The same on two mounts that see each other: what they say of each other, and random work on both.
    /// </summary>
    [Fact]
    public async Task Two_mounts_are_one_file_system()
    {
        var one = await MountAsync(One);
        var two = await MountAsync(Two);
        await ShellAsync($"mkdir {One}/posix && {Path.Combine(AppContext.BaseDirectory, "DistFS.Posix")}"
            + $" {One}/posix {Two}/posix --entries 500 --operations 3000 --only TwoMount --only Random --only Lock");
        await one.StopAsync();
        await two.StopAsync();
    }

    private async Task<NodeProcess> MountAsync(string at)
    {
        var mount = new NodeProcess(
            $"The mount at {at}",
            Path.Combine(_folder, $"state{Path.GetFileName(at)}"),
            ["mount", at, "--foreground", "--cluster", string.Join(',', _cluster.Metaservers.Addresses)]);
        _mounts.Add(mount);
        await mount.StartAsync();
        return mount;
    }

    private static async Task ShellAsync(string script)
    {
        using var shell = Process.Start(new ProcessStartInfo("bash", ["-ec", script])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
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
}
