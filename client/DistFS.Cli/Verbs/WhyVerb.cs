using System.CommandLine;
using DistFS.Cli.Health;
using DistFS.Cli.Local;
using DistFS.Cli.Output;
using DistFS.Primitives;
using Spectre.Console;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs why</c>: a program got an error from a mount; what was it?</summary>
internal sealed class WhyVerb : Verb
{
    private readonly Argument<string> _path = new("path")
    {
        Description = "Of this machine: a mount, or something in it",
    };

    public override string Summary => "Say why a mount answered with an error";

    public override VerbGroup Group => VerbGroup.Files;

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs why /mnt/dfs/report.pdf", "what the mount could not do of late, with codes for 'dfs explain'"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Arguments.Add(_path);
    }

    public override async Task<int> RunAsync(VerbContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (!OperatingSystem.IsLinux())
        {
            throw new DistFsException(ErrorCatalog.MountFailed, "A cluster is mounted on Linux only as yet.");
        }

        var given = MountLine.PathOf(context.Get(_path));
        var line = MountLine.FindAbove(given) ?? throw new DistFsException(
            ErrorCatalog.MountFailed, $"{given}: no cluster is mounted there, nor above it.");
        var mountPoint = line.MountPoint;
        var report = MountReport.Of(await MountSocket
            .AskAsync(mountPoint, line.Folders(context.Host.Environment), context.Cancellation)
            .ConfigureAwait(false));
        if (context.Json)
        {
            context.WriteJson(report, MountReportJson.Default.MountReport);
            return ExitCodes.Ok;
        }

        context.Host.Out.WriteLine(report.Heard
            ? $"{mountPoint}: process {report.Pid} serves it, and the metaservers are heard."
            : $"{mountPoint}: process {report.Pid} serves it, but no metaserver that leads is heard: it waits, and "
                + $"goes on by itself. Metaservers: {string.Join(", ", report.Metaservers)}");
        if (report.Failures.Length == 0)
        {
            context.Host.Out.WriteLine("It was able to do all that it was asked.");
            return ExitCodes.Ok;
        }

        var table = Consoles.PlainTable("LAST (UTC)", "TIMES", "CODE", "WHAT");
        foreach (var one in report.Failures)
        {
            table.AddRow(
                new Text($"{one.Last:yyyy-MM-dd HH:mm:ss}"),
                new Text($"{one.Times}"),
                new Text(one.Code),
                new Text(one.Message));
        }

        context.Out.Write(table);
        context.Host.Out.WriteLine("'dfs explain CODE' says what to do.");
        return ExitCodes.Ok;
    }
}
