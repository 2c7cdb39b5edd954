using System.Text.Json;
using DistFS.Native;

namespace DistFS.Cli.Tests.Verbs;

/// <summary>Two processes of one cluster, as a person sees them.</summary>
public sealed class MembersVerbTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Lists_transfers_and_removes()
    {
        var (first, second) = ($"unix:{_folder.Sub("1")}", $"unix:{_folder.Sub("2")}");
        using var one = await StartAsync("a", first);
        using var two = await StartAsync("b", second, "--join", first);
        try
        {
            await EventuallyAsync(first, members => members.All(member => Role(member) is "voter" or "leader"));
            var table = await new Cli().RunAsync("members", "--meta", first);
            Assert.Equal(ExitCodes.Ok, table.ExitCode);
            Assert.Contains(second, table.Out, StringComparison.Ordinal);
            Assert.Contains("leader", table.Out, StringComparison.Ordinal);

            var dry = await new Cli().RunAsync("members", "transfer", "2", "--meta", first, "--dry-run");
            Assert.Equal((ExitCodes.Ok, "The leadership would go to metaserver 2."), (dry.ExitCode, dry.Out.Trim()));
            var transfer = await new Cli().RunAsync("members", "transfer", "2", "--meta", $"{first},{second}");
            Assert.Equal((ExitCodes.Ok, ""), (transfer.ExitCode, transfer.Error));
            Assert.StartsWith("Metaserver 2 leads, at ", transfer.Out, StringComparison.Ordinal);

            var removed = await new Cli().RunAsync("members", "remove", "1", "--meta", second);
            Assert.Equal((ExitCodes.Ok, "Metaserver 1 is removed."), (removed.ExitCode, removed.Out.Trim()));

            // Whose process says so, and ends.
            var end = await DfsProcess.EndAsync(one);
            Assert.Equal(ExitCodes.Failed, end.ExitCode);
            Assert.Contains("DFS1340", end.Error, StringComparison.Ordinal);
            var last = await new Cli().RunAsync("members", "remove", "2", "--meta", second, "--force");
            Assert.Equal(ExitCodes.Failed, last.ExitCode);
            Assert.Contains("DFS1344", last.Error, StringComparison.Ordinal);
            var nobody = await new Cli().RunAsync("members", "remove", "7", "--meta", second);
            Assert.Equal(ExitCodes.NotFound, nobody.ExitCode);
            Posix.Kill(two.Id, ProcessSignal.Terminate);
            Assert.Equal(ExitCodes.Ok, (await DfsProcess.EndAsync(two)).ExitCode);
        }
        finally
        {
            one.Kill();
            two.Kill();
        }
    }

    [Theory]
    [InlineData("members", "add", "--meta", "a:1")]
    [InlineData("members", "remove", "--meta", "a:1")]
    [InlineData("members", "list", "2", "--meta", "a:1")]
    [InlineData("members", "transfer", "--force", "--meta", "a:1")]
    [InlineData("members", "--meta", "nonsense")]
    [InlineData("members")]
    public async Task What_is_no_command_is_told(params string[] words)
    {
        var result = await new Cli().RunAsync(words);
        Assert.Equal(ExitCodes.Usage, result.ExitCode);
        Assert.Contains("dfs: DFS100", result.Error, StringComparison.Ordinal);
    }

    private static string? Role(JsonElement member) => member.GetProperty("leads").GetBoolean()
        ? "leader" : member.GetProperty("role").GetString();

    private static async Task EventuallyAsync(string meta, Func<JsonElement.ArrayEnumerator, bool> condition)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        for (var i = 0; i < 300; i++)
        {
            var result = await new Cli().RunAsync("members", "--meta", meta, "--json");
            var members = result.ExitCode == ExitCodes.Ok ? result.Json.GetProperty("members") : default;
            if (result.ExitCode == ExitCodes.Ok && members.GetArrayLength() == 2 && condition(members.EnumerateArray()))
            {
                return;
            }

            await timer.WaitForNextTickAsync();
        }

        Assert.Fail("not in 30 s");
    }

    private async Task<System.Diagnostics.Process> StartAsync(string name, string listen, params string[] more)
    {
        var process = DfsProcess.StartDfs(
            ["metaserver", "--data", _folder.Sub(name), "--listen", listen, "--json", .. more]);
        var line = await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromMinutes(1));
        Assert.NotNull(line);
        return process;
    }
}
