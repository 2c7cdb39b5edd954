using System.Diagnostics;

namespace DistFS.Fuse.Tests.Kernel;

/// <summary>Ordinary processes on a mount, none of which may run for ever.</summary>
internal static class Shell
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(40);

    /// <summary>Runs a script with the mount as $M; fails with what it said when its exit code is not 0.</summary>
    public static async Task<string> RunAsync(string mount, string script)
    {
        using var process = Start(mount, script);
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await EndAsync(process);
        var said = await output + await errors;
        Assert.True(process.ExitCode == 0, $"exit code {process.ExitCode} of:\n{script}\n{said}");
        return said;
    }

    public static Process Start(string mount, string script)
    {
        // What must fail: "! command" would let a success pass.
        script = "no() { if \"$@\"; then echo \"should have failed: $*\"; exit 1; fi; }\n" + script;
        var start = new ProcessStartInfo("/bin/bash", ["-euo", "pipefail", "-c", script])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        start.Environment["M"] = mount;
        return Process.Start(start)!;
    }

    public static async Task EndAsync(Process process)
    {
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"process {process.Id} did not end in {Limit}");
        }
    }
}
