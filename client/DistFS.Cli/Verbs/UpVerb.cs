using System.CommandLine;
using System.Diagnostics;
using DistFS.Cli.Local;
using DistFS.Cli.Output;
using DistFS.Primitives;
using Spectre.Console;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs up</c>: a whole cluster on this machine.</summary>
internal sealed class UpVerb : Verb
{
    /// <summary>Where a cluster is if nothing else is said.</summary>
    public const string DefaultFolder = "distfs-cluster";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly Argument<string> _folder = new("folder")
    {
        Description = $"Has all of the cluster [default {DefaultFolder}]",
        DefaultValueFactory = static _ => DefaultFolder,
    };

    private readonly Option<int> _metaservers =
        CliArguments.Number("--metaservers", "Of a new cluster: how many metaservers", byDefault: 3, min: 1, max: 7);

    private readonly Option<int> _servers =
        CliArguments.Number("--servers", "Of a new cluster: how many chunk servers", byDefault: 4, min: 1, max: 64);

    private readonly Option<bool> _embedded = new("--embedded")
    {
        Description = "A new cluster is one process, of one metaserver and one chunk server, and keeps one copy",
    };

    private readonly Option<string?> _mount = new("--mount")
    {
        Description = "Mount it there too, now and whenever it is brought up",
        HelpName = "DIR",
    };

    public override string Summary => "Start a whole cluster on this machine, or what of it does not run";

    public override VerbGroup Group => VerbGroup.Cluster;

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs up", $"run 3 metaservers and 4 chunk servers in ./{DefaultFolder}"),
        new("dfs up /srv/dfs --metaservers 1 --servers 2", "run a small one elsewhere"),
        new("dfs up ~/dfs --embedded", "run the smallest there is: one process"),
        new("dfs up --mount ./mnt", "mount it on a directory too"),
        new("dfs up", "bring back what was killed, with its data"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Arguments.Add(_folder);
        command.Options.Add(_metaservers);
        command.Options.Add(_servers);
        command.Options.Add(_embedded);
        command.Options.Add(_mount);
        command.Validators.Add(result =>
        {
            if (result.GetValue(_embedded)
                && (result.GetResult(_metaservers) ?? result.GetResult(_servers)) is { Implicit: false })
            {
                result.AddError("--embedded is one process: it takes neither --metaservers nor --servers.");
            }
        });
    }

    public override async Task<int> RunAsync(VerbContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (!OperatingSystem.IsLinux())
        {
            throw new DistFsException(
                ErrorCatalog.PlatformUnsupported,
                "'dfs up' starts processes as Linux does; start each by itself here.");
        }

        var folder = Path.GetFullPath(context.Get(_folder));
        var began = Stopwatch.GetTimestamp();
        var cluster = LocalCluster.Find(folder)
            ?? (context.Get(_embedded)
                ? LocalCluster.PlanEmbedded(folder)
                : LocalCluster.Plan(folder, context.Get(_metaservers), context.Get(_servers)));
        await cluster.UpAsync(Limit, context.Cancellation).ConfigureAwait(false);
        var mount = context.Get(_mount) is { } directory ? MountLine.PathOf(directory) : cluster.Mount;
        if (mount != null)
        {
            await cluster.MountAsync(mount, context.Cancellation).ConfigureAwait(false);
        }

        var addresses = string.Join(',', cluster.Metaservers);
        if (context.Json)
        {
            context.WriteJson(
                new LocalClusterFile(
                    [.. cluster.Metaservers.Select(static one => one.ToString())], [.. cluster.Nodes], cluster.Mount),
                LocalClusterJson.Default.LocalClusterFile);
            return ExitCodes.Ok;
        }

        var table = Consoles.PlainTable("PROCESS", "PID", "ADDRESS", "DATA", "LOG");
        foreach (var node in cluster.Nodes)
        {
            table.AddRow(
                new Text($"{node.Role} {node.Id}"),
                new Text($"{node.Pid}"),
                new Text(node.Address),
                new Text(node.Data),
                new Text(node.Log));
        }

        context.Out.Write(table);
        context.Host.Out.WriteLine($"""

            The cluster serves ({Duration.ForPeople(Stopwatch.GetElapsedTime(began))}). Use it from here:
              export {Configuration.SettingKey.Cluster.Variable}={addresses}
              dfs status
              dfs put FILE /
              dfs ls -l /{(mount == null ? "" : $"{Environment.NewLine}It is mounted at {mount}.")}
            'dfs down {context.Get(_folder)}' stops it.
            """);
        return ExitCodes.Ok;
    }
}
