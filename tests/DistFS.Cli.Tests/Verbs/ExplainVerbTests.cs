namespace DistFS.Cli.Tests.Verbs;

public class ExplainVerbTests
{
    public static TheoryData<string> Codes => [.. ErrorCatalog.All.Select(code => code.Id)];

    [Theory]
    [MemberData(nameof(Codes))]
    public async Task Explains_every_code(string id)
    {
        Assert.True(ErrorCatalog.TryFind(id, out var code));
        var result = await new Cli().RunAsync("explain", id);
        Assert.Equal(ExitCodes.Ok, result.ExitCode);
        Assert.StartsWith(
            $"{id}: {code.Title} ({code.Status.ToPosixName()})\n\n", result.Out, StringComparison.Ordinal);
        Assert.All(result.Out.Split('\n'), line => Assert.InRange(line.Length, 0, 80));
        Assert.Contains(code.Explanation, result.Out.Replace('\n', ' '), StringComparison.Ordinal);
        var json = (await new Cli().RunAsync("explain", id, "--json")).Json;
        Assert.Equal(id, json.GetProperty("code").GetString());
        Assert.Equal(code.Explanation, json.GetProperty("explanation").GetString());
    }

    [Theory]
    [InlineData("dfs1203")]
    [InlineData("1203")]
    public async Task Letters_are_optional(string id) =>
        Assert.StartsWith("DFS1203: ", (await new Cli().RunAsync("explain", id)).Out, StringComparison.Ordinal);

    [Fact]
    public async Task All_lists_every_code()
    {
        var result = await new Cli().RunAsync("explain", "--all");
        Assert.Equal(ErrorCatalog.All.Count(), result.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        var json = (await new Cli().RunAsync("explain", "--all", "--json")).Json;
        Assert.Equal(
            ErrorCatalog.All.Select(code => code.Id),
            json.EnumerateArray().Select(element => element.GetProperty("code").GetString()!));
    }

    [Fact]
    public async Task An_unknown_code_is_not_found()
    {
        var result = await new Cli().RunAsync("explain", "DFS9999");
        Assert.Equal(ExitCodes.NotFound, result.ExitCode);
        Assert.StartsWith("dfs: DFS1003: 'DFS9999' is no error code", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broken_configuration_does_not_keep_it_from_explaining()
    {
        var cli = new Cli { Environment = new() { ["DISTFS_CONFIG"] = "/nowhere.json", ["DISTFS_COLOR"] = "blue" } };
        Assert.Equal(ExitCodes.Ok, (await cli.RunAsync("explain", "DFS1002")).ExitCode);
    }
}
