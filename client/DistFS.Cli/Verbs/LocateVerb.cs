using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using DistFS.Cli.Output;
using DistFS.Client;
using DistFS.Primitives;
using Spectre.Console;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs locate</c>: which servers have a file.</summary>
internal sealed class LocateVerb() : ReportVerb<LocateReport>("Files")
{
    public override string Summary => "Show which chunk servers have the bytes of a file";

    public override IReadOnlyList<Example> Examples =>
        [new("dfs locate /data/big", "show each chunk with its servers, in the order of the chain")];

    protected override JsonTypeInfo<LocateReport> Type => LocateJson.Default.LocateReport;

    protected override async Task<LocateReport> LookAsync(VerbContext context, DistFsClient client, string path)
    {
        var found = await client.GetBlockLocationsAsync(path, cancellation: context.Cancellation)
            .ConfigureAwait(false);
        return new LocateReport(path, [.. found.Select(static range => new LocateRange(
            range.Offset,
            range.Length,
            range.Chunk.ToString(),
            [.. range.Replicas.Select(static one => new LocateReplica(one.Server.Value, one.Address, one.Rack))]))]);
    }

    protected override void Show(VerbContext context, LocateReport report)
    {
        var table = Consoles.PlainTable("OFFSET", "LENGTH", "CHUNK", "SERVERS");
        foreach (var range in report.Ranges)
        {
            table.AddRow(
                new Text($"{range.Offset}"),
                new Text($"{new ByteSize(range.Length)}"),
                new Text(range.Chunk),
                new Text(string.Join(", ", range.Servers.Select(static one => $"{one.Id} {one.Address}"))));
        }

        if (report.Ranges.Length == 0)
        {
            context.Host.Out.WriteLine(
                $"{report.Path}: in no chunk; what is short stands in the metadata, at the metaservers.");
            return;
        }

        context.Out.Write(table);
    }
}

/// <summary>The document of <c>dfs locate --json</c>; holes and the content of small files are in no range.</summary>
internal sealed record LocateReport(string Path, LocateRange[] Ranges);

/// <summary>A range, in bytes, and who has it, the head of the chain first.</summary>
internal sealed record LocateRange(long Offset, long Length, string Chunk, LocateReplica[] Servers);

/// <summary>A server.</summary>
internal sealed record LocateReplica(uint Id, string Address, string Rack);

[JsonSerializable(typeof(LocateReport))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class LocateJson : JsonSerializerContext;
