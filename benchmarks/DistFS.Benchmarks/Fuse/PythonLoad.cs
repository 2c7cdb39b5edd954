using System.Diagnostics;
using System.Globalization;

namespace DistFS.Benchmarks.Fuse;

/// <summary>Ordinary system calls of python3 in a loop: the load of the suites of mounts.</summary>
internal static class PythonLoad
{
    /// <param name="folder">"m" in the operation, by a short name: how deep it lies makes no difference.</param>
    /// <param name="number">"p" in it: of the process, or of the round.</param>
    /// <param name="duration">So long.</param>
    /// <param name="setup">Run once, before the time is taken.</param>
    /// <param name="operation">A statement; "i" counts, "n" may be added to, "page" and "buffer" are 4 KiB and 1 MiB.
    /// </param>
    /// <param name="step">So many between two looks at the clock.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>How many, and in how many seconds.</returns>
    public static async Task<(double Count, double Seconds)> RunAsync(
        string folder,
        int number,
        TimeSpan duration,
        string setup,
        string operation,
        int step,
        CancellationToken cancellation)
    {
        var script = Script
            .Replace("STEP", $"{step}", StringComparison.Ordinal)
            .Replace("SETUP", setup, StringComparison.Ordinal)
            .Replace("OPERATION", operation, StringComparison.Ordinal);
        using var python = Process.Start(new ProcessStartInfo(
            "python3",
            ["-c", script, folder, $"{number}", duration.TotalSeconds.ToString(CultureInfo.InvariantCulture)])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
        })!;
        var fields = (await python.StandardOutput.ReadToEndAsync(cancellation)).Split(' ');
        await python.WaitForExitAsync(cancellation);
        return fields.Length == 2
            ? (double.Parse(fields[0], CultureInfo.InvariantCulture),
                double.Parse(fields[1], CultureInfo.InvariantCulture))
            : throw new InvalidOperationException($"The load '{operation}' failed.");
    }

    private const string Script =
        """
        import mmap, os, sys, time
        os.chdir(sys.argv[1])
        m, p, seconds = '.', sys.argv[2], float(sys.argv[3])
        page, buffer = bytes(4096), mmap.mmap(-1, 1 << 20)
        SETUP
        def run():
            i = n = 0
            start = time.perf_counter(); end = start + seconds
            while True:
                for _ in range(STEP):
                    OPERATION
                    i += 1
                now = time.perf_counter()
                if now >= end: return i + n, now - start
        count, took = run()
        print(count, took)
        """;
}
