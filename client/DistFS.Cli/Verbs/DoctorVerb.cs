using System.CommandLine;
using System.Text.Json.Serialization;
using DistFS.Cli.Output;
using DistFS.Native;
using DistFS.Primitives;
using Spectre.Console;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs doctor</c>: whether this machine can run DistFS, and what to do where it cannot.</summary>
internal sealed class DoctorVerb : Verb
{
    // A server with less is refused files and connections under load; what systemd gives its services as hard limit.
    private const long OpenFilesWanted = 65_536;
    private const long OpenFilesRequired = 1_024;

    private static readonly ByteSize SpaceWanted = ByteSize.GiB(10);
    private static readonly ByteSize SpaceRequired = ByteSize.MiB(256);

    private readonly Option<string?> _data = new("--data")
    {
        Description = "The folder that a server will use for its data [default: the folder for temporary files]",
        HelpName = "DIR",
    };

    public override string Summary => "Check that this machine can run DistFS, and say what to do";

    public override VerbGroup Group => VerbGroup.Tool;

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs doctor", "check libraries, limits, FUSE and configuration"),
        new("dfs doctor --data /srv/distfs", "check the disk that a server will use as well"),
        new("dfs doctor --json | jq -r '.checks[] | select(.result != \"ok\") | .todo'", "list what is to be done"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Options.Add(_data);
    }

    public override Task<int> RunAsync(VerbContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var data = context.Get(_data);
        var folder = Path.GetFullPath(string.IsNullOrEmpty(data) ? Path.GetTempPath() : data);
        if (!Directory.Exists(folder))
        {
            throw new DistFsException(
                ErrorCatalog.SystemCall,
                $"{folder} is no folder. Create it, or name another with --data.",
                status: FsStatus.NotFound);
        }

        Check[] checks =
        [
            CheckConfiguration(context),
            .. NativeSelfCheck.Run(folder).Select(OfNative),
            CheckSpace(folder),
            CheckOpenFiles(),
            .. CheckMount(context.Host.Environment),
        ];
        if (context.Json)
        {
            context.WriteJson(new DoctorReport(folder, checks), DoctorJson.Default.DoctorReport);
        }
        else
        {
            Show(context, checks);
        }

        return Task.FromResult(checks.Any(check => check.Result == CheckResult.Fail) ? ExitCodes.Failed : ExitCodes.Ok);
    }

    private static Check CheckConfiguration(VerbContext context)
    {
        try
        {
            var file = context.Configuration.File;
            return Check.Ok("configuration", file.Exists ? file.Path! : "defaults; no file");
        }
        catch (DistFsException e)
        {
            return Check.Fail("configuration", e.Code.Id, e.Message);
        }
    }

    private static Check OfNative(NativeCheckResult result) => result.Ok
        ? Check.Ok(result.Name, result.Detail)
        : Check.Fail(result.Name, result.Code?.Id ?? "", result.Error ?? "");

    private static Check CheckSpace(string folder)
    {
        const string Title = "space";
        try
        {
            var space = Posix.StatVfs(folder);
            var available = new ByteSize(space.AvailableBytes);
            var detail = $"{available} of {new ByteSize(space.TotalBytes)} free at {folder}";
            return space.IsReadOnly ? Check.Fail(Title, detail, "The file system is read-only: remount it 'rw'.")
                : available < SpaceRequired ? Check.Fail(Title, detail, $"Free space: {SpaceRequired} is needed.")
                : available < SpaceWanted ? Check.Warn(Title, detail, $"Fine for trying; a server wants {SpaceWanted}.")
                : Check.Ok(Title, detail);
        }
        catch (DistFsException e)
        {
            return Check.Fail(Title, e.Code.Id, e.Message);
        }
    }

    private static Check CheckOpenFiles()
    {
        const string Title = "open files";
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsMacOS())
        {
            return Check.Ok(Title, "no limit on this system");
        }

        // Servers raise the soft limit to the hard one themselves, so the hard one counts.
        var (soft, hard) = Posix.GetOpenFilesLimit();
        var detail = $"{soft} now, {hard} at most";
        var todo = $"Raise the hard limit of RLIMIT_NOFILE to {OpenFilesWanted} (LimitNOFILE= of systemd, "
            + "/etc/security/limits.conf, or 'ulimit -Hn').";
        return hard < OpenFilesRequired ? Check.Fail(Title, detail, todo)
            : hard < OpenFilesWanted ? Check.Warn(Title, detail, todo)
            : Check.Ok(Title, detail);
    }

    // Mounting is one of many uses: what only it needs is never a failure.
    private static IEnumerable<Check> CheckMount(Func<string, string?> environment)
    {
        if (OperatingSystem.IsWindows())
        {
            var dokan = Path.Combine(Environment.SystemDirectory, "dokan2.dll");
            return [File.Exists(dokan)
                ? Check.Ok("dokan", dokan)
                : Check.Warn("dokan", "not installed", "To mount, install Dokany 2 (https://dokan-dev.github.io).")];
        }

        if (!OperatingSystem.IsLinux())
        {
            return [Check.Warn("mount", "not on this system", "Mounts need Linux or Windows; all else works here.")];
        }

        return [CheckFuse(), CheckFuserMount(environment)];
    }

    private static Check CheckFuse()
    {
        const string Device = "/dev/fuse";
        if (!File.Exists(Device))
        {
            return Check.Warn(
                Device,
                "missing",
                "To mount, load the module ('modprobe fuse'), or give the container '--device /dev/fuse'.");
        }

        try
        {
            using var device = File.OpenHandle(Device, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            return Check.Ok(Device, "can be opened");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Check.Warn(Device, e.Message, "To mount, let this user open it (mode 0666), or mount as root.");
        }
    }

    private static Check CheckFuserMount(Func<string, string?> environment)
    {
        const string Program = "fusermount3";
        var found = (environment("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, Program))
            .FirstOrDefault(File.Exists);
        return found != null ? Check.Ok(Program, found)
            : Environment.IsPrivilegedProcess ? Check.Ok(Program, "missing, and root does not need it")
            : Check.Warn(Program, "missing", "To mount without root, install it: 'apt-get install fuse3'.");
    }

    private static void Show(VerbContext context, IReadOnlyList<Check> checks)
    {
        var table = Consoles.PlainTable("CHECK", "RESULT", "DETAIL");
        foreach (var check in checks)
        {
            var color = check.Result switch
            {
                CheckResult.Ok => Color.Green,
                CheckResult.Warn => Color.Yellow,
                _ => Color.Red,
            };
            table.AddRow(
                new Text(check.Name),
                new Text(check.Result.ToString().ToLowerInvariant(), new Style(color)),
                new Text(check.Detail));
            if (check.Todo != null)
            {
                table.AddRow(new Text(""), new Text(""), new Text("-> " + check.Todo));
            }
        }

        context.Out.Write(table);
    }
}

/// <summary>How a check ended.</summary>
internal enum CheckResult
{
    /// <summary>As it should be.</summary>
    [JsonStringEnumMemberName("ok")]
    Ok,

    /// <summary>Works, with a limit that the text names.</summary>
    [JsonStringEnumMemberName("warn")]
    Warn,

    /// <summary>DistFS does not work here.</summary>
    [JsonStringEnumMemberName("fail")]
    Fail,
}

/// <summary>A check of <c>dfs doctor</c>; <c>Todo</c> is null when there is nothing to do.</summary>
internal sealed record Check(string Name, CheckResult Result, string Detail, string? Todo)
{
    public static Check Ok(string name, string detail) => new(name, CheckResult.Ok, detail, null);

    public static Check Warn(string name, string detail, string todo) => new(name, CheckResult.Warn, detail, todo);

    public static Check Fail(string name, string detail, string todo) => new(name, CheckResult.Fail, detail, todo);
}

/// <summary>The document of <c>dfs doctor --json</c>.</summary>
internal sealed record DoctorReport(string Folder, Check[] Checks);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DoctorReport))]
internal sealed partial class DoctorJson : JsonSerializerContext;
