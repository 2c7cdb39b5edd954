using System.Diagnostics;
using System.Runtime.Versioning;
using DistFS.Native;

namespace DistFS.Cli.Tests.Verbs;

/// <summary>
/// As a person runs it: on a terminal (script(1) makes one), with a keyboard that says nothing, with ^C.
/// </summary>
[Collection(VerbClusterTests.Name)]
[SupportedOSPlatform("linux")]
public sealed class TerminalTests(VerbCluster cluster) : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>Progress is shown there and nowhere else: it had never been.</summary>
    [Theory]
    [InlineData("xterm-256color")]
    [InlineData("dumb")]
    public async Task Files_go_there_and_back_on_a_terminal(string terminal)
    {
        var path = $"/{terminal}";
        var file = _folder.File(terminal, new string('x', 300_000));
        await OnTerminalAsync(terminal, $"put {file} {path}");
        await OnTerminalAsync(terminal, $"get -f {path} {file}.back");
        Assert.Equal(await File.ReadAllTextAsync(file), await File.ReadAllTextAsync($"{file}.back"));
        await OnTerminalAsync(terminal, $"cp {path} {path}.copy");
        await OnTerminalAsync(terminal, $"put -r {_folder.Sub(".")} {path}.tree");
        await OnTerminalAsync(terminal, $"ls -l {path}.tree");
        await OnTerminalAsync(terminal, "df");
    }

    [Fact]
    public async Task What_waits_for_stdin_ends_with_the_first_interrupt()
    {
        // Its stdin is a pipe into which nobody writes.
        var start = new ProcessStartInfo(
            Path.Combine(AppContext.BaseDirectory, "dfs"), ["put", "-", "/silent", "--cluster", cluster.Addresses])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(Limit);

        // It has begun when there is its temporary name.
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!await cluster.Client.EnumerateAsync("/", cancellation: limit.Token)
            .AnyAsync(static one => one.Name.StartsWith(".dfs-put-", StringComparison.Ordinal), limit.Token))
        {
            await timer.WaitForNextTickAsync(limit.Token);
        }

        Posix.Kill(process.Id, ProcessSignal.Interrupt);
        await process.WaitForExitAsync(limit.Token);
        Assert.Equal(ExitCodes.Interrupted, process.ExitCode);
        await cluster.RefusedAsync(ExitCodes.NotFound, "no such file", "stat", "/silent");
    }

    private async Task OnTerminalAsync(string terminal, string command)
    {
        var dfs = Path.Combine(AppContext.BaseDirectory, "dfs");
        var start = new ProcessStartInfo(
            "script", ["-qec", $"{dfs} {command} --cluster {cluster.Addresses}", "/dev/null"])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        start.Environment["TERM"] = terminal;
        using var process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(Limit);
        var said = await process.StandardOutput.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        Assert.True(process.ExitCode == 0, $"dfs {command}: {process.ExitCode}, {said}");
    }
}
