using System.Diagnostics;

namespace DistFS.Cli.Tests;

/// <summary>The real executable, as it stands beside the tests, and other programs with it in their PATH.</summary>
internal static class DfsProcess
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    public static Process Start(string program, params string[] args)
    {
        var start = new ProcessStartInfo(program, args)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = AppContext.BaseDirectory,
        };
        start.Environment["PATH"] = AppContext.BaseDirectory + ":" + Environment.GetEnvironmentVariable("PATH");
        return Process.Start(start)!;
    }

    public static Process StartDfs(params string[] args) => Start(Path.Combine(AppContext.BaseDirectory, "dfs"), args);

    public static async Task<CliResult> EndAsync(Process process)
    {
        using var limit = new CancellationTokenSource(Patience);
        var output = process.StandardOutput.ReadToEndAsync(limit.Token);
        var error = process.StandardError.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        return new CliResult(process.ExitCode, await output, await error);
    }
}
