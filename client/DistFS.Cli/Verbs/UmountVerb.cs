using System.CommandLine;
using System.Diagnostics;
using DistFS.Cli.Local;
using DistFS.Primitives;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs umount</c>: takes a mount away, and waits until what was written is sent.</summary>
internal sealed class UmountVerb : Verb
{
    /// <summary>Longer than a process tries: 30 s for what was written, 30 s for names.</summary>
    private static readonly TimeSpan SendingLimit = TimeSpan.FromMinutes(2);

    /// <summary>After so long it is said what is waited for.</summary>
    private static readonly TimeSpan QuietTime = TimeSpan.FromSeconds(1);

    /// <summary>umount(8) by itself: it would run umount.fuse.distfs, which runs this.</summary>
    private const string Internally = "-i";

    private readonly Argument<string> _mountPoint = new("dir") { Description = "As it was given to 'dfs mount'" };

    private readonly Option<bool> _lazy = new("--lazy", "-l")
    {
        Description = "Out of sight at once, though something is open in it; nothing is waited for",
    };

    public override string Summary => "Take a mounted cluster away; all that was written is sent";

    public override VerbGroup Group => VerbGroup.Files;

    public override IReadOnlyList<Example> Examples => [new("dfs umount /mnt/dfs", "unmount what 'dfs mount' mounted")];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Arguments.Add(_mountPoint);
        command.Options.Add(_lazy);
    }

    public override async Task<int> RunAsync(VerbContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var mountPoint = MountLine.PathOf(context.Get(_mountPoint));
        var mounted = MountLine.Find(mountPoint);
        var folders = (mounted ?? new MountLine(mountPoint, null)).Folders(context.Host.Environment);

        // Before it is taken away: afterwards one that has sent everything is not to be seen any more.
        var serving = SendingFile.Find(mountPoint, folders).Where(static one => one.IsHeld).ToList();
        if (mounted == null && serving.Count == 0)
        {
            throw new DistFsException(ErrorCatalog.MountFailed, $"{mountPoint}: no cluster is mounted there.");
        }

        if (mounted != null)
        {
            await UnmountAsync(context, mountPoint).ConfigureAwait(false);
        }

        if (context.Get(_lazy))
        {
            return ExitCodes.Ok;
        }

        if (serving.Count == 0)
        {
            throw new DistFsException(
                ErrorCatalog.MountUnsent,
                $"{mountPoint} is taken away, but its process is not to be found, so nobody knows what was sent.");
        }

        foreach (var one in serving)
        {
            await SentAsync(context, mountPoint, one).ConfigureAwait(false);
        }

        return ExitCodes.Ok;
    }

    private async Task UnmountAsync(VerbContext context, string mountPoint)
    {
        List<string> command = Environment.IsPrivilegedProcess ? ["umount", Internally] : ["fusermount3", "-u"];
        if (context.Get(_lazy))
        {
            command.Add(Environment.IsPrivilegedProcess ? "-l" : "-z");
        }

        var start = new ProcessStartInfo(command[0], [.. command.Skip(1), "--", mountPoint])
        {
            UseShellExecute = false,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var said = await process.StandardError.ReadToEndAsync(context.Cancellation).ConfigureAwait(false);
        await process.WaitForExitAsync(context.Cancellation).ConfigureAwait(false);
        if (process.ExitCode != 0)
        {
            throw new DistFsException(ErrorCatalog.MountFailed, said.Trim());
        }
    }

    private static async Task SentAsync(VerbContext context, string mountPoint, SendingFile.Seen serving)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        string? why;
        for (var (begun, isTold) = (Stopwatch.GetTimestamp(), false); serving.Read(out why);)
        {
            var waited = Stopwatch.GetElapsedTime(begun);
            if (waited > SendingLimit)
            {
                throw new DistFsException(
                    ErrorCatalog.MountUnsent,
                    $"{mountPoint} is taken away, but process {serving.ProcessId} has not sent everything within "
                        + $"{SendingLimit.TotalSeconds:0} s. It goes on.");
            }

            if (!isTold && waited > QuietTime)
            {
                isTold = true;
                context.Note($"{mountPoint}: process {serving.ProcessId} is sending what was written");
            }

            await timer.WaitForNextTickAsync(context.Cancellation).ConfigureAwait(false);
        }

        if (why != null)
        {
            File.Delete(serving.Path);
            throw new DistFsException(
                ErrorCatalog.MountUnsent,
                $"{mountPoint} is taken away. "
                    + (why.Length > 0 ? why : $"Process {serving.ProcessId} died before it had sent everything."));
        }
    }
}
