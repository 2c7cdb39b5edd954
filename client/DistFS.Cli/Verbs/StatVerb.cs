using System.CommandLine;
using System.Globalization;
using System.Text.Json.Serialization;
using DistFS.Cli.Output;
using DistFS.Client;
using DistFS.Primitives;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs stat</c>: the attributes of files.</summary>
internal sealed class StatVerb : ClusterVerb
{
    private readonly Argument<string[]> _paths = Paths("Files or directories");

    public override string Summary => "Show the attributes of files and directories";

    public override IReadOnlyList<Example> Examples =>
        [new("dfs stat --json /data/a | jq .size", "take the size in a script")];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Arguments.Add(_paths);
    }

    protected override Task<int> RunAsync(VerbContext context, DistFsClient client) =>
        ForEachAsync(context, context.Get(_paths), async path =>
        {
            var status = await client.StatAsync(path, followsLink: false, context.Cancellation).ConfigureAwait(false);
            var report = new StatReport(
                path,
                status.Inode.Value,
                status.Kind.ToString(),
                ModeText.Of(status),
                status.Uid,
                status.Gid,
                status.Links,
                status.Size,
                status.Allocated,
                TimeText(status.ModifyTime),
                TimeText(status.ChangeTime),
                TimeText(status.BirthTime));
            if (context.Json)
            {
                context.WriteJson(report, StatJson.Default.StatReport);
                return;
            }

            context.Host.Out.WriteLine($"""
                {Printable.Of(path)}
                  {report.Kind}, inode {report.Inode}, {report.Links} links
                  {report.Mode}, uid {report.Uid}, gid {report.Gid}
                  size {report.Size}, stored {report.Allocated}
                  modified {report.Modified}
                  changed  {report.Changed}
                  born     {report.Born}
                """);
        });

    private static string TimeText(FileTime time) =>
        DateTimeOffset.FromUnixTimeSeconds(time.Seconds).AddTicks(time.Nanoseconds / 100)
            .ToString("yyyy-MM-dd HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture);
}

/// <summary>The document of <c>dfs stat --json</c>; sizes in bytes.</summary>
internal sealed record StatReport(
    string Path,
    ulong Inode,
    string Kind,
    string Mode,
    uint Uid,
    uint Gid,
    uint Links,
    long Size,
    long Allocated,
    string Modified,
    string Changed,
    string Born);

[JsonSerializable(typeof(StatReport))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class StatJson : JsonSerializerContext;
