using System.Diagnostics;
using DistFS.Benchmarks.Chunk;
using DistFS.Client;
using DistFS.TestCluster;

namespace DistFS.Benchmarks.Repair;

/// <summary>
/// A chunk server with 2 GiB dies: how soon the first copy is under way, how fast what it had is copied beside the same
/// bytes through one bare socket into a file (R), once with nothing else going on, and once beside a reader.
/// </summary>
internal sealed class RepairSuite(ClusterProcesses cluster, DistFsClient dfs, string folder)
{
    private const int Servers = 5;
    private const int Replicas = 3;
    private const int Step = 8 << 20;
    private const double MiB = 1 << 20;
    private const double GiB = 1 << 30;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <param name="report">Gets the figures.</param>
    /// <param name="folder">On the disk to measure; gets and loses the cluster.</param>
    /// <param name="bytes">That one server has.</param>
    public static async Task RunAsync(Report report, string folder, long bytes)
    {
        await using var cluster = await ClusterProcesses.StartAsync(folder, servers: Servers);
        await using var dfs = await cluster.ConnectAsync();
        var suite = new RepairSuite(cluster, dfs, Path.GetDirectoryName(folder)!);
        await suite.RunAsync(report, bytes);
    }

    private async Task RunAsync(Report report, long bytes)
    {
        var data = new byte[Step];
        new Random(1).NextBytes(data);
        var logical = bytes * Servers / Replicas;
        await using (var file = await dfs.CreateFileAsync("/data"))
        {
            for (long at = 0; at < logical; at += Step)
            {
                await file.WriteAsync(at, data);
            }
        }

        var bare = BareSink.Listen(folder, CancellationToken.None);
        var reference = new List<double>();
        for (var round = 0; round < 3; round++)
        {
            var start = Stopwatch.GetTimestamp();
            var settled = await BareSink.SendAsync(bare, toFile: true, data, (int)(bytes / Step));
            reference.Add(bytes / MiB / Stopwatch.GetElapsedTime(start).TotalSeconds);
            await settled;
        }

        var r = report.Add("R: the same bytes through a socket into a file", "MiB/s", reference);

        // The first time, servers that have just started compile what they run while they copy.
        var first = await KillAndRepairAsync(null);
        await BackAsync(first);
        var quiet = new List<Repaired>();
        for (var round = 0; round < 3; round++)
        {
            quiet.Add(await KillAndRepairAsync(null));
            await BackAsync(quiet[^1]);
        }

        var begins = quiet.ConvertAll(static one => one.Begins.TotalSeconds);
        begins.Add(first.Begins.TotalSeconds);
        report.Add("from the death of a server to the first copy", "s", begins);
        report.Add("copied, the first time", "MiB/s", [Rate(first)]);
        var rate = report.Add("copied, nothing else going on", "MiB/s", quiet.ConvertAll(Rate));
        report.Add("processor time of the servers, the first time", "s/GiB", [Cpu(first)]);
        report.Add("processor time of the servers for that", "s/GiB", quiet.ConvertAll(Cpu));
        report.Add("copied in all, each time", "MiB", quiet.ConvertAll(static one => one.Bytes / MiB));
        report.AddRatio("repair / R", rate / r, atLeast: 0.5);
        report.AddRatio("seconds until the first copy", begins.Max(), atMost: 12);

        await using var reader = new RandomReader(await dfs.OpenReadAsync("/data"), logical);
        var before = await reader.MeasureAsync(TimeSpan.FromSeconds(10));
        reader.Begin();
        var beside = await KillAndRepairAsync(reader);
        var during = reader.Measured();

        // Before and after: what else the machine does changes over a minute.
        await reader.EndAsync();
        var after = await reader.MeasureAsync(TimeSpan.FromSeconds(10));
        var alone = (before + after) / 2;
        report.Add("reader's p99 alone, 64 KiB at random, 4 in flight", "ms", [before, after]);
        report.Add("reader's p99 while copies are made", "ms", [during]);
        report.Add("copied beside the reader", "MiB/s", [beside.Bytes / MiB / beside.Takes.TotalSeconds]);
        report.AddRatio("reader's p99, repair / alone", during / alone, atMost: 2);
    }

    private async Task<Repaired> KillAndRepairAsync(RandomReader? reader)
    {
        var ranges = await dfs.GetBlockLocationsAsync("/data");
        var victim = ranges.SelectMany(static range => range.Replicas).GroupBy(static one => one.Address)
            .MaxBy(static group => group.Count())!;
        var lost = ranges.Where(range => range.Replicas.Any(one => one.Address == victim.Key)).Sum(one => one.Length);
        var dead = cluster.ServerAt(victim.Key);
        await dead.KillAsync();
        var killed = Stopwatch.GetTimestamp();
        await cluster.UntilAsync(Limit, async () =>
            (await cluster.Admin.RepairAsync(TimeSpan.FromSeconds(5), default)).CopiesUnderWay > 0 ? null : "no copy");
        var begins = Stopwatch.GetElapsedTime(killed);
        reader?.Clear();
        var begun = Stopwatch.GetTimestamp();
        var before = ProcessorTime;
        await cluster.UntilAsync(Limit, async () =>
        {
            var now = await dfs.GetBlockLocationsAsync("/data");
            return now.All(range =>
                range.Replicas.Count(one => cluster.ServerAt(one.Address).IsStarted) >= Replicas) ? null : "not yet";
        });
        return new Repaired(dead, lost, begins, Stopwatch.GetElapsedTime(begun), ProcessorTime - before);
    }

    private async Task BackAsync(Repaired repaired)
    {
        await repaired.Dead.StartAsync();
        await cluster.ServersUpAsync(Servers);
        await cluster.RepairedAsync(Limit);
    }

    private static double Rate(Repaired repaired) => repaired.Bytes / MiB / repaired.Takes.TotalSeconds;

    private static double Cpu(Repaired repaired) => repaired.Cpu.TotalSeconds / (repaired.Bytes / GiB);

    private TimeSpan ProcessorTime =>
        cluster.Servers.Aggregate(TimeSpan.Zero, static (sum, server) => sum + server.ProcessorTime);

    private sealed record Repaired(NodeProcess Dead, long Bytes, TimeSpan Begins, TimeSpan Takes, TimeSpan Cpu);

    /// <summary>Reads blocks at random, four at a time, and keeps how long each took.</summary>
    private sealed class RandomReader(DistFsFile file, long length) : IAsyncDisposable
    {
        private const int Block = 64 << 10;
        private const int InFlight = 4;

        private readonly Lock _gate = new();
        private readonly List<double> _milliseconds = [];
        private readonly CancellationTokenSource _stop = new();
        private Task _reading = Task.CompletedTask;

        public void Begin() => _reading = Task.WhenAll(Enumerable.Range(1, InFlight).Select(ReadAsync));

        public void Clear()
        {
            lock (_gate)
            {
                _milliseconds.Clear();
            }
        }

        /// <summary>The 99th percentile so far, in ms.</summary>
        public double Measured()
        {
            lock (_gate)
            {
                return _milliseconds.Order().ElementAt((int)(_milliseconds.Count * 0.99));
            }
        }

        public async Task<double> MeasureAsync(TimeSpan time)
        {
            using var end = new CancellationTokenSource(time);
            await Task.WhenAll(Enumerable.Range(1, InFlight).Select(one => ReadAsync(one, end.Token)));
            var measured = Measured();
            Clear();
            return measured;
        }

        /// <summary>Ends what <see cref="Begin"/> began, and forgets what it measured.</summary>
        public async Task EndAsync()
        {
            await _stop.CancelAsync();
            await _reading;
            Clear();
        }

        public async ValueTask DisposeAsync()
        {
            await EndAsync();
            await file.DisposeAsync();
            _stop.Dispose();
        }

        private Task ReadAsync(int seed) => ReadAsync(seed, _stop.Token);

        private async Task ReadAsync(int seed, CancellationToken end)
        {
            var random = new Random(seed);
            var block = new byte[Block];
            while (!end.IsCancellationRequested)
            {
                var start = Stopwatch.GetTimestamp();
                await file.ReadAsync(random.NextInt64(length / Block) * Block, block, CancellationToken.None);
                lock (_gate)
                {
                    _milliseconds.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                }
            }
        }
    }
}
