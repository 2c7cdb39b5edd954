namespace DistFS.Benchmarks.Fuse;

/// <summary>
/// The ceiling of a mount: an empty file system behind the FUSE protocol, used by python3 through ordinary system
/// calls, the daemon in a process of its own. The processor time is the daemon's alone.
/// </summary>
internal sealed class FuseSuite(FuseDaemon daemon)
{
    /// <param name="report">Gets the figures.</param>
    /// <param name="rounds">Each figure is the median of so many.</param>
    /// <param name="duration">Of one round.</param>
    /// <param name="only">Measure only what has this in its name.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task RunAsync(
        Report report, int rounds, TimeSpan duration, string? only, CancellationToken cancellation)
    {
        await using var daemon = await FuseDaemon.StartAsync(isPosix: false, cancellation);
        var suite = new FuseSuite(daemon);
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
            var before = await daemon.AllocatedAsync(cancellation);
            var (count, _) = await suite.LoadAsync(lookups, duration, cancellation);
            var perLookup = (await daemon.AllocatedAsync(cancellation) - before) / count;
            report.AddRatio("allocated per lookup (B)", perLookup, atMost: 1);
        }
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

    private const string Setup =
        """
        direct = os.open(f'{m}/big', os.O_RDWR | os.O_DIRECT)
        cached = os.open(f'{m}/big', os.O_RDWR)
        def reopen():
            global cached
            os.close(cached); cached = os.open(f'{m}/big', os.O_RDWR)
        """;

    private async Task MeasureAsync(
        Report report, Figure figure, int rounds, TimeSpan duration, CancellationToken cancellation)
    {
        List<double> rates = [];
        List<double> cpu = [];
        for (var round = 0; round <= rounds; round++)
        {
            var before = daemon.ProcessorTime;
            var (count, took) = await LoadAsync(figure, duration, cancellation);
            if (round > 0)
            {
                // The first one warms up.
                rates.Add(count * figure.Scale / took);
                cpu.Add((daemon.ProcessorTime - before).TotalMicroseconds / count);
            }
        }

        report.Add(figure.Name, figure.Unit, rates, cpu.Order().ElementAt(cpu.Count / 2));
    }

    private async Task<(double Count, double Seconds)> LoadAsync(
        Figure figure, TimeSpan duration, CancellationToken cancellation)
    {
        var step = figure.Scale < 1 || figure.Name.Contains("READDIR", StringComparison.Ordinal) ? 1 : 100;
        var done = await Task.WhenAll(Enumerable.Range(1, figure.Processes).Select(process => PythonLoad.RunAsync(
            daemon.Folder, process, duration, Setup, figure.Operation, step, cancellation)));
        return (done.Sum(static d => d.Count), done.Max(static d => d.Seconds));
    }

    private sealed record Figure(string Name, string Unit, int Processes, string Operation, double Scale = 1);
}
