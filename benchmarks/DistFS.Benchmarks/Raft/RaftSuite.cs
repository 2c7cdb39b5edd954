using System.Diagnostics;

namespace DistFS.Benchmarks.Raft;

/// <summary>
/// Three members as processes, every write synced on a majority before it is answered: rates and latencies beside what
/// the disk alone takes, in turns; then faults.
/// </summary>
internal static class RaftSuite
{
    private const int CommandBytes = 100;

    // A record of the log: the command and what the log puts around it.
    private const int RecordBytes = CommandBytes + 36;

    private const int MixedInFlight = 64;
    private const int Readers = 16;

    private static readonly int[] InFlight = [1, 16, 64, 256];

    public static async Task RunAsync(Report report, RaftSuiteOptions options, CancellationToken cancellation)
    {
        if (options.Includes("rate"))
        {
            await MeasureAsync(report, options, cancellation);
        }

        if (options.Includes("kill"))
        {
            await RaftFaults.KillLeadersAsync(report, options, "default", 1500, 4000, cancellation);
            await RaftFaults.KillLeadersAsync(report, options, "fast", 400, null, cancellation);
        }

        if (options.Includes("stop"))
        {
            await RaftFaults.StopLeaderAsync(report, options, cancellation);
        }

        if (options.Includes("crash"))
        {
            await RaftFaults.CrashEverywhereAsync(report, options, cancellation);
        }
    }

    private static async Task MeasureAsync(Report report, RaftSuiteOptions options, CancellationToken cancellation)
    {
        await using var processes = await RaftProcesses.StartAsync(options.NewFolder(), "default", cancellation);
        var leader = await processes.LeaderAsync(cancellation);
        var series = InFlight.ToDictionary(inFlight => inFlight, _ => new Series());
        var disk = new Series();
        var mixed = new Series();
        var reads = new List<double>();

        // The first round warms up.
        for (var round = 0; round <= options.Rounds; round++)
        {
            var alone = DiskProbe.Run(options.NewFolder(), RecordBytes, options.Duration);
            disk.Take(round, alone, alone.Count / options.Duration.TotalSeconds, cpu: 0);
            foreach (var inFlight in InFlight)
            {
                cancellation.ThrowIfCancellationRequested();
                await LoadAsync(processes, leader, inFlight, options.Duration, round, series[inFlight]);
            }

            var reading = Load.RunAsync(Readers, options.Duration, load => ReadAsync(processes, leader, load));
            await LoadAsync(processes, leader, MixedInFlight, options.Duration, round, mixed);
            reads.Add(await reading);
        }

        var syncMs = disk.Report(report, "disk: write and fdatasync", "syncs/s");
        var rates = new Dictionary<int, double>();
        var oneMs = 0.0;
        foreach (var inFlight in InFlight)
        {
            var p50 = series[inFlight].Report(report, $"{inFlight} in flight", "writes/s");
            oneMs = inFlight == 1 ? p50 : oneMs;
            rates[inFlight] = series[inFlight].Rates.Order().ElementAt(series[inFlight].Rates.Count / 2);
        }

        mixed.Report(report, $"{MixedInFlight} in flight, {Readers} readers", "writes/s");
        report.Add($"{MixedInFlight} in flight, {Readers} readers, reads", "reads/s", [.. reads.Skip(1)]);
        report.AddRatio(
            $"{MixedInFlight} in flight, {Readers} readers / without readers, rates",
            mixed.Rates.Order().ElementAt(mixed.Rates.Count / 2) / rates[MixedInFlight],
            atLeast: 0.4);
        report.AddRatio("256 in flight / 1 in flight, rates", rates[256] / rates[1], atLeast: 25);
        report.AddRatio("1 in flight, p50 (ms)", oneMs, atMost: (3 * syncMs) + 1);
        report.AddRatio("members with equal state", await processes.AreEqualAsync(cancellation) ? 1 : 0, atLeast: 1);
    }

    private static async Task<long> ReadAsync(RaftProcesses processes, int leader, Load load)
    {
        var client = new RegisterClient(processes, 0, CommandBytes) { Member = leader };
        long count = 0;
        for (; load.Running; count++)
        {
            await client.GetAsync((ulong)count % MixedInFlight, CancellationToken.None);
        }

        return count;
    }

    private static async Task LoadAsync(
        RaftProcesses processes, int leader, int inFlight, TimeSpan duration, int round, Series series)
    {
        using var self = Process.GetCurrentProcess();
        var allocated = (await processes.LookAsync(leader))?.Allocated ?? 0;
        var before = processes.ProcessorTime + self.TotalProcessorTime;
        var times = new List<double>[inFlight];
        var load = Load.Start(duration);
        await Task.WhenAll(Enumerable.Range(0, inFlight).Select(i => Task.Run(async () =>
        {
            var id = (ulong)Random.Shared.NextInt64();
            var client = new RegisterClient(processes, id, CommandBytes) { Member = leader };
            var mine = times[i] = [];
            while (load.Running)
            {
                var start = Stopwatch.GetTimestamp();
                await client.PutAsync((ulong)i, start, CancellationToken.None);
                mine.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }

            load.Count(mine.Count);
        })));
        var rate = load.PerSecond;
        self.Refresh();
        var all = times.SelectMany(t => t).ToList();
        var cpu = (processes.ProcessorTime + self.TotalProcessorTime - before).TotalMicroseconds / all.Count;
        allocated = ((await processes.LookAsync(leader))?.Allocated ?? 0) - allocated;
        series.Take(round, all, rate, cpu, allocated / (double)all.Count);
    }

    /// <summary>Rounds of one measurement.</summary>
    private sealed class Series
    {
        private readonly List<double> _p50 = [];
        private readonly List<double> _p99 = [];
        private readonly List<double> _cpu = [];
        private readonly List<double> _allocated = [];

        public List<double> Rates { get; } = [];

        public void Take(int round, List<double> times, double rate, double cpu, double allocated = 0)
        {
            if (round == 0)
            {
                return;
            }

            times.Sort();
            _p50.Add(times[times.Count / 2]);
            _p99.Add(times[(int)(times.Count * 0.99)]);
            Rates.Add(rate);
            _cpu.Add(cpu);
            _allocated.Add(allocated);
        }

        /// <returns>The median of the p50.</returns>
        public double Report(Report report, string name, string unit)
        {
            var cpu = _cpu.Order().ElementAt(_cpu.Count / 2);
            report.Add(name, unit, Rates, cpu > 0 ? cpu : null);
            var p50 = report.Add($"{name}, p50", "ms", _p50);
            report.Add($"{name}, p99", "ms", _p99);
            if (_allocated.Max() > 0)
            {
                report.Add($"{name}, allocated by the leader", "B/write", _allocated);
            }

            return p50;
        }
    }
}

/// <summary>How long and how much.</summary>
/// <param name="Folder">Where the data folders come.</param>
/// <param name="Rounds">Of the rates.</param>
/// <param name="Duration">Of one measurement.</param>
/// <param name="Kills">Of leaders, per profile.</param>
/// <param name="Pause">Of the stopped leader.</param>
/// <param name="IsQuick">Only to see that all of it works.</param>
/// <param name="Only">Only the part of this name (rate, kill, stop, crash); null is all.</param>
internal sealed record RaftSuiteOptions(
    string Folder, int Rounds, TimeSpan Duration, int Kills, TimeSpan Pause, bool IsQuick, string? Only)
{
    private int _folders;

    public bool Includes(string part) => Only == null || part.Contains(Only, StringComparison.OrdinalIgnoreCase);

    /// <summary>A folder that no other part of this run has.</summary>
    public string NewFolder() => Path.Combine(Folder, $"raft-{Environment.ProcessId}-{++_folders}");
}
