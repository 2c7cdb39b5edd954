using System.Diagnostics;
using System.Runtime.Versioning;
using DistFS.Fuse.Tests.Memory;
using DistFS.Fuse.Tests.Server;

namespace DistFS.Fuse.Tests.Kernel;

/// <summary>Mounts begin, end, and leave nothing behind, however the daemon goes.</summary>
[SupportedOSPlatform("linux")]
public sealed class LifeTests
{
    [Fact]
    public async Task Kill_9_of_the_daemon_frees_the_mount_and_its_callers()
    {
        await using var mount = await TestMount.StartAsync();
        await Shell.RunAsync(mount.Path, "echo content > $M/blocked");
        using var reader = Shell.Start(mount.Path, "exec dd if=$M/blocked of=/dev/null bs=4096 iflag=direct");
        await mount.UntilAsync("blocked", n => n != "0");
        Assert.True(mount.IsMounted);
        mount.Daemon.Kill();
        await Shell.EndAsync(reader);
        Assert.NotEqual(0, reader.ExitCode);
        await Eventually.True(() => !mount.IsMounted);
        Assert.Equal("", await Shell.RunAsync(mount.Path, "ls -A $M; echo new > $M/file; rm $M/file"));
    }

    /// <summary>
    /// A thread that waits in the kernel for a page keeps the dead process's descriptors open, and whoever has locked
    /// the page waits for its answer: nothing ends before the connection is aborted.
    /// </summary>
    [Fact]
    public async Task Kill_9_while_a_notification_waits_for_a_page_frees_the_mount_and_its_callers()
    {
        await using var mount = await TestMount.StartAsync();
        await Shell.RunAsync(mount.Path, "echo content > $M/blocked");
        var node = await mount.AskAsync("grow blocked 10");
        using var reader = Shell.Start(mount.Path, "exec cat $M/blocked");
        await mount.UntilAsync("blocked", n => n != "0");
        Assert.Equal("True", await mount.AskAsync($"post-forget-content {node}"));
        await Eventually.True(() => Directory.GetDirectories($"/proc/{mount.Daemon.Id}/task").Any(IsStuck));
        mount.Daemon.Kill();
        await Shell.EndAsync(reader);
        Assert.NotEqual(0, reader.ExitCode);
        await Eventually.True(() => !mount.IsMounted);
        await Shell.EndAsync(mount.Daemon);
        await Eventually.True(() => !Watchdogs(mount.Path).Any());

        // proc(5), stat: the name in parentheses, then the state.
        static bool IsStuck(string task) => File.ReadAllText($"{task}/stat").Contains(") D ", StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_end_of_a_mount_leaves_the_next_one_at_its_place_alone()
    {
        var folder = Directory.CreateTempSubdirectory("dfs-fuse-");
        try
        {
            var options = new FuseMountOptions { Subtype = "distfstest" };
            var files = new MemoryFileSystem(1);
            files.MayEnd.Reset();
            await using var first = await FuseMount.MountAsync(folder.FullName, files, options);
            await Shell.RunAsync(folder.FullName, "umount $M");
            await Eventually.True(() => first.Server.IsUnmounted);

            // The kernel gives it the number that has just become free.
            await using var next = await FuseMount.MountAsync(folder.FullName, new MemoryFileSystem(1), options);
            files.MayEnd.Set();
            await first.Completion.WaitAsync(Shell.Limit);
            await first.DisposeAsync();
            await Shell.RunAsync(folder.FullName, "echo alive > $M/f; [ $(cat $M/f) = alive ]");
            Assert.NotNull(MountEntry.Find(folder.FullName));
        }
        finally
        {
            folder.Delete();
        }
    }

    [Fact]
    public async Task Without_a_watchdog_the_dead_mount_stays_so_it_is_what_frees_it()
    {
        await using var mount = await TestMount.StartAsync("no-watchdog");
        mount.Daemon.Kill();
        await mount.Daemon.WaitForExitAsync();
        Assert.True(mount.IsMounted);
        Assert.Contains("not connected", await Shell.RunAsync(mount.Path, "no ls $M"), StringComparison.Ordinal);
        var error = await Assert.ThrowsAsync<FuseException>(
            () => FuseMount.MountAsync(mount.Path, new ScriptedFileSystem(), new FuseMountOptions()));
        Assert.Equal(Errno.ENOTCONN, error.Error);
        Assert.Contains("umount -l", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_watchdog_leaves_a_mount_of_another_alone()
    {
        await using var mount = await TestMount.StartAsync();
        await Shell.RunAsync(mount.Path, "mount -t tmpfs none $M");
        mount.Daemon.Kill();
        await mount.Daemon.WaitForExitAsync();
        await Eventually.True(() => !Watchdogs(mount.Path).Any());
        Assert.Equal("tmpfs", MountEntry.Find(mount.Path)!.Type);
        await Shell.RunAsync(mount.Path, "umount $M; umount -l $M");
    }

    [Fact]
    public async Task The_watchdog_tells_its_mount_from_a_later_one_of_the_same_kind()
    {
        await using var below = await TestMount.StartAsync();
        var dead = MountEntry.Find(below.Path)!.Device;
        await using var above = await TestMount.StartAsync($"at={below.Path}");
        Assert.NotEqual(dead, MountEntry.Find(below.Path)!.Device);
        await Eventually.True(() => Watchdogs(below.Path).Count() == 2);
        below.Daemon.Kill();
        await Eventually.True(() => Watchdogs(below.Path).Count() == 1);
        Assert.NotEqual(dead, MountEntry.Find(below.Path)!.Device);
        await Shell.RunAsync(above.Path, "echo alive > $M/f; [ $(cat $M/f) = alive ]");
        await above.AskAsync("unmount");
        Assert.Equal("destroyed=True defects=0", await above.LineAsync("ended"));
    }

    [Fact]
    public async Task A_busy_mount_goes_out_of_sight_and_serves_until_its_files_are_closed()
    {
        await using var mount = await TestMount.StartAsync();
        using var holder = Shell.Start(mount.Path, "exec 7>$M/held; echo open; read -r go; echo more >&7; echo wrote");
        Assert.Equal("open", await holder.StandardOutput.ReadLineAsync());
        await mount.AskAsync("unmount");
        await Eventually.True(() => !mount.IsMounted);
        Assert.Equal("2", await mount.AskAsync("nodes"));
        await holder.StandardInput.WriteLineAsync("go");
        Assert.Equal("wrote", await holder.StandardOutput.ReadLineAsync().WaitAsync(Shell.Limit));
        await Shell.EndAsync(holder);
        await mount.EndsWellAsync();
    }

    [Fact]
    public async Task A_busy_mount_is_cut_when_its_time_is_over()
    {
        await using var mount = await TestMount.StartAsync("impatient");
        using var holder = Shell.Start(
            mount.Path, "exec 7>$M/held; echo open; read -r go; no eval 'echo more >&7'; echo failed");
        Assert.Equal("open", await holder.StandardOutput.ReadLineAsync());
        await mount.AskAsync("unmount");
        await mount.EndsWellAsync();
        await holder.StandardInput.WriteLineAsync("go");
        Assert.Equal("failed", await holder.StandardOutput.ReadLineAsync().WaitAsync(Shell.Limit));
        await Shell.EndAsync(holder);
    }

    [Fact]
    public async Task A_notification_that_waits_for_a_handler_that_never_answers_does_not_keep_the_mount()
    {
        await using var mount = await TestMount.StartAsync("impatient");
        await Shell.RunAsync(mount.Path, "echo content > $M/f");
        using var creator = Shell.Start(mount.Path, "exec mkdir $M/hang");
        await mount.UntilAsync("inflight", n => n.StartsWith("1 ", StringComparison.Ordinal));

        // mkdir holds the lock of the directory while its name is looked up: the first of these waits for it.
        Assert.Equal("True", await mount.AskAsync("post-forget-name f"));
        Assert.Equal("True", await mount.AskAsync("post-forget-name f"));
        await mount.UntilAsync("queued", n => n == "1");
        await mount.AskAsync("unmount");
        Assert.Equal("destroyed=True defects=1", await mount.LineAsync("ended"));
        await Shell.EndAsync(creator);
        await Shell.EndAsync(mount.Daemon);
        Assert.False(mount.IsMounted);
    }

    [Fact]
    public async Task Unmounted_by_somebody_else_the_daemon_ends_well()
    {
        await using var mount = await TestMount.StartAsync();
        var watchdog = Assert.Single(Watchdogs(mount.Path));
        await Shell.RunAsync(mount.Path, "umount $M");
        await mount.EndsWellAsync();
        await Eventually.True(() => !Directory.Exists($"/proc/{watchdog}"));
    }

    [Fact]
    public async Task A_forced_unmount_ends_it_too()
    {
        await using var mount = await TestMount.StartAsync();
        await Shell.RunAsync(mount.Path, "echo content > $M/blocked");
        using var reader = Shell.Start(mount.Path, "exec dd if=$M/blocked of=/dev/null bs=4096 iflag=direct");
        await mount.UntilAsync("blocked", n => n != "0");
        using var force = Shell.Start(mount.Path, "umount -f -l $M");
        await Shell.EndAsync(force);
        await Shell.EndAsync(reader);
        await mount.EndsWellAsync();
    }

    [Fact]
    public async Task An_ordinary_user_mounts_through_fusermount()
    {
        // As udev has it on every distribution; restored at the end.
        var mode = File.GetUnixFileMode(KernelDevice.Path);
        File.SetUnixFileMode(KernelDevice.Path, (UnixFileMode)0x1B6);
        try
        {
            await using var mount = await TestMount.StartAsync("user");
            Assert.Equal("fuse.distfstest", MountEntry.Find(mount.Path)!.Type);
            Assert.Contains($" {mount.Path} ", Assert.Single(
                File.ReadLines("/proc/self/mountinfo"),
                static line => line.Contains(" - fuse.distfstest memory,of:tests ", StringComparison.Ordinal)));
            const string AsUser = "setpriv --reuid=65534 --regid=65534 --clear-groups bash -euc";
            await Shell.RunAsync(mount.Path, $"""
                {AsUser} 'echo hello > $M/f; [ "$(cat $M/f)" = hello ]; [ "$(stat -c %u $M/f)" = 65534 ]'
                no ls $M
                """);
            await mount.AskAsync("unmount");
            await mount.EndsWellAsync();

            await using var killed = await TestMount.StartAsync("user");
            killed.Daemon.Kill();
            await Eventually.True(() => !killed.IsMounted);

            var refused = await Assert.ThrowsAnyAsync<Exception>(() => TestMount.StartAsync("user", "allow-other"));
            Assert.Contains("user_allow_other", refused.Message, StringComparison.Ordinal);
        }
        finally
        {
            File.SetUnixFileMode(KernelDevice.Path, mode);
        }
    }

    [Fact]
    public async Task A_mount_that_fails_leaves_no_descriptor_no_mount_and_no_process()
    {
        var folder = Directory.CreateTempSubdirectory("dfs-fuse-");
        try
        {
            var before = Descriptors();
            for (var i = 0; i < 5; i++)
            {
                foreach (var helper in (bool[])[false, true])
                {
                    var options = new FuseMountOptions { UseFusermount = helper, Subtype = "distfstest" };
                    await Assert.ThrowsAsync<InvalidDataException>(
                        () => FuseMount.MountAsync(folder.FullName, new RefusingFileSystem(), options));
                    Assert.Null(MountEntry.Find(folder.FullName));
                }

                var file = Path.Combine(folder.FullName, "file");
                await File.WriteAllTextAsync(file, "");
                await Assert.ThrowsAsync<FuseException>(
                    () => FuseMount.MountAsync(file, new ScriptedFileSystem(), new FuseMountOptions()));
                File.Delete(file);
                await Assert.ThrowsAsync<FuseException>(
                    () => FuseMount.MountAsync("/nowhere/at/all", new ScriptedFileSystem(), new FuseMountOptions()));
            }

            await Eventually.True(() => !Watchdogs(folder.FullName).Any());
            await Eventually.True(() => Descriptors() <= before);
        }
        finally
        {
            folder.Delete();
        }
    }

    [Fact]
    public async Task Mounts_come_and_go_without_leaks()
    {
        var folder = Directory.CreateTempSubdirectory("dfs-fuse-");
        try
        {
            var before = 0;
            for (var i = 0; i < 12; i++)
            {
                var files = new MemoryFileSystem(1);
                await using (var mount = await FuseMount.MountAsync(
                    folder.FullName, files, new FuseMountOptions { Subtype = "distfstest" }))
                {
                    Assert.True(files.Negotiated!.Minor >= 31);
                }

                Assert.True(files.IsDestroyed);
                Assert.Null(MountEntry.Find(folder.FullName));
                before = i == 1 ? Descriptors() : before;
            }

            await Eventually.True(() => Descriptors() <= before);
        }
        finally
        {
            folder.Delete();
        }
    }

    private static int Descriptors() => Directory.GetFiles("/proc/self/fd").Length;

    /// <summary>Processes of watchdogs for a mount point.</summary>
    private static IEnumerable<int> Watchdogs(string path) => Process.GetProcessesByName("sh")
        .Select(p => p.Id)
        .Where(id => CommandLine(id).Contains($"fuse-watchdog\0{path}\0", StringComparison.Ordinal));

    private static string CommandLine(int id)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/cmdline");
        }
        catch (IOException)
        {
            // It has ended.
            return "";
        }
    }

    private sealed class RefusingFileSystem : IFuseFileSystem
    {
        public void Started(FuseNegotiated negotiated) => throw new InvalidDataException("not today");

        public void Lookup(ulong parent, ReadOnlyMemory<byte> name, EntryReply reply) => reply.Fail(Errno.ENOENT);

        public void Forget(ulong node, ulong count) => Assert.Fail("nothing was looked up");

        public void GetAttr(ulong node, in FuseGetAttrIn arguments, AttrReply reply) => reply.Fail(Errno.ENOENT);
    }
}
