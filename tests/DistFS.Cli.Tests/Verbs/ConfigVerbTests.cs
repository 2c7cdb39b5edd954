namespace DistFS.Cli.Tests.Verbs;

public sealed class ConfigVerbTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Shows_every_setting_with_its_origin()
    {
        var file = _folder.File("c.json", """{ "cluster": ["a:1", "b:2"] }""");
        var cli = new Cli { Environment = new() { ["DISTFS_TIMEOUT"] = "7s" } };
        var text = await cli.RunAsync("config", "--config", file, "--no-color");
        Assert.Equal(ExitCodes.Ok, text.ExitCode);
        Assert.Matches($@"(?m)^cluster +a:1,b:2 +file {file} ", text.Out);
        Assert.Matches("(?m)^timeout +7s +environment DISTFS_TIMEOUT ", text.Out);
        Assert.Matches("(?m)^color +never +flag --no-color ", text.Out);
        var json = (await cli.RunAsync("config", "--config", file, "--json")).Json;
        Assert.Equal(file, json.GetProperty("file").GetProperty("path").GetString());
        Assert.True(json.GetProperty("file").GetProperty("exists").GetBoolean());
        var timeout = json.GetProperty("settings").EnumerateArray()
            .Single(setting => setting.GetProperty("name").GetString() == "timeout");
        Assert.Equal("7s", timeout.GetProperty("value").GetString());
        Assert.Equal("environment DISTFS_TIMEOUT", timeout.GetProperty("origin").GetString());
    }

    [Fact]
    public async Task A_wrong_configuration_is_an_error_of_usage()
    {
        var result = await new Cli().RunAsync("config", "--timeout", "soon", "--json");
        Assert.Equal(ExitCodes.Usage, result.ExitCode);
        Assert.Equal("DFS1002", result.JsonError.GetProperty("code").GetString());
    }
}
