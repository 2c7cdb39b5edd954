using DistFS.Cli.Configuration;

namespace DistFS.Cli.Tests;

/// <summary>docs/operating/cli.md names what there is.</summary>
public class DocumentationTests
{
    private static readonly string Text =
        File.ReadAllText(Path.Combine(Cli.RepositoryRoot(), "docs", "operating", "cli.md"));

    [Fact]
    public void Exit_codes_are_documented() =>
        Assert.All(
            ExitCodes.All,
            row => Assert.Contains($"| {row.Code} | {row.Meaning}", Text, StringComparison.Ordinal));

    [Fact]
    public void Verbs_are_documented() => Assert.All(
        VerbCatalog.Default.All(),
        verb => Assert.Contains($"| `{verb.Name}` | {verb.Summary} |", Text, StringComparison.Ordinal));

    [Fact]
    public void Global_options_are_documented() =>
        Assert.All(
            new GlobalOptions().All,
            option => Assert.Contains($"| `{option.Name}", Text, StringComparison.Ordinal));

    [Fact]
    public void Settings_are_documented() => Assert.All(SettingKey.All, key => Assert.Contains(
        $"| `{key.Name}` | `{key.Variable}` |", Text, StringComparison.Ordinal));
}
