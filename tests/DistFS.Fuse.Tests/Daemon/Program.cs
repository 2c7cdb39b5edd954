using System.Globalization;
using System.Runtime.Versioning;
using DistFS.Fuse.Tests.Memory;

namespace DistFS.Fuse.Tests.Daemon;

/// <summary>
/// The daemon of the kernel's tests: serves <see cref="MemoryFileSystem"/> and obeys lines of its standard input. Says
/// "ready" when it is mounted, "ok ..." to each command, and "ended" when nothing is served any more.
/// </summary>
[SupportedOSPlatform("linux")]
internal static class Program
{
    public static async Task<int> Main(string[] arguments)
    {
        var point = arguments[0];
        var valid = ulong.Parse(arguments[1], CultureInfo.InvariantCulture);
        var flags = arguments[2..].ToHashSet();
        var files = new MemoryFileSystem(valid);
        var observer = new ConsoleObserver();
        FuseMount mount;
        try
        {
            mount = await FuseMount.MountAsync(point, files, new FuseMountOptions
            {
                Source = "memory,of:tests",
                Subtype = "distfstest",
                DefaultPermissions = true,
                AllowOther = flags.Contains("allow-other"),
                Watchdog = !flags.Contains("no-watchdog"),
                BusyTimeout = TimeSpan.FromSeconds(flags.Contains("impatient") ? 1 : 10),
                Server = new FuseOptions
                {
                    Features = MemoryFileSystem.Features,
                    Observer = observer,
                    DrainTimeout = TimeSpan.FromSeconds(2),
                },
            });
        }
        catch (FuseException e)
        {
            Console.WriteLine($"failed {e.Error} {e.Message}");
            return 1;
        }

        Console.WriteLine("ready");
        _ = Task.Run(() => ObeyAsync(mount, files));
        await mount.Completion.ContinueWith(_ => { }, TaskScheduler.Default);
        await mount.DisposeAsync();
        Console.WriteLine($"ended destroyed={files.IsDestroyed} defects={observer.Defects}");
        return observer.Defects == 0 ? 0 : 3;
    }

    private static async Task ObeyAsync(FuseMount mount, MemoryFileSystem files)
    {
        while (await Console.In.ReadLineAsync() is { } line)
        {
            var words = line.Split(' ');
            var answer = words[0] switch
            {
                "grow" => files.Grow(words[1], long.Parse(words[2], CultureInfo.InvariantCulture)).ToString(
                    CultureInfo.InvariantCulture),
                "invalidate" => (await mount.Server.Notifier.InvalidateInodeAsync(
                    ulong.Parse(words[1], CultureInfo.InvariantCulture), -1)).ToString(),
                "forget-name" => (await mount.Server.Notifier.InvalidateEntryAsync(
                    1, System.Text.Encoding.UTF8.GetBytes(words[1]))).ToString(),
                "post-forget-name" => mount.Server.Notifier.TryInvalidateEntry(
                    1, System.Text.Encoding.UTF8.GetBytes(words[1])).ToString(),
                "expire-name" => (await mount.Server.NameNotifier.InvalidateEntryAsync(
                    1, System.Text.Encoding.UTF8.GetBytes(words[1]), EntryFlags.ExpireOnly)).ToString(),
                "forget-content" => (await mount.Server.Notifier.InvalidateInodeAsync(
                    ulong.Parse(words[1], CultureInfo.InvariantCulture))).ToString(),
                "post-forget-content" => mount.Server.Notifier.TryInvalidateInode(
                    ulong.Parse(words[1], CultureInfo.InvariantCulture)).ToString(),
                "queued" => mount.Server.Notifier.Queued.ToString(CultureInfo.InvariantCulture),
                "blocked" => files.Blocked.ToString(CultureInfo.InvariantCulture),
                "interrupted" => files.InterruptedReads.ToString(CultureInfo.InvariantCulture),
                "inflight" => $"{mount.Server.InFlight} {mount.Server.InFlightBytes}",
                "nodes" => files.NodeCount.ToString(CultureInfo.InvariantCulture),
                "unmount" => Unmount(mount),
                _ => "what?",
            };
            Console.WriteLine($"ok {answer}");
        }
    }

    private static string Unmount(FuseMount mount)
    {
        _ = mount.UnmountAsync();
        return "";
    }

    private sealed class ConsoleObserver : IFuseObserver
    {
        private int _defects;

        public int Defects => Volatile.Read(ref _defects);

        public void Defect(Opcode opcode, ulong unique, string what, Exception? error)
        {
            Interlocked.Increment(ref _defects);
            Console.Error.WriteLine($"defect {opcode} {unique}: {what} {error}");
        }

        public void Slow(Opcode opcode, ulong unique, TimeSpan age) =>
            Console.Error.WriteLine($"slow {opcode} {unique}: {age}");
    }
}
