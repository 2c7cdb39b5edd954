using System.CommandLine;
using System.Diagnostics;
using DistFS.Cli.Local;
using DistFS.Client;
using DistFS.Fuse;
using DistFS.Mount;
using DistFS.Primitives;
using DistFS.Vfs;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs mount</c>: the cluster as a directory of this machine.</summary>
internal sealed class MountVerb : Verb
{
    /// <summary>A client that dies holds up others for so long.</summary>
    private static readonly TimeSpan SessionLease = TimeSpan.FromSeconds(10);

    /// <summary>Programs wait for so long for a cluster that does not answer; then they get EIO.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly Argument<string> _mountPoint = new("dir")
    {
        Description = "A directory of this machine; what is in it is out of sight meanwhile",
    };

    private readonly Option<string> _durability = new Option<string>("--durability")
    {
        Description =
            "posix: fsync makes durable, the rest is sent within a second; close: closing does; sync: each write",
        DefaultValueFactory = static _ => "posix",
    }.AcceptOnlyFromAmong("posix", "close", "sync");

    private readonly Option<bool> _readOnly = new("--read-only") { Description = "Nothing can be changed through it" };

    private readonly Option<string> _subdirectory = new("--subdir")
    {
        Description = "Mount this directory of the cluster",
        HelpName = "PATH",
        DefaultValueFactory = static _ => "/",
    };

    private readonly Option<ByteSize> _memory = CliArguments.Memory(
        "For content and names that are kept here", VfsOptions.MemoryDefault);

    private readonly Option<bool> _allowOther = new("--allow-other")
    {
        Description = "Other users may use it too; always so when root mounts",
    };

    private readonly Option<string?> _fsName = new("--fsname")
    {
        Description = "What the mount table has as its source [default: distfs:METASERVER, the first one]",
        HelpName = "NAME",
    };

    private readonly Option<bool> _foreground = new("--foreground", "-f")
    {
        Description = "Serve it in this process, until ^C or 'dfs umount'",
    };

    private readonly Option<string?> _log = new("--log")
    {
        Description = "Where its process writes what goes wrong [default: beside the state of this user]",
        HelpName = "FILE",
    };

    private readonly Option<bool> _stats = new("--stats")
    {
        Description = "Mount nothing: show what a mount was asked, and how fast it answered; on a terminal until ^C",
    };

    public override string Summary => "Mount the cluster on a directory";

    public override VerbGroup Group => VerbGroup.Files;

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs mount /mnt/dfs", "mount the cluster; 'dfs umount /mnt/dfs' takes it away"),
        new("dfs mount --durability close --subdir /home ~/cluster", "mount a part of it; close is fsync"),
        new("dfs mount --stats /mnt/dfs", "operations, latencies and bytes of a mount, each second"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Arguments.Add(_mountPoint);
        command.Options.Add(_durability);
        command.Options.Add(_readOnly);
        command.Options.Add(_subdirectory);
        command.Options.Add(_memory);
        command.Options.Add(_allowOther);
        command.Options.Add(_fsName);
        command.Options.Add(_foreground);
        command.Options.Add(_log);
        command.Options.Add(_stats);
    }

    public override Task<int> RunAsync(VerbContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (!OperatingSystem.IsLinux())
        {
            throw new DistFsException(ErrorCatalog.MountFailed, "A cluster is mounted on Linux only as yet.");
        }

        if (context.Get(_stats))
        {
            return StatsAsync(context);
        }

        if (context.Get(_fsName) is { } name && (name.AsSpan().ContainsAny("\\ \t\n") || name is "" or ['-', ..]))
        {
            throw UsageError.Because(this, "--fsname is one word without backslashes.");
        }

        var mountPoint = MountLine.PathOf(context.Get(_mountPoint));
        return MountLine.Find(mountPoint) != null
            ? throw new DistFsException(
                ErrorCatalog.MountFailed,
                $"{mountPoint}: a cluster is mounted there already; 'dfs umount' takes it away.")
            : context.Get(_foreground) ? ServeAsync(context) : StartAsync(context);
    }

    private Task<int> StatsAsync(VerbContext context)
    {
        var mountPoint = MountLine.PathOf(context.Get(_mountPoint));
        var line = MountLine.Find(mountPoint) ?? throw new DistFsException(
            ErrorCatalog.MountFailed, $"{mountPoint}: no cluster is mounted there.");
        return new MountStats(context, mountPoint, line.Folders(context.Host.Environment)).ShowAsync();
    }

    [System.Runtime.Versioning.SupportedOSPlatform("linux")]
    private async Task<int> ServeAsync(VerbContext context)
    {
        var cluster = context.Settings.RequireCluster();
        var durability = context.Get(_durability) switch
        {
            "close" => VfsDurability.Close,
            "sync" => VfsDurability.Sync,
            _ => VfsDurability.Posix,
        };
        var mountPoint = MountLine.PathOf(context.Get(_mountPoint));
        var log = new MountLog(text => context.Host.Error.WriteLine($"{DateTime.UtcNow:s} {text}"));
        using var sending = BeginSending(context, mountPoint, log);
        var failures = new RecentFailures(TimeProvider.System);
        var (isEnding, failure) = (false, (DistFsException?)null);
        var options = new MountOptions
        {
            MountPoint = mountPoint,
            Subdirectory = context.Get(_subdirectory),
            Source = context.Get(_fsName) ?? $"distfs:{cluster[0]}",
            AllowOther = context.Get(_allowOther) || Environment.IsPrivilegedProcess,
            Client = new DistFsClientOptions
            {
                Metaservers = cluster,
                Agent = $"dfs mount {ProductVersion.Current.Version}",
                Patience = Patience,
                SessionLease = SessionLease,
                MemoryMax = context.Get(_memory).Bytes,
            },
            Vfs = new VfsOptions
            {
                MemoryMax = context.Get(_memory).Bytes,
                Durability = durability,
                IsReadOnly = context.Get(_readOnly),
                Failed = e =>
                {
                    log.Tell($"{e.Code}: {e.Message}");
                    failures.Add(e);
                    failure ??= Volatile.Read(ref isEnding) ? e : null;
                },
            },
            Defect = text => log.Tell($"defect: {text}"),
        };
        ClusterMount mount;
        try
        {
            mount = await ClusterMount.MountAsync(options, context.Cancellation).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // Nothing was written through it.
            sending?.Sent();
            if (e is FuseException)
            {
                throw new DistFsException(ErrorCatalog.MountFailed, e.Message, e);
            }

            throw;
        }

        await using (mount.ConfigureAwait(false))
        {
            var socket = Answer(context, mount, options, failures, log);
            try
            {
                new MountLog(context.Host.Out.WriteLine).Tell($"{mount.MountPoint}: mounted. {Promise(durability)}");
                var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                using var registration = context.Cancellation.Register(() => stopped.TrySetResult());
                await Task.WhenAny(stopped.Task, mount.Completion).ConfigureAwait(false);
                Volatile.Write(ref isEnding, true);
            }
            finally
            {
                if (socket != null)
                {
                    await socket.DisposeAsync().ConfigureAwait(false);
                }
            }
        }

        if (failure is { } lost)
        {
            sending?.Failed($"{lost.Code}: {lost.Message}");
            throw new DistFsException(ErrorCatalog.MountUnsent, lost.Message, lost);
        }

        sending?.Sent();
        return ExitCodes.Ok;
    }

    /// <summary>Null: 'dfs mount --stats' and 'dfs why' will find nobody.</summary>
    [System.Runtime.Versioning.SupportedOSPlatform("linux")]
    private static IAsyncDisposable? Answer(
        VerbContext context, ClusterMount mount, MountOptions options, RecentFailures failures, MountLog log)
    {
        try
        {
            return MountSocket.Serve(
                mount.MountPoint,
                SendingFile.FolderOf(null, context.Host.Environment),
                () => MountSocket.Describe(mount, options, failures));
        }
        catch (Exception e) when (e is DistFsException or IOException or UnauthorizedAccessException)
        {
            log.Tell($"Nobody can ask how this mount is doing: {e.Message}");
            return null;
        }
    }

    /// <summary>Null: 'dfs umount' will not know when everything is sent, and say so.</summary>
    private static SendingFile? BeginSending(VerbContext context, string mountPoint, MountLog log)
    {
        try
        {
            return SendingFile.Begin(mountPoint, SendingFile.FolderOf(null, context.Host.Environment));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.Tell($"'dfs umount' will not know when everything is sent: {e.Message}");
            return null;
        }
    }

    /// <summary>In a process of a session of its own, so that the end of this terminal does not reach it.</summary>
    private async Task<int> StartAsync(VerbContext context)
    {
        var mountPoint = MountLine.PathOf(context.Get(_mountPoint));
        var log = context.Get(_log) is { } given ? Path.GetFullPath(given) : DefaultLog(mountPoint);
        Directory.CreateDirectory(Path.GetDirectoryName(log)!);
        var said = File.Exists(log) ? new FileInfo(log).Length : 0;
        const string Detached = """exec "$0" "$@" >>"$DISTFS_LOG" 2>&1 </dev/null""";
        var start = new ProcessStartInfo("setsid", ["sh", "-c", Detached, Environment.ProcessPath!, .. Arguments()])
        {
            UseShellExecute = false,
        };
        start.Environment["DISTFS_LOG"] = log;
        using var process = Process.Start(start)!;
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        for (var begun = Stopwatch.GetTimestamp(); MountLine.Find(mountPoint) == null;)
        {
            if (process.HasExited || Stopwatch.GetElapsedTime(begun) > StartLimit)
            {
                throw new DistFsException(ErrorCatalog.MountEnded, $"{LastErrorOf(log, said)} (log: {log})");
            }

            await timer.WaitForNextTickAsync(context.Cancellation).ConfigureAwait(false);
        }

        context.Note($"{mountPoint}: mounted by process {process.Id}; log: {log}");
        return ExitCodes.Ok;

        IEnumerable<string> Arguments()
        {
            yield return Name;
            yield return mountPoint;
            yield return "--foreground";
            yield return "--cluster";
            yield return string.Join(',', context.Settings.RequireCluster());
            yield return "--durability";
            yield return context.Get(_durability);
            yield return "--subdir";
            yield return context.Get(_subdirectory);
            yield return "--mem";
            yield return $"{context.Get(_memory).Bytes}";
            if (context.Get(_fsName) is { } name)
            {
                yield return "--fsname";
                yield return name;
            }

            if (context.Get(_readOnly))
            {
                yield return "--read-only";
            }

            if (context.Get(_allowOther))
            {
                yield return "--allow-other";
            }
        }
    }

    /// <summary>Of what was said since: below an error stands where to read more.</summary>
    private static string LastErrorOf(string log, long since)
    {
        const string Mark = "dfs: ";
        using var file = File.OpenRead(log);
        file.Position = Math.Min(since, file.Length);
        using var reader = new StreamReader(file);
        var lines = reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).ToList();
        return lines.FindLast(static line => line.StartsWith(Mark, StringComparison.Ordinal)) is { } error
            ? error[Mark.Length..] : lines.LastOrDefault() ?? "it said nothing";
    }

    private static string Promise(VfsDurability durability) => durability switch
    {
        VfsDurability.Close => "Durability close: what was written is on disks when its file is closed.",
        VfsDurability.Sync => "Durability sync: each change is on disks when it returns.",
        _ => "Durability posix: with fsync; all else reaches the cluster within a second, in order.",
    };

    private static string DefaultLog(string mountPoint)
    {
        var state = Environment.GetEnvironmentVariable("XDG_STATE_HOME") is { Length: > 0 } given ? given
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local", "state");
        return Path.Combine(state, "distfs", $"mount{mountPoint.Replace('/', '-')}.log");
    }
}
