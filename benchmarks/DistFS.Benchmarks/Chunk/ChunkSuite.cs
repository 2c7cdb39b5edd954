using System.Diagnostics;
using DistFS.Benchmarks.Raft;
using DistFS.Blocks;
using DistFS.Client.Chunks;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Frames;
using DistFS.Rpc.Services;

namespace DistFS.Benchmarks.Chunk;

/// <summary>
/// Chunks over three servers, processes of their own that share the machine with the client, beside the same bytes over
/// a bare socket (S), and over one into a file with an fsync at its end (R), in every round.
/// </summary>
internal sealed class ChunkSuite : IChunkVersions, IAsyncDisposable
{
    private const int Servers = 3;
    private const int Chunks = 4;
    private const int Bytes = Chunks * ChunkLayout.ChunkBytes;
    private const double MiB = 1 << 20;
    private const double GiB = 1 << 30;
    private const int Small = 4_096;
    private const int InFlight = 16;

    /// <summary>
    /// What the processes are measured at is code that has been compiled for good: after three rounds of 256 MiB half
    /// of the processor time of four processes was still the compiler's (5.0 s/GiB at three replicas for 2.6).
    /// </summary>
    private const int WarmingRounds = 8;

    private const string LastWrite = "write, 1 replica, incompressible";

    private readonly List<ChunkProcess> _servers = [];
    private readonly FrameChannels _links = ChunkChannels.Create("bench");
    private readonly byte[] _random = new byte[ChunkLayout.ChunkBytes];
    private readonly byte[] _half = new byte[ChunkLayout.ChunkBytes];
    private readonly Dictionary<string, (List<double> Rates, List<double> Cpu)> _figures = [];
    private ulong _chunk = 1;
    private Task _settled = Task.CompletedTask;
    private readonly List<ChunkTarget> _lastWritten = [];
    private ChunkTarget? _written;

    public static async Task RunAsync(
        Report report, string folder, int rounds, TimeSpan duration, string? only, CancellationToken cancellation)
    {
        Delete(folder);
        try
        {
            await using var suite = new ChunkSuite();
            await suite.StartAsync(folder, cancellation);
            for (var round = 0; round < WarmingRounds; round++)
            {
                await suite.RoundAsync(isWarm: false, folder, duration / WarmingRounds, only);
            }

            for (var round = 0; round < rounds; round++)
            {
                await suite.RoundAsync(isWarm: true, folder, duration, only);
            }

            suite.Add(report);
        }
        finally
        {
            Delete(folder);
        }
    }

    public Task<ChunkTarget> BeginVersionAsync(
        ChunkTarget before, uint length, IReadOnlyCollection<ServerId> drop, CancellationToken cancellation) =>
        throw new InvalidOperationException($"A server failed in the benchmark: {string.Join(", ", drop)}.");

    public Task<ChunkTarget> LookUpAsync(ChunkTarget before, CancellationToken cancellation) =>
        throw new InvalidOperationException("A server failed in the benchmark.");

    public async ValueTask DisposeAsync()
    {
        await _links.DisposeAsync();
        foreach (var server in _servers)
        {
            await server.DisposeAsync();
        }
    }

    private static void Delete(string folder)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private async Task StartAsync(string folder, CancellationToken cancellation)
    {
        for (var id = 1u; id <= Servers; id++)
        {
            var data = Path.Combine(folder, $"server-{id}");
            Directory.CreateDirectory(data);
            _servers.Add(await ChunkProcess.StartAsync(id, data, cancellation));
        }

        // Half of each block compresses away.
        new Prng(1).Fill(_random);
        for (var at = 0; at < _half.Length; at += ChunkLayout.BlockBytes)
        {
            _random.AsSpan(at, ChunkLayout.BlockBytes / 2).CopyTo(_half.AsSpan(at));
        }
    }

    private async Task RoundAsync(bool isWarm, string folder, TimeSpan duration, string? only)
    {
        async Task MeasureAsync(string name, Func<Task<double>> run)
        {
            // Some of what is read and written over has to be there in any case.
            if (only != null && name != LastWrite
                && !only.Split('|').Any(part => name.Contains(part, StringComparison.OrdinalIgnoreCase)))
            {
                return;
            }

            var before = ProcessorTime;
            var amount = 0.0;
            var watch = Stopwatch.StartNew();
            amount = await run();
            var rate = amount / watch.Elapsed.TotalSeconds;
            if (!_figures.TryGetValue(name, out var figure))
            {
                _figures.Add(name, figure = ([], []));
            }

            if (isWarm)
            {
                figure.Rates.Add(rate);
                figure.Cpu.Add((ProcessorTime - before).TotalSeconds / amount);
            }

            // What it leaves the disk to do is not the next one's, and not its own.
            await _settled;
        }

        var bare = _servers[0].Bare;
        await MeasureAsync("S: bare socket", () => SendAsync(bare, toFile: false));
        await MeasureAsync("R: bare socket into a file", () => SendAsync(bare, toFile: true));
        await MeasureAsync("write, 3 replicas, incompressible", () => WriteAsync(3, _random));
        await MeasureAsync("write, 1 replica, half compressible", () => WriteAsync(1, _half));
        await MeasureAsync(LastWrite, () => WriteAsync(1, _random));
        await MeasureAsync("read, from the page cache", () => ReadAsync(duration));
        await MeasureAsync("framed calls, 16 in flight", () => CallsAsync(duration));
        await MeasureAsync("4 KiB random reads, 16 in flight", () => SmallReadsAsync([_written!], duration));

        // Four times what the server has memory for.
        await MeasureAsync(
            "4 KiB random reads of 256 MiB, 16 in flight", () => SmallReadsAsync([.. _lastWritten], duration));
        await MeasureAsync("4 KiB durable overwrites, 16 in flight", () => OverwritesAsync(duration));
        await MeasureAsync("fdatasync of 4 KiB, the disk alone", () =>
            Task.FromResult((double)DiskProbe.Run(Path.Combine(folder, "probe"), Small, duration).Count));
    }

    private TimeSpan ProcessorTime
    {
        get
        {
            using var self = Process.GetCurrentProcess();
            return _servers.Aggregate(self.TotalProcessorTime, static (sum, server) => sum + server.ProcessorTime);
        }
    }

    private async Task<double> SendAsync(System.Net.IPEndPoint bare, bool toFile)
    {
        _settled = await BareSink.SendAsync(bare, toFile, _random, Chunks);
        return Bytes / GiB;
    }

    /// <summary>Chunk after chunk; while one is made durable, the next is written.</summary>
    private async Task<double> WriteAsync(int replicas, byte[] content)
    {
        ChunkWriter? before = null;
        _lastWritten.Clear();
        var synced = Task.CompletedTask;
        for (var i = 0; i < Chunks; i++)
        {
            var target = new ChunkTarget(
                new ChunkId(_chunk++), new ChunkVersion(1), 0, [.. _servers.Take(replicas).Select(s => s.Server)]);
            var writer = new ChunkWriter(target, this, _links);
            _lastWritten.Add(target);
            await writer.BeginAsync(0, content, isDurable: false, default);
            await synced;
            if (before != null)
            {
                await before.DisposeAsync();
            }

            (before, synced, _written) = (writer, writer.SyncAsync(default), target);
        }

        await synced;
        await before!.DisposeAsync();
        return Bytes / GiB;
    }

    private async Task<double> ReadAsync(TimeSpan duration)
    {
        var reader = new ChunkReader(_links);
        var target = _written!;
        var load = Load.Start(duration);
        var next = 0;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            var bytes = new byte[1 << 20];
            while (load.Running)
            {
                var at = (uint)(Interlocked.Increment(ref next) % 64) << 20;
                await reader.ReadAsync(target, this, at, bytes, default);
                load.Count(bytes.Length);
            }
        })));
        return load.Total / GiB;
    }

    private async Task<double> SmallReadsAsync(ChunkTarget[] targets, TimeSpan duration)
    {
        var reader = new ChunkReader(_links);
        var load = Load.Start(duration);
        await Task.WhenAll(Enumerable.Range(0, InFlight).Select(i => Task.Run(async () =>
        {
            var random = new Prng((ulong)i);
            var bytes = new byte[Small];
            while (load.Running)
            {
                var at = (uint)random.NextInt32(ChunkLayout.ChunkBytes / Small) * Small;
                await reader.ReadAsync(targets[random.NextInt32(targets.Length)], this, at, bytes, default);
                load.Count();
            }
        })));
        return load.Total;
    }

    private async Task<double> OverwritesAsync(TimeSpan duration)
    {
        var target = _written!;
        target = target with
        {
            Version = new ChunkVersion(target.Version.Value + 1),
            StoredLength = ChunkLayout.ChunkBytes,
        };
        _written = target;
        await using var writer = new ChunkWriter(
            target, this, _links, new ChunkWriterOptions { RequestsMax = InFlight });
        var random = new Prng(5);
        var load = Load.Start(duration);
        while (load.Running)
        {
            var at = (uint)random.NextInt32(ChunkLayout.ChunkBytes / Small) * Small;
            await writer.BeginAsync(at, _random.AsMemory((int)at, Small), isDurable: true, default);
            load.Count();
        }

        await writer.FlushAsync(default);
        return load.Total;
    }

    private async Task<double> CallsAsync(TimeSpan duration)
    {
        await using var channel = new FrameChannel(RpcAddress.Parse(_servers[0].Server.Address));
        var load = Load.Start(duration);
        await Task.WhenAll(Enumerable.Range(0, InFlight).Select(_ => Task.Run(async () =>
        {
            while (load.Running)
            {
                await channel.CallAsync(NodeMethods.Ping, new PingRequest(), TimeSpan.FromSeconds(5));
                load.Count();
            }
        })));
        return load.Total;
    }

    private void Add(Report report)
    {
        var medians = new Dictionary<string, double>();
        foreach (var (name, (rates, cpu)) in _figures)
        {
            var isBytes = !name.Contains("in flight", StringComparison.Ordinal)
                && !name.StartsWith("fdatasync", StringComparison.Ordinal);
            var factor = isBytes ? GiB / MiB : 1;
            medians[name] = report.Add(
                name,
                isBytes ? "MiB/s, s/GiB" : "1/s",
                [.. rates.Select(rate => rate * factor)],
                isBytes ? cpu.Order().ElementAt(cpu.Count / 2) : cpu.Order().ElementAt(cpu.Count / 2) * 1e6);
        }

        report.Add("memory of a server, at most", "MiB", [_servers.Max(server => server.PeakBytes) / MiB]);
        Ratio(LastWrite, "R: bare socket into a file", 0.6);
        Ratio("write, 1 replica, half compressible", "R: bare socket into a file", 0.5);
        Ratio("write, 3 replicas, incompressible", "R: bare socket into a file", 0.25);
        Ratio("read, from the page cache", "S: bare socket", 0.6);
        Ratio("4 KiB random reads, 16 in flight", "framed calls, 16 in flight", 0.5);
        Ratio("4 KiB durable overwrites, 16 in flight", "fdatasync of 4 KiB, the disk alone", 0.6);

        void Ratio(string of, string to, double atLeast)
        {
            if (medians.TryGetValue(of, out var value) && medians.TryGetValue(to, out var reference))
            {
                report.AddRatio($"{of} / {to[..Math.Min(to.Length, 20)]}", value / reference, atLeast);
            }
        }
    }
}
