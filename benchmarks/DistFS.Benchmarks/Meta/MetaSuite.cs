using System.Diagnostics;
using DistFS.Benchmarks.Raft;
using DistFS.TestCluster;

namespace DistFS.Benchmarks.Meta;

/// <summary>
/// Metaservers as processes, as they ship, every change on the disks of a majority before it is answered: rates beside
/// what the disk alone takes, in turns; then memory and restart with many files.
/// </summary>
internal static class MetaSuite
{
    // A record of the log for one create: about what it has.
    private const int RecordBytes = 160;

    private const int InFlight = 64;
    private const int Batchers = 4;
    private const int Batch = 256;
    private const int Listers = 2;
    private const int PageEntries = 1000;

    private const double CreatesMin = 10_000;
    private const double BatchedMin = 30_000;
    private const double LookupsMin = 60_000;
    private const double EntriesMin = 300_000;
    private const double ResidentMiBMax = 400;
    private const double RestartSecondsMax = 5;

    public static async Task RunAsync(Report report, MetaSuiteOptions options, CancellationToken cancellation)
    {
        if (options.Only != "fill")
        {
            await MeasureAsync(report, options, cancellation);
        }

        if (options.Only is null or "fill")
        {
            await FillAsync(report, options);
        }
    }

    private static async Task MeasureAsync(Report report, MetaSuiteOptions options, CancellationToken cancellation)
    {
        await using var processes = await MetaserverProcesses.StartAsync(options.NewFolder(), options.Members);
        var leader = await processes.LeaderAsync();
        var work = await MetaWork.PrepareAsync(processes, InFlight, bigEntries: 20_000);
        (string Name, int Loops, Func<int, Load, Task<long>> Loop)[] parts =
        [
            ($"creates, {InFlight} in flight", InFlight, work.CreateAsync),
            ($"renames, {InFlight} in flight", InFlight, work.RenameAsync),
            ($"lookups, one per request, {InFlight} in flight", InFlight, work.LookupAsync),
            ($"lookups, {MetaWork.LookupsPerRequest} per request, {Batchers} in flight", Batchers,
                work.LookupManyAsync),
            ($"readdirplus entries, {PageEntries} per page, {Listers} in flight", Listers, work.ListAsync),
            ($"unlinks, {InFlight} in flight", InFlight, work.UnlinkAsync),
            ($"creates, {Batch} per request, {Batchers} in flight", Batchers,
                (loop, load) => work.CreateManyAsync(loop, Batch, load)),
        ];
        var isWhole = parts.All(part => options.Includes(part.Name));
        if (!isWhole)
        {
            parts = [.. parts.Where(part => options.Includes(part.Name))];
        }

        var series = parts.Select(_ => new Series()).ToArray();
        var disk = new Series();

        // The first round warms up.
        for (var round = 0; round <= options.Rounds; round++)
        {
            cancellation.ThrowIfCancellationRequested();
            var alone = DiskProbe.Run(options.NewFolder(), RecordBytes, options.Duration);
            disk.Take(round, alone.Count / options.Duration.TotalSeconds, 0, 0, 0);
            for (var i = 0; i < parts.Length; i++)
            {
                await RunAsync(processes, leader, options.Duration, parts[i].Loops, parts[i].Loop, round, series[i]);
                work.ThrowIfFailed(processes);
            }
        }

        var syncs = report.Add("disk: write and fdatasync", "syncs/s", disk.Rates);
        var rates = parts.Select((part, i) => series[i].Report(report, part.Name)).ToArray();
        if (!isWhole)
        {
            return;
        }

        report.AddRatio("creates (per s)", rates[0], atLeast: CreatesMin);
        report.AddRatio("creates / fdatasync of the disk alone", rates[0] / syncs);
        report.AddRatio($"creates, {Batch} per request (per s)", rates[6], atLeast: BatchedMin);
        report.AddRatio($"creates, {Batch} per request / fdatasync of the disk alone", rates[6] / syncs);
        report.AddRatio("lookups, one per request (per s)", rates[2]);
        report.AddRatio(
            $"lookups, {MetaWork.LookupsPerRequest} per request (per s)", rates[3], atLeast: LookupsMin);
        report.AddRatio("readdirplus (entries per s)", rates[4], atLeast: EntriesMin);
        report.AddRatio("creates / renames", rates[0] / rates[1], atMost: 2);
        report.AddRatio("creates / unlinks", rates[0] / rates[5], atMost: 2);
        report.AddRatio("states that add up", await CheckAsync(processes), atLeast: options.Members);
    }

    /// <summary>Many files: how much memory a member has then, and how long it is until it is back.</summary>
    private static async Task FillAsync(Report report, MetaSuiteOptions options)
    {
        await using var processes = await MetaserverProcesses.StartAsync(options.NewFolder(), options.Members);
        await processes.LeaderAsync();
        var work = await MetaWork.PrepareAsync(processes, InFlight, bigEntries: 0);
        var start = Stopwatch.GetTimestamp();
        await work.FillAsync(options.Files, Batchers, Batch);
        var rate = options.Files / Stopwatch.GetElapsedTime(start).TotalSeconds;
        work.ThrowIfFailed(processes);
        report.Add($"{options.Files:N0} files made", "files/s", [rate]);
        var resident = Members(processes).Select(processes.ResidentBytes).ToList();
        report.Add("resident memory, each member", "MiB", [.. resident.Select(bytes => bytes.Now / 1048576.0)]);
        report.Add("resident memory, the most", "MiB", [.. resident.Select(bytes => bytes.Most / 1048576.0)]);
        await Task.WhenAll(Members(processes).Select(processes.KillAsync));
        var killed = await RestartAsync(processes, work);
        await Task.WhenAll(Members(processes).Select(processes.StopAsync));
        var stopped = await RestartAsync(processes, work);
        report.Add("restart after kill -9 of all, first answer", "s", [killed]);
        report.Add("restart after SIGTERM of all, first answer", "s", [stopped]);
        report.AddRatio(
            $"resident memory with {options.Files:N0} files (MiB)",
            resident.Max(bytes => bytes.Now) / 1048576.0,
            atMost: ResidentMiBMax);
        report.AddRatio(
            $"restart with {options.Files:N0} files (s)", Math.Max(killed, stopped), atMost: RestartSecondsMax);
        report.AddRatio("states that add up, restarted", await CheckAsync(processes), atLeast: options.Members);
    }

    private static IEnumerable<int> Members(MetaserverProcesses processes) => Enumerable.Range(0, processes.Count);

    private static async Task<double> RestartAsync(MetaserverProcesses processes, MetaWork work)
    {
        var start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Members(processes).Select(processes.StartAsync));
        await work.LookAgainAsync();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static async Task<int> CheckAsync(MetaserverProcesses processes)
    {
        var sound = 0;
        foreach (var member in Members(processes))
        {
            await processes.StopAsync(member);
            var findings = processes.Check(member);
            sound += findings.Count == 0 ? 1 : 0;
            foreach (var finding in findings.Take(10))
            {
                await Console.Error.WriteLineAsync($"Metaserver {member + 1}: {finding}");
            }
        }

        return sound;
    }

    private static async Task RunAsync(
        MetaserverProcesses processes,
        int leader,
        TimeSpan duration,
        int loops,
        Func<int, Load, Task<long>> loop,
        int round,
        Series series)
    {
        using var self = Process.GetCurrentProcess();
        var before = Members(processes).Select(processes.ProcessorTime).ToArray();
        var own = self.TotalProcessorTime;
        var start = Stopwatch.GetTimestamp();
        var load = Load.Start(duration);
        var counts = await Task.WhenAll(
            Enumerable.Range(0, loops).Select(i => Task.Run(() => loop(i, load))));
        double count = counts.Sum();
        var rate = count / Stopwatch.GetElapsedTime(start).TotalSeconds;
        self.Refresh();
        var used = Members(processes).Select(member => processes.ProcessorTime(member) - before[member]).ToArray();
        var others = used.Where((_, member) => member != leader).Sum(time => time.TotalMicroseconds);
        series.Take(
            round,
            rate,
            (self.TotalProcessorTime - own).TotalMicroseconds / count,
            used[leader].TotalMicroseconds / count,
            others / count);
    }

    /// <summary>Rounds of one measurement: rate, and processor time per operation of all who take part.</summary>
    private sealed class Series
    {
        private readonly List<double> _client = [];
        private readonly List<double> _leader = [];
        private readonly List<double> _others = [];

        public List<double> Rates { get; } = [];

        public void Take(int round, double rate, double client, double leader, double others)
        {
            if (round > 0)
            {
                Rates.Add(rate);
                _client.Add(client);
                _leader.Add(leader);
                _others.Add(others);
            }
        }

        /// <returns>The median of the rates.</returns>
        public double Report(Report report, string name)
        {
            var median = report.Add(
                name, "1/s", Rates, Median(_client) + Median(_leader) + Median(_others));
            report.Add("  CPU: client", "us/op", _client);
            report.Add("  CPU: leader", "us/op", _leader);
            report.Add("  CPU: the other members", "us/op", _others);
            return median;
        }

        private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
    }
}

/// <summary>How long and how much.</summary>
/// <param name="Folder">Where the data folders come.</param>
/// <param name="Members">Metaservers.</param>
/// <param name="Rounds">Of the rates.</param>
/// <param name="Duration">Of one measurement.</param>
/// <param name="Files">For memory and restart.</param>
/// <param name="Only">Only "rate", "fill", or the rates with this in their names; null is all.</param>
internal sealed record MetaSuiteOptions(
    string Folder, int Members, int Rounds, TimeSpan Duration, int Files, string? Only)
{
    private int _folders;

    public bool Includes(string part) =>
        Only is null or "rate" || part.Contains(Only, StringComparison.OrdinalIgnoreCase);

    /// <summary>A folder that no other part of this run has.</summary>
    public string NewFolder() => Path.Combine(Folder, $"meta-{Environment.ProcessId}-{++_folders}");
}
