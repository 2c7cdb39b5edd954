using System.CommandLine;
using System.Runtime.InteropServices;
using System.Text.Json.Serialization;
using DistFS.Native;

namespace DistFS.Cli.Verbs;

/// <summary>
/// <c>dfs version</c>: what is installed. Loads nothing that costs time; the native libraries only with --verbose.
/// </summary>
internal sealed class VersionVerb : Verb
{
    public override string Summary => "Show the version of this tool, its commit and its runtime";

    public override VerbGroup Group => VerbGroup.Tool;

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs version", "show what is installed"),
        new("dfs version --verbose", "load the native libraries and show their versions too"),
        new("dfs version --json | jq -r .version", "take the version in a script"),
    ];

    public override void Configure(Command command)
    {
        // Nothing but the global options.
    }

    public override Task<int> RunAsync(VerbContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var report = Report(context.Verbose ? Natives() : null);
        if (context.Json)
        {
            context.WriteJson(report, VersionJson.Default.VersionReport);
        }
        else
        {
            context.Host.Out.Write(ToText(report));
        }

        return Task.FromResult(ExitCodes.Ok);
    }

    /// <summary>What <c>dfs version</c> prints without any option.</summary>
    public static string PlainText() => ToText(Report(natives: null));

    private static VersionReport Report(NativeVersions? natives)
    {
        var product = ProductVersion.Current;
        return new VersionReport(
            product.Version,
            product.Commit,
            RuntimeInformation.FrameworkDescription,
            RuntimeInformation.OSDescription,
            RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant(),
            natives);
    }

    private static string ToText(VersionReport report)
    {
        var commit = report.Commit.Length == 0 ? "unknown" : report.Commit[..Math.Min(12, report.Commit.Length)];
        var text = $"dfs {report.Version}\ncommit   {commit}\nruntime  {report.Runtime}\n"
            + $"system   {report.Os}\narch     {report.Arch}\n";
        return report.Natives is { } natives ? $"{text}rocksdb  {natives.RocksDb}\nlz4      {natives.Lz4}\n" : text;
    }

    private static NativeVersions Natives()
    {
        var results = NativeSelfCheck.Run(Path.GetTempPath());
        return new NativeVersions(Of("rocksdb"), Of("lz4"));

        string Of(string name)
        {
            var result = results.First(result => result.Name == name);
            return result.Ok ? result.Detail : $"unusable ({result.Code?.Id}; see 'dfs doctor')";
        }
    }
}

/// <summary>The document of <c>dfs version --json</c>.</summary>
internal sealed record VersionReport(
    string Version, string Commit, string Runtime, string Os, string Arch, NativeVersions? Natives);

/// <summary>The native libraries in use.</summary>
internal sealed record NativeVersions([property: JsonPropertyName("rocksdb")] string RocksDb, string Lz4);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(VersionReport))]
internal sealed partial class VersionJson : JsonSerializerContext;
