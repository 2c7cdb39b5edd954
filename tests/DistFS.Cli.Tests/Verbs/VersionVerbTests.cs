using System.Text.Json;

namespace DistFS.Cli.Tests.Verbs;

public class VersionVerbTests
{
    [Fact]
    public async Task Shows_what_is_installed()
    {
        var result = await new Cli().RunAsync("version");
        Assert.Equal(ExitCodes.Ok, result.ExitCode);
        Assert.Matches(
            @"^dfs \d+\.\d+\.\d+\ncommit   \w+\nruntime  \.NET 10\..*\nsystem   .+\narch     \w+\n$", result.Out);
        Assert.Equal(result, await new Cli().RunAsync("--version"));
    }

    [Fact]
    public async Task Json_has_the_same()
    {
        var result = await new Cli().RunAsync("version", "--json");
        Assert.Equal(
            ["version", "commit", "runtime", "os", "arch"],
            result.Json.EnumerateObject().Select(property => property.Name));
        Assert.Equal(1, result.Out.Count(letter => letter == '\n'));
    }

    [Fact]
    public async Task Json_is_indented_for_people() => Assert.StartsWith(
        "{\n  \"version\"",
        (await new Cli { Terminal = true }.RunAsync("version", "--json")).Out,
        StringComparison.Ordinal);

    [Fact]
    public async Task Verbose_loads_the_natives()
    {
        var natives = (await new Cli().RunAsync("version", "--json", "--verbose")).Json.GetProperty("natives");
        Assert.Equal(JsonValueKind.String, natives.GetProperty("rocksdb").ValueKind);
        Assert.Equal(JsonValueKind.String, natives.GetProperty("lz4").ValueKind);
        Assert.Matches(@"(?m)^rocksdb  .+\nlz4      .+\n$", (await new Cli().RunAsync("version", "--verbose")).Out);
    }

    [Theory]
    [InlineData("0.1.0+0ff298b", "0.1.0", "0ff298b")]
    [InlineData("1.2.3-rc.1", "1.2.3-rc.1", "")]
    public void The_commit_is_what_stands_after_the_plus(string informational, string version, string commit) =>
        Assert.Equal(new ProductVersion(version, commit), ProductVersion.Parse(informational));
}
