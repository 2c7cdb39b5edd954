using System.Diagnostics;
using System.Text.Json;
using Xunit.Abstractions;

namespace DistFS.Rpc.Grpc.Tests;

/// <summary>
/// A client that is not ours: npm's @grpc/grpc-js, made from our .proto files, calls the server (js/client.mjs).
/// <c>scripts/test</c> installs it.
/// </summary>
public sealed class GrpcJsTests(ITestOutputHelper output)
{
    [Fact]
    public async Task GrpcJsCallsUnaryAndStreamingMethodsAndSeesStatusDeadlinesAndErrors()
    {
        await using var server = await TestServer.StartAsync();
        var folder = Path.Combine(TestServer.SourceFolder(), "js");
        Assert.True(
            Directory.Exists(Path.Combine(folder, "node_modules")), "run scripts/test, or 'npm ci' in " + folder);
        var protocol = Path.GetFullPath(Path.Combine(folder, "../../../protocol/DistFS.Protocol"));
        using var process = Process.Start(new ProcessStartInfo(
            "node", ["client.mjs", server.Address.ToString(), protocol])
        {
            UseShellExecute = false,
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var errors = process.StandardError.ReadToEndAsync(limit.Token);
        var text = await process.StandardOutput.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        output.WriteLine(text + await errors);

        var checks = text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonSerializer.Deserialize<JsCheck>(line, JsonSerializerOptions.Web)!)
            .ToList();
        Assert.Equal(17, checks.Count);
        Assert.All(checks, check => Assert.True(check.Ok, $"{check.Name}: {check.Detail}"));
        Assert.Equal(0, process.ExitCode);
    }

    private sealed record JsCheck(string Name, bool Ok, string Detail);
}
