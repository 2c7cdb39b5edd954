using System.Diagnostics;
using System.Runtime.Versioning;

namespace DistFS.Fuse.Tests.Kernel;

/// <summary>
/// A daemon of the tests in a process of its own, mounted in a folder of its own; removed at the end.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class TestMount : IAsyncDisposable
{
    private readonly string _folder;
    private readonly List<string> _lines = [];

    private TestMount(string folder, string path, Process daemon)
    {
        _folder = folder;
        Path = path;
        Daemon = daemon;
    }

    public Process Daemon { get; }

    public string Path { get; }

    /// <summary>Whether anything is mounted there.</summary>
    public bool IsMounted => MountEntry.Find(Path) != null;

    public static Task<TestMount> StartAsync(params string[] flags) => StartAsync(1, flags);

    /// <param name="validSeconds">The kernel caches names and attributes for so long.</param>
    /// <param name="flags">Of the daemon; "user": as an ordinary user; "at=PATH": there.</param>
    public static async Task<TestMount> StartAsync(ulong validSeconds, params string[] flags)
    {
        RequireFuse();
        var folder = Directory.CreateTempSubdirectory("dfs-fuse-").FullName;
        var path = System.IO.Path.Combine(folder, "m");
        Directory.CreateDirectory(path);
        path = flags.FirstOrDefault(f => f.StartsWith("at=", StringComparison.Ordinal))?[3..] ?? path;
        var program = System.IO.Path.Combine(AppContext.BaseDirectory, "DistFS.Fuse.Tests");
        string[] arguments = [path, $"{validSeconds}", .. flags];
        var start = new ProcessStartInfo(program, arguments);
        if (flags.Contains("user"))
        {
            await Shell.RunAsync(path, "chmod 755 $M/..; chown 65534:65534 $M");
            start = new ProcessStartInfo(
                "setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", program, .. arguments]);
        }

        start.UseShellExecute = false;
        start.RedirectStandardInput = start.RedirectStandardOutput = true;
        start.WorkingDirectory = "/";
        var mount = new TestMount(folder, path, Process.Start(start)!);
        try
        {
            await mount.LineAsync("ready");
            return mount;
        }
        catch
        {
            await mount.DisposeAsync();
            throw;
        }
    }

    /// <summary>The rest of the next line that begins so.</summary>
    public async Task<string> LineAsync(string prefix)
    {
        while (true)
        {
            var line = await Daemon.StandardOutput.ReadLineAsync().WaitAsync(Shell.Limit);
            Assert.True(line != null, $"the daemon ended; it said: {string.Join(" | ", _lines)}");
            _lines.Add(line);
            if (line.StartsWith(prefix, StringComparison.Ordinal))
            {
                return line[prefix.Length..].Trim();
            }

            Assert.False(line.StartsWith("failed", StringComparison.Ordinal), line);
        }
    }

    public async Task<string> AskAsync(string command)
    {
        await Daemon.StandardInput.WriteLineAsync(command);
        await Daemon.StandardInput.FlushAsync();
        return await LineAsync("ok");
    }

    /// <summary>Waits until an answer is the one that is expected.</summary>
    public async Task UntilAsync(string command, Func<string, bool> condition)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        var until = Environment.TickCount64 + (long)Eventually.Limit.TotalMilliseconds;
        while (!condition(await AskAsync(command)))
        {
            Assert.True(Environment.TickCount64 < until, $"{command} is not as expected in {Eventually.Limit}");
            await timer.WaitForNextTickAsync();
        }
    }

    /// <summary>After the order to unmount: it ends well, and nothing is left.</summary>
    public async Task EndsWellAsync()
    {
        Assert.Equal("destroyed=True defects=0", await LineAsync("ended"));
        await Shell.EndAsync(Daemon);
        Assert.Equal(0, Daemon.ExitCode);
        Assert.False(IsMounted);
    }

    public async ValueTask DisposeAsync()
    {
        if (!Daemon.HasExited)
        {
            Daemon.Kill();
            await Daemon.WaitForExitAsync();
        }

        Daemon.Dispose();
        if (IsMounted)
        {
            // Without a watchdog, or before it has done the same.
            await Shell.RunAsync(Path, "umount -l \"$M\" 2>/dev/null || true");
            await Eventually.True(() => !IsMounted);
        }

        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>These tests are nothing without the kernel, so they fail without it instead of passing.</summary>
    private static void RequireFuse() => Assert.True(
        File.Exists(KernelDevice.Path) && Environment.UserName == "root",
        $"The tests of DistFS.Fuse with the kernel need root and {KernelDevice.Path}.");
}
