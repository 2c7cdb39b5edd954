using System.Text.Json;
using DistFS.Native;

namespace DistFS.Cli.Tests.Verbs;

/// <summary>The process itself: it says when it serves, stops on a signal, and goes on where it was.</summary>
public sealed class MetaserverVerbTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Serves_until_it_is_stopped_and_goes_on_with_the_same_cluster()
    {
        var first = await RunAsync();
        var second = await RunAsync();
        Assert.Equal(first.GetProperty("cluster").GetString(), second.GetProperty("cluster").GetString());
        Assert.Equal(1, first.GetProperty("member").GetInt32());
    }

    [Fact]
    public async Task An_address_in_use_is_told()
    {
        await using var other = new OtherListener();
        var result = await new Cli().RunAsync("metaserver", "--data", _folder.Sub("m"), "--listen", other.Address);
        Assert.Equal(ExitCodes.Failed, result.ExitCode);
        Assert.Contains("DFS1216", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_folder_is_asked_for()
    {
        var result = await new Cli().RunAsync("metaserver");
        Assert.Equal(ExitCodes.Usage, result.ExitCode);
        Assert.Contains("--data", result.Error, StringComparison.Ordinal);
    }

    private async Task<JsonElement> RunAsync()
    {
        using var process = DfsProcess.StartDfs(
            "metaserver", "--data", _folder.Sub("m"), "--listen", $"unix:{_folder.Sub("s")}", "--json");
        try
        {
            var line = await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromMinutes(1));
            Assert.NotNull(line);
            var report = JsonDocument.Parse(line).RootElement;
            var ping = await new Cli().RunAsync("ping", report.GetProperty("address").GetString()!, "--count", "1");
            Assert.Equal(ExitCodes.Ok, ping.ExitCode);
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

    private sealed class OtherListener : IAsyncDisposable
    {
        private readonly System.Net.Sockets.TcpListener _listener = new(System.Net.IPAddress.Loopback, 0);

        public OtherListener() => _listener.Start();

        public string Address => $"{_listener.LocalEndpoint}";

        public ValueTask DisposeAsync()
        {
            _listener.Dispose();
            return default;
        }
    }
}
