using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using DistFS.Cli.Output;
using DistFS.Client;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs stat</c>: the attributes of files.</summary>
internal sealed class StatVerb() : ReportVerb<StatReport>("Files or directories")
{
    public override string Summary => "Show the attributes of files and directories";

    public override IReadOnlyList<Example> Examples =>
        [new("dfs stat --json /data/a | jq .size", "take the size in a script")];

    protected override JsonTypeInfo<StatReport> Type => StatJson.Default.StatReport;

    protected override async Task<StatReport> LookAsync(VerbContext context, DistFsClient client, string path)
    {
        var status = await client.StatAsync(path, followsLink: false, context.Cancellation).ConfigureAwait(false);
        return new StatReport(
            path,
            status.Inode.Value,
            status.Kind.ToString(),
            ModeText.Of(status),
            status.Uid,
            status.Gid,
            status.Links,
            status.Size,
            status.Allocated,
            FileTimeText.Exact(status.AccessTime),
            FileTimeText.Exact(status.ModifyTime),
            FileTimeText.Exact(status.ChangeTime),
            FileTimeText.Exact(status.BirthTime));
    }

    protected override void Show(VerbContext context, StatReport report) => context.Host.Out.WriteLine($"""
        {Printable.Of(report.Path)}
          {report.Kind}, inode {report.Inode}, {report.Links} links
          {report.Mode}, uid {report.Uid}, gid {report.Gid}
          size {report.Size}, stored {report.Allocated}
          read     {report.Accessed}
          modified {report.Modified}
          changed  {report.Changed}
          born     {report.Born}
        """);
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
    string Accessed,
    string Modified,
    string Changed,
    string Born);

[JsonSerializable(typeof(StatReport))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class StatJson : JsonSerializerContext;
