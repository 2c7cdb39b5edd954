using System.CommandLine;
using System.Text.Json.Serialization;
using DistFS.Cli.Configuration;
using DistFS.Cli.Output;
using Spectre.Console;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs config</c>: the effective settings, and where each came from.</summary>
internal sealed class ConfigVerb : Verb
{
    public override string Summary => "Show the effective settings and where each came from";

    public override VerbGroup Group => VerbGroup.Tool;

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs config", "show every setting with its origin"),
        new("dfs config --config ./test.json --timeout 2s", "show what would hold with these flags"),
        new("dfs config --json | jq -r .file.path", "find the configuration file in a script"),
    ];

    public override void Configure(Command command)
    {
        // Nothing but the global options.
    }

    public override Task<int> RunAsync(VerbContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var configuration = context.Configuration;
        var file = configuration.File;
        if (context.Json)
        {
            var report = new ConfigReport(
                new ConfigFileReport(file.Path, file.Exists, file.Origin),
                [.. configuration.Values.Select(SettingReport.Of)]);
            context.WriteJson(report, ConfigJson.Default.ConfigReport);
            return Task.FromResult(ExitCodes.Ok);
        }

        var table = Consoles.PlainTable("SETTING", "VALUE", "ORIGIN", "MEANING");
        foreach (var value in configuration.Values)
        {
            table.AddRow(
                new Text(value.Key.Name),
                new Text(value.Value.Length == 0 ? "-" : value.Value),
                new Text(value.Origin),
                new Text(value.Key.Summary));
        }

        context.Out.Write(table);
        context.Note($"file: {file.Path ?? "none"} ({file.Origin}{(file.Exists ? "" : "; not there")})");
        return Task.FromResult(ExitCodes.Ok);
    }
}

/// <summary>The document of <c>dfs config --json</c>.</summary>
internal sealed record ConfigReport(ConfigFileReport File, SettingReport[] Settings);

/// <summary>The file that was read, or would be.</summary>
internal sealed record ConfigFileReport(string? Path, bool Exists, string Origin);

/// <summary>A setting; a list has commas between its elements.</summary>
internal sealed record SettingReport(string Name, string Value, string Origin)
{
    public static SettingReport Of(SettingValue value) => new(value.Key.Name, value.Value, value.Origin);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ConfigReport))]
internal sealed partial class ConfigJson : JsonSerializerContext;
