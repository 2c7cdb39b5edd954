using System.Diagnostics;
using System.Globalization;

namespace DistFS.Benchmarks.Fuse;

/// <summary>
/// The ceiling of a mount: an empty file system behind the FUSE protocol, used by python3 through ordinary system
/// calls, the daemon in a process of its own. The processor time is the daemon's alone.
/// </summary>
internal sealed class FuseSuite : IAsyncDisposable
{
    private readonly string _folder;
    private readonly Process _daemon;

    private FuseSuite(string folder, Process daemon) => (_folder, _daemon) = (folder, daemon);

    /// <param name="report">Gets the figures.</param>
    /// <param name="rounds">Each figure is the median of so many.</param>
    /// <param name="duration">Of one round.</param>
    /// <param name="only">Measure only what has this in its name.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task RunAsync(
        Report report, int rounds, TimeSpan duration, string? only, CancellationToken cancellation)
    {
        await using var suite = await StartAsync(cancellation);
        foreach (var figure in Figures)
        {
            if (only == null || figure.Name.Contains(only, StringComparison.OrdinalIgnoreCase))
            {
                await suite.MeasureAsync(report, figure, rounds, duration, cancellation);
            }
        }

        if (only == null)
        {
            var lookups = Figures[0];
            var before = await suite.AllocatedAsync(cancellation);
            var (count, _) = await suite.LoadAsync(lookups, duration, cancellation);
            var perLookup = (await suite.AllocatedAsync(cancellation) - before) / count;
            report.AddRatio("allocated per lookup (B)", perLookup, atMost: 1);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _daemon.StandardInput.Close();
        await _daemon.WaitForExitAsync();
        _daemon.Dispose();
        Directory.Delete(_folder);
    }

    private static readonly Figure[] Figures =
    [
        new("stat, looked up each time (LOOKUP)", "stats/s", 1, "os.stat(f'{m}/n{p}{i % 20000}')"),
        new("the same by 2 processes", "stats/s", 2, "os.stat(f'{m}/n{p}{i % 20000}')"),
        new("stat, cached by the kernel", "stats/s", 1, "os.stat(f'{m}/c{p}{i % 1000}')"),
        new("open, close (OPEN, RELEASE)", "opens/s", 1, "os.close(os.open(f'{m}/c{p}{i % 1000}', os.O_RDONLY))"),
        new(
            "create, write 4 KiB, close (LOOKUP, CREATE, WRITE, RELEASE)", "files/s", 1,
            "f = os.open(f'{m}/w{p}{i}', os.O_CREAT | os.O_EXCL | os.O_WRONLY); os.write(f, page); os.close(f)"),
        new("names of a directory of 20,000 (READDIR)", "names/s", 1, "n += len(os.listdir(m)) - 1"),
        new("read of 1 MiB, direct", "GiB/s", 1, "os.preadv(direct, [buffer], i % 1000 << 20)", 1 / 1024.0),
        new("write of 1 MiB, direct", "GiB/s", 1, "os.pwritev(direct, [buffer], i % 1000 << 20)", 1 / 1024.0),
        new(
            "read of 1 MiB, through the page cache", "GiB/s", 1,
            "os.preadv(cached, [buffer], i % 1000 << 20); i % 1000 == 999 and reopen()", 1 / 1024.0),
        new(
            "write of 1 MiB, through the page cache", "GiB/s", 1,
            "os.pwritev(cached, [buffer], i % 1000 << 20)", 1 / 1024.0),
    ];

    private const string Script =
        """
        import mmap, os, sys, time
        m, p, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
        page, buffer = bytes(4096), mmap.mmap(-1, 1 << 20)
        direct = os.open(f'{m}/big', os.O_RDWR | os.O_DIRECT)
        cached = os.open(f'{m}/big', os.O_RDWR)
        def reopen():
            global cached
            os.close(cached); cached = os.open(f'{m}/big', os.O_RDWR)
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

    private static async Task<FuseSuite> StartAsync(CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("dfs-fuse-bench-").FullName;
        var daemon = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["fuse-node", "--mount", folder])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        if (await daemon.StandardOutput.ReadLineAsync(cancellation) != "ready")
        {
            throw new InvalidOperationException("The daemon did not mount: root and /dev/fuse are needed.");
        }

        return new FuseSuite(folder, daemon);
    }

    private async Task MeasureAsync(
        Report report, Figure figure, int rounds, TimeSpan duration, CancellationToken cancellation)
    {
        List<double> rates = [];
        List<double> cpu = [];
        for (var round = 0; round <= rounds; round++)
        {
            _daemon.Refresh();
            var before = _daemon.TotalProcessorTime;
            var (count, took) = await LoadAsync(figure, duration, cancellation);
            _daemon.Refresh();
            if (round > 0)
            {
                // The first one warms up.
                rates.Add(count * figure.Scale / took);
                cpu.Add((_daemon.TotalProcessorTime - before).TotalMicroseconds / count);
            }
        }

        report.Add(figure.Name, figure.Unit, rates, cpu.Order().ElementAt(cpu.Count / 2));
    }

    private async Task<(double Count, double Seconds)> LoadAsync(
        Figure figure, TimeSpan duration, CancellationToken cancellation)
    {
        var step = figure.Scale < 1 || figure.Name.Contains("READDIR", StringComparison.Ordinal) ? "1" : "100";
        var script = Script.Replace("STEP", step, StringComparison.Ordinal)
            .Replace("OPERATION", figure.Operation, StringComparison.Ordinal);
        var loads = Enumerable.Range(1, figure.Processes).Select(async process =>
        {
            using var python = Process.Start(new ProcessStartInfo(
                "python3",
                ["-c", script, _folder, $"{process}", duration.TotalSeconds.ToString(CultureInfo.InvariantCulture)])
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
            })!;
            var fields = (await python.StandardOutput.ReadToEndAsync(cancellation)).Split(' ');
            await python.WaitForExitAsync(cancellation);
            return fields.Length == 2
                ? (Count: double.Parse(fields[0], CultureInfo.InvariantCulture),
                    Took: double.Parse(fields[1], CultureInfo.InvariantCulture))
                : throw new InvalidOperationException($"The load '{figure.Name}' failed.");
        }).ToList();
        var done = await Task.WhenAll(loads);
        return (done.Sum(d => d.Count), done.Max(d => d.Took));
    }

    private async Task<double> AllocatedAsync(CancellationToken cancellation)
    {
        await _daemon.StandardInput.WriteLineAsync("allocated?".AsMemory(), cancellation);
        await _daemon.StandardInput.FlushAsync(cancellation);
        return double.Parse(
            (await _daemon.StandardOutput.ReadLineAsync(cancellation))!, CultureInfo.InvariantCulture);
    }

    private sealed record Figure(string Name, string Unit, int Processes, string Operation, double Scale = 1);
}
