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

    /// <summary>
    /// Kernels that believed an older end of a file, each in one run of two to twenty: what came behind an answer made
    /// them drop what they had just asked for, and of two reads beyond the end the further one was taken for it.
    /// </summary>
    [Fact]
    public async Task An_end_that_another_mount_moved_is_believed()
    {
        var one = await MountAsync(One);
        var two = await MountAsync(Two);
        await ShellAsync($"""
            mkdir {One}/ends
            for seed in 21 1 135 21 143 21; do
                {Path.Combine(AppContext.BaseDirectory, "DistFS.Posix")} {One}/ends {Two}/ends --only Random.OneFile \
                    --operations 1300 --seed $seed
            done
            """);
        await one.StopAsync();
        await two.StopAsync();
    }

    /// <summary>What the kernel does by itself, or believes while another mount is at work.</summary>
    [Fact]
    public async Task What_the_kernel_does_not_look_at()
    {
        var one = await MountAsync(One);
        var two = await MountAsync(Two);
        await ShellAsync($"""
            # fcntl: O_APPEND is set behind the open, and the other mount appends too.
            python3 - {One}/log {Two}/log <<'P'
            import fcntl, os, sys
            a = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o666); b = os.open(sys.argv[2], os.O_RDWR)
            for f in (a, b): fcntl.fcntl(f, fcntl.F_SETFL, os.O_APPEND)
            for i in range(20):
                os.write(a, b'a' * 100); os.write(b, b'b' * 100)
                want = (b'a' * 100 + b'b' * 100) * (i + 1)
                for f in (a, b): assert os.pread(f, 10000, 0) == want, (i, f == a)
                for p in sys.argv[1:]: assert os.stat(p).st_size == len(want), (i, p)
            fcntl.fcntl(a, fcntl.F_SETFL, 0); os.pwrite(a, b'x', 0); assert os.pread(b, 2, 0) == b'xa'
            P

            # Nobody changes what runs as its owner: a write past the pages of the kernel too.
            cp /bin/true {One}/program; chmod 6777 {One}/program; [ $(stat -c %a {One}/program) = 6777 ]
            setpriv --reuid=65534 --regid=65534 --clear-groups sh -c 'echo more >> {One}/program'
            [ $(stat -c %a {One}/program) = 777 ] && [ $(stat -c %a {Two}/program) = 777 ]

            # The name of what something is mounted on, and in which somebody works, is forgotten by a kernel.
            mkdir -p {One}/a/below {One}/a/work; mount -t tmpfs none {One}/a/below; cd {One}/a/work
            stat {One}/a/below {One}/a/work; touch {Two}/a/new
            grep -q ' {One}/a/below ' /proc/self/mountinfo; [ "$(/bin/pwd)" = {One}/a/work ]; umount {One}/a/below
            """);
        await one.StopAsync();
        await two.StopAsync();
    }

    /// <summary>
    /// 'dfs umount' ends when everything is in the cluster: what happens to the machine then does no harm. If it
    /// is not, it says so. Nobody reads what the process of this mount has to say.
    /// </summary>
    [Fact]
    public async Task Unmounting_ends_when_everything_is_sent_and_fails_if_it_is_not()
    {
        var dfs = Path.Combine(AppContext.BaseDirectory, "dfs");
        var mounting = $"{dfs} mount {One} -f --cluster {string.Join(',', _cluster.Metaservers.Addresses)}";
        await ShellAsync($"""
            {mounting} >/dev/full 2>/dev/full </dev/null & M=$!
            until mountpoint -q {One}; do kill -0 $M; sleep 0.05; done
            mkdir {One}/d; head -c 30000000 /dev/urandom > {_folder}/large; cp {_folder}/large {One}/d/large
            for i in $(seq 300); do echo $i > {One}/d/f$i; done
            {dfs} umount {One}; kill -9 $M 2>/dev/null || true; wait $M || true
            {mounting} >{_folder}/log 2>&1 </dev/null & M=$!
            until mountpoint -q {One}; do kill -0 $M; sleep 0.05; done
            cmp {_folder}/large {One}/d/large; [ "$(ls {One}/d | wc -l)" = 301 ]; [ "$(cat {One}/d/f300)" = 300 ]
            echo $M > {_folder}/process
            """);

        // As if the machine had been turned off: the process dies while it waits for the cluster.
        var metaservers = string.Join(
            ' ', Enumerable.Range(0, _cluster.Metaservers.Count).Select(_cluster.Metaservers.ProcessId));
        try
        {
            await ShellAsync($"""
                for i in $(seq 100); do echo $i > {One}/d/g$i; done; kill -STOP {metaservers}
                {dfs} umount {One} 2>{_folder}/said & U=$!
                while grep -q ' {One} ' /proc/self/mountinfo; do kill -0 $U; sleep 0.05; done
                kill -0 $U; kill -9 $(cat {_folder}/process)
                if wait $U; then exit 1; fi; grep DFS1572 {_folder}/said
                """);
        }
        finally
        {
            await ShellAsync($"kill -CONT {metaservers}");
        }
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
