using System.Text.Json;

namespace DistFS.Cli.Tests.Verbs;

/// <summary>A cluster of real processes, as a person sees it.</summary>
public sealed class StatusVerbTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Servers_and_repair_are_shown()
    {
        var address = $"unix:{_folder.Sub("ms")}";
        using var meta = DfsProcess.StartDfs("metaserver", "--data", _folder.Sub("m"), "--listen", address, "--json");
        try
        {
            Assert.NotNull(await meta.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromMinutes(1)));
            using var server = DfsProcess.StartDfs(
                "chunkserver",
                "--data", _folder.Sub("c"),
                "--listen", $"unix:{_folder.Sub("cs")}",
                "--metaservers", address,
                "--reserve", "1MiB",
                "--rack", "r7",
                "--json");
            try
            {
                var line = await UpAsync(address);
                Assert.Equal("r7", line.GetProperty("rack").GetString());
                Assert.Equal(0, line.GetProperty("lostCopies").GetInt32());
                Assert.NotEqual(0, line.GetProperty("capacity").GetInt64());
                var shown = await new Cli().RunAsync("status", "--meta", address);
                Assert.Equal(ExitCodes.Ok, shown.ExitCode);
                Assert.Contains("chunks: 0, nothing to repair", shown.Out, StringComparison.Ordinal);
                Assert.Contains(" up ", shown.Out, StringComparison.Ordinal);
                Assert.Contains("metaservers: 1 of 1 alive, metaserver 1 leads", shown.Out, StringComparison.Ordinal);
            }
            finally
            {
                server.Kill();
            }
        }
        finally
        {
            meta.Kill();
        }
    }

    [Fact]
    public async Task Nobody_who_answers_is_told()
    {
        var result = await new Cli().RunAsync(
            "status", "--meta", $"unix:{_folder.Sub("none")}", "--timeout", "300ms");
        Assert.NotEqual(ExitCodes.Ok, result.ExitCode);
        Assert.Contains("DFS12", result.Error, StringComparison.Ordinal);
    }

    /// <summary>Nothing is wrong with it; how full the disk of this machine is, is not its doing.</summary>
    private static bool IsWell(JsonElement report) => report.GetProperty("warnings").EnumerateArray()
        .All(warning => warning.GetProperty("code").GetString() == ErrorCatalog.ClusterNearlyFull.Id);

    private static async Task<JsonElement> UpAsync(string address)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        for (var tries = 0; tries < 150; tries++)
        {
            var result = await new Cli().RunAsync("status", "--meta", address, "--json");
            if (result.ExitCode == ExitCodes.Ok
                && JsonDocument.Parse(result.Out).RootElement.GetProperty("chunkservers") is var servers
                && servers.GetArrayLength() == 1 && servers[0].GetProperty("state").GetString() == "up"
                && IsWell(JsonDocument.Parse(result.Out).RootElement))
            {
                return servers[0];
            }

            await timer.WaitForNextTickAsync();
        }

        throw new TimeoutException("The chunk server does not come up.");
    }
}
