using System.CommandLine;
using System.Globalization;
using System.Text.Json.Serialization;
using DistFS.Cli.Output;
using DistFS.Client;
using DistFS.Primitives;
using Spectre.Console;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs df</c>: how full the cluster is.</summary>
internal sealed class DfVerb : ClusterVerb
{
    /// <summary>Of what the cluster stores, unless a directory says otherwise.</summary>
    private const int CopiesByDefault = 3;

    private readonly Option<bool> _human = new("--human", "-h")
    {
        Description = "Sizes with units, as they are in any case; help is --help",
    };

    public override string Summary => "Show how full the cluster is";

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs df", "show the capacity of the servers, and what fits into what is free"),
        new("dfs df --json | jq .availableBytes", "take a number in a script"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Options.Add(_human);
    }

    protected override async Task<int> RunAsync(VerbContext context, DistFsClient client)
    {
        var servers = await client.GetServersAsync(context.Cancellation).ConfigureAwait(false);
        var lines = servers.Select(LineOf).ToArray();
        var report = new DfReport(
            lines.Sum(static one => one.CapacityBytes),
            lines.Sum(static one => one.UsedBytes),
            lines.Sum(static one => one.AvailableBytes),
            lines.Sum(static one => one.AvailableBytes) / CopiesByDefault,
            lines);
        if (context.Json)
        {
            context.WriteJson(report, DfJson.Default.DfReport);
            return ExitCodes.Ok;
        }

        var table = Consoles.NumberTable("SERVER", "SIZE", "USED", "AVAIL", "USE%", "STATE");
        foreach (var line in lines)
        {
            Add($"{line.Server}", line.CapacityBytes, line.UsedBytes, line.AvailableBytes, line.State);
        }

        Add("all", report.CapacityBytes, report.UsedBytes, report.AvailableBytes, "");
        context.Out.Write(table);
        context.Host.Out.WriteLine(
            $"{new ByteSize(report.AvailableForFilesBytes)} of files fit, with {CopiesByDefault} copies of each");
        return ExitCodes.Ok;

        void Add(string name, long size, long used, long available, string state) => table.AddRow(
            new Text(name),
            new Text($"{new ByteSize(size)}"),
            new Text($"{new ByteSize(used)}"),
            new Text($"{new ByteSize(available)}"),
            new Text(size == 0 ? "-" : string.Create(CultureInfo.InvariantCulture, $"{used * 100.0 / size:0}%")),
            new Text(state));
    }

    /// <summary>Nothing goes to a server that is full, leaves or is away, however much is free there.</summary>
    private static DfServer LineOf(ChunkServerStatus server) => new(
        server.Id.Value,
        server.State,
        server.CapacityBytes,
        server.UsedBytes,
        server.State is "up" or "suspect" ? Math.Max(0, server.CapacityBytes - server.UsedBytes) : 0);
}

/// <summary>
/// The document of <c>dfs df --json</c>: bytes on all disks together, each copy counted; and how many bytes of files
/// fit with the usual number of copies.
/// </summary>
internal sealed record DfReport(
    long CapacityBytes, long UsedBytes, long AvailableBytes, long AvailableForFilesBytes, DfServer[] Servers);

/// <summary>A chunk server.</summary>
internal sealed record DfServer(uint Server, string State, long CapacityBytes, long UsedBytes, long AvailableBytes);

[JsonSerializable(typeof(DfReport))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class DfJson : JsonSerializerContext;
