using System.Text.Json;
using DistFS.Native;

namespace DistFS.Cli.Tests.Verbs;

/// <summary>The process itself: it registers, stops on a signal, and goes on as what its folder says.</summary>
public sealed class ChunkserverVerbTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Registers_stops_on_a_signal_and_goes_on_as_what_it_was()
    {
        using var meta = DfsProcess.StartDfs(
            "metaserver", "--data", _folder.Sub("m"), "--listen", $"unix:{_folder.Sub("ms")}", "--json");
        try
        {
            Assert.NotNull(await meta.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromMinutes(1)));
            Assert.Equal(0, (await RunAsync()).GetProperty("server").GetInt32());
            Assert.Equal(1, (await RunAsync()).GetProperty("server").GetInt32());
        }
        finally
        {
            meta.Kill();
        }
    }

    [Fact]
    public async Task A_folder_and_metaservers_are_asked_for()
    {
        var result = await new Cli().RunAsync("chunkserver");
        Assert.Equal(ExitCodes.Usage, result.ExitCode);
        Assert.Contains("--data", result.Error, StringComparison.Ordinal);
        result = await new Cli().RunAsync("chunkserver", "--data", _folder.Sub("c"));
        Assert.Equal(ExitCodes.Usage, result.ExitCode);
    }

    /// <summary>One run, from its start until it serves and is stopped.</summary>
    private async Task<JsonElement> RunAsync()
    {
        using var process = DfsProcess.StartDfs(
            "chunkserver",
            "--data", _folder.Sub("c"),
            "--listen", $"unix:{_folder.Sub("cs")}",
            "--metaservers", $"unix:{_folder.Sub("ms")}",
            "--reserve", "1MiB",
            "--json");
        try
        {
            var line = await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromMinutes(1));
            Assert.NotNull(line);
            var report = JsonDocument.Parse(line).RootElement;
            await ServesAsync(report.GetProperty("address").GetString()!);
            Posix.Kill(process.Id, ProcessSignal.Terminate);
            var result = await DfsProcess.EndAsync(process);
            Assert.Equal((ExitCodes.Ok, ""), (result.ExitCode, result.Out));
            return report;
        }
        finally
        {
            process.Kill();
        }
    }

    private static async Task ServesAsync(string address)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        for (var tries = 0; tries < 300; tries++)
        {
            var ping = await new Cli().RunAsync("ping", address, "--count", "1", "--json");
            if (ping.ExitCode == ExitCodes.Ok && ping.Out.Contains("serving", StringComparison.OrdinalIgnoreCase))
            {
                return;
            }

            await timer.WaitForNextTickAsync();
        }

        Assert.Fail($"{address} does not serve.");
    }
}
