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

    // The plain question is answered before anything is parsed; both ways must say the same.
    [Fact]
    public async Task Says_the_same_with_and_without_the_parser() => Assert.Equal(
        await new Cli().RunAsync("version"), await new Cli().RunAsync("version", "--no-color"));

    [Fact]
    public async Task An_output_that_fails_is_told_not_thrown()
    {
        using var error = new StringWriter();
        var host = new CliHost { Out = new FullDisk(), Error = error };
        Assert.Equal(ExitCodes.Failed, await CliProgram.RunAsync(["version"], host));
        Assert.StartsWith("dfs: DFS", error.ToString(), StringComparison.Ordinal);
    }

    private sealed class FullDisk : StringWriter
    {
        public override void Write(string? value) => throw new IOException("No space left on device");
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
