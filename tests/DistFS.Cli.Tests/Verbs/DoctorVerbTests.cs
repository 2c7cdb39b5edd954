using System.Text.Json;

namespace DistFS.Cli.Tests.Verbs;

public sealed class DoctorVerbTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Checks_the_machine_and_leaves_nothing_behind()
    {
        var result = await Doctor.RunAsync("doctor", "--data", _folder.Path, "--json");
        Assert.Equal(ExitCodes.Ok, result.ExitCode);
        Assert.Equal(_folder.Path, result.Json.GetProperty("folder").GetString());
        Assert.Equal(
            ["configuration", "rocksdb", "lz4", "libc", "crc32c", "space", "open files", "/dev/fuse", "fusermount3"],
            Checks(result).Select(check => check.GetProperty("name").GetString()!));
        Assert.All(Checks(result), check => Assert.NotEqual("fail", check.GetProperty("result").GetString()));
        Assert.All(Checks(result), check => Assert.Equal(
            check.GetProperty("result").GetString() != "ok", check.TryGetProperty("todo", out _)));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Fact]
    public async Task The_table_has_a_line_for_each_check()
    {
        var result = await Doctor.RunAsync("doctor", "--data", _folder.Path);
        Assert.Matches("(?m)^CHECK +RESULT +DETAIL", result.Out);
        Assert.Matches("(?m)^crc32c +ok +", result.Out);
    }

    [Fact]
    public async Task A_check_that_fails_is_exit_code_1_and_says_what_to_do()
    {
        var cli = Doctor with { Environment = new() { ["DISTFS_TIMEOUT"] = "soon" } };
        var result = await cli.RunAsync("doctor", "--data", _folder.Path, "--json");
        Assert.Equal(ExitCodes.Failed, result.ExitCode);
        var failed = Assert.Single(Checks(result), check => check.GetProperty("result").GetString() == "fail");
        Assert.Equal("configuration", failed.GetProperty("name").GetString());
        Assert.Equal("DFS1002", failed.GetProperty("detail").GetString());
        Assert.Contains("timeout 'soon'", failed.GetProperty("todo").GetString(), StringComparison.Ordinal);
        var text = await cli.RunAsync("doctor", "--data", _folder.Path);
        Assert.Equal(ExitCodes.Failed, text.ExitCode);
        Assert.Matches("(?m)^configuration +fail +DFS1002 *\n +-> timeout 'soon'", text.Out);
    }

    [Fact]
    public async Task What_only_a_mount_needs_is_a_warning_unless_root()
    {
        var cli = Doctor with { Environment = new() { ["PATH"] = _folder.Path } };
        var check = Checks(await cli.RunAsync("doctor", "--data", _folder.Path, "--json"))
            .Single(check => check.GetProperty("name").GetString() == "fusermount3");
        Assert.Equal(Environment.IsPrivilegedProcess ? "ok" : "warn", check.GetProperty("result").GetString());
    }

    [Fact]
    public async Task A_folder_that_is_not_there_is_not_found()
    {
        var result = await Doctor.RunAsync("doctor", "--data", _folder.Sub("none"));
        Assert.Equal(ExitCodes.NotFound, result.ExitCode);
        Assert.Contains("is no folder. Create it", result.Error, StringComparison.Ordinal);
    }

    private static Cli Doctor => new()
    {
        Environment = new() { ["PATH"] = Environment.GetEnvironmentVariable("PATH") ?? "" },
    };

    private static JsonElement[] Checks(CliResult result) => [.. result.Json.GetProperty("checks").EnumerateArray()];
}
