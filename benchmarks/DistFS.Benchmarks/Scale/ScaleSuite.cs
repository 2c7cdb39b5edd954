using System.Diagnostics;
using System.Globalization;
using DistFS.Metadata.Placement;

namespace DistFS.Benchmarks.Scale;

/// <summary>What the placement core does at the size it is made for (docs/design/scale.md).</summary>
internal static class ScaleSuite
{
    public static void Run(Report report, bool isQuick, string? only)
    {
        var watch = Stopwatch.StartNew();
        var servers = isQuick ? 1_000 : 10_000;
        var chunks = isQuick ? 1_000_000L : 100_000_000L;
        var parts = new (string Name, Action Measure)[]
        {
            ("tokens", () => MeasureTokens(report, isQuick ? 300_000 : 2_000_000)),
            ("ring", () => MeasureRing(report, servers)),
            ("movement", () => MeasureMovement(report, servers, isQuick ? 300_000 : 5_000_000)),
            ("balancer", () => MeasureBalancer(report, isQuick)),
            ("repair", () => MeasureRepair(report, isQuick)),
            ("fill", () => MeasureFill(report, servers, chunks)),
        };
        foreach (var part in parts)
        {
            if (only == null || part.Name.Contains(only, StringComparison.Ordinal))
            {
                part.Measure();
            }
        }

        report.Add("the whole run", "s", [watch.Elapsed.TotalSeconds]);
    }

    /// <summary>Evenness without a bound, against the number of tokens: what the ring gives by itself.</summary>
    private static void MeasureTokens(Report report, long chunks)
    {
        var servers = ScaleModel.Servers(1_000);
        var mean = (long)servers.Average(s => s.CapacityBytes);
        foreach (var tokens in new[] { 16, 32, 64, 128, 256, 512, 1024 })
        {
            var loads = new ServerLoads(Ring.Build(servers, mean / tokens));
            var evenness = ScaleModel.EvennessOf(loads.Ring, ScaleModel.FillUnbounded(loads, chunks));
            report.Add($"1,000 servers, {tokens} tokens: max/mean, no bound", "x", [evenness.Most]);
            report.Add($"1,000 servers, {tokens} tokens: deviation, no bound", "%", [100 * evenness.Deviation]);
        }
    }

    private static void MeasureRing(Report report, int count)
    {
        var servers = ScaleModel.Servers(count + 1);
        var unit = Ring.UnitFor(servers);
        Ring.Build(servers.AsSpan(0, 100), unit);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var watch = Stopwatch.StartNew();
        var ring = Ring.Build(servers.AsSpan(0, count), unit);
        report.Add($"{Text(count)} servers: build of the ring", "ms", [watch.Elapsed.TotalMilliseconds]);
        var bytes = GC.GetTotalMemory(forceFullCollection: true) - before;
        report.Add($"{Text(count)} servers: tokens", "", [ring.TokenCount]);
        report.Add($"{Text(count)} servers: the ring's memory", "MiB", [bytes / (double)(1 << 20)]);
        watch.Restart();
        var larger = ring.With(servers);
        report.Add($"{Text(count)} servers: ring with one more", "ms", [watch.Elapsed.TotalMilliseconds]);
        servers[5] = servers[5] with { State = ServerState.Suspect };
        watch.Restart();
        larger.With(servers);
        report.Add($"{Text(count)} servers: ring with another state", "ms", [watch.Elapsed.TotalMilliseconds]);
        GC.KeepAlive(ring);
    }

    private static void MeasureMovement(Report report, int count, long chunks)
    {
        var servers = ScaleModel.Servers(count + 1);
        var unit = Ring.UnitFor(servers);
        var loads = new ServerLoads(Ring.Build(servers.AsSpan(0, count), unit));
        var changed = servers[count].Id;
        var join = ScaleModel.MovementOf(loads, new ServerLoads(loads.Ring.With(servers)), chunks, changed);
        Add(report, $"{Text(count)} servers, one joins: the ring's own movement", join);
        changed = servers[count / 2].Id;
        servers[count / 2] = servers[count / 2] with { State = ServerState.Dead };
        var after = new ServerLoads(loads.Ring.With(servers.AsSpan(0, count)));
        Add(report, $"{Text(count)} servers, one leaves: the ring's own movement",
            ScaleModel.MovementOf(loads, after, chunks, changed));
    }

    private static void MeasureBalancer(Report report, bool isQuick)
    {
        var (servers, chunks) = isQuick ? (100, 100_000) : (1_000, 2_000_000);
        var (even, join, again, after) = ScaleModel.Balance(servers, chunks);
        var replicas = (double)chunks * ScaleModel.Replicas;
        report.Add($"{Text(servers)} servers: moved to make them even", "% of all", [100 * even.Moved / replicas]);
        Add(report, $"{Text(servers)} servers, one joins: the balancer's movement", join);
        report.Add($"{Text(servers)} servers: moved by another round", "", [again]);
        report.Add($"{Text(servers)} servers: max/mean when even", "x", [after.Most]);
        report.Add($"{Text(servers)} servers: min/mean when even", "x", [after.Least]);
        report.AddRatio("moved when a server joins, against its share", join.Moved / join.Ideal, atMost: 1.05);
        report.AddRatio("moved by another round", again, atMost: 0);
    }

    private static void MeasureRepair(Report report, bool isQuick)
    {
        var chunksOfServer = isQuick ? 1_000 : 10_000;
        int[] sizes = isQuick ? [10, 30, 100, 300] : [10, 30, 100, 300, 1_000, 3_000, 10_000];
        foreach (var size in sizes)
        {
            var servers = ScaleModel.Servers(size);
            var loads = new ServerLoads(Ring.Build(servers, Ring.UnitFor(servers)));
            var lost = servers[size / 2].Id;
            var chunks = new List<ulong>();
            ScaleModel.Fill(loads, (long)size * chunksOfServer / ScaleModel.Replicas, lost, chunks);
            var cost = RepairModel.Lose(servers, loads, lost, chunks);
            var name = $"{Text(size)} servers, one with {Text(cost.Copies)} chunks lost";
            report.Add($"{name}: repaired in", "s", [cost.Seconds]);
            report.Add($"{name}: ideal", "s", [cost.IdealSeconds]);
            report.Add($"{name}: sources", "", [cost.Sources]);
            report.Add($"{name}: targets", "", [cost.Targets]);
            report.Add($"{name}: planner, per copy", "us", [cost.PlannerMicrosecondsPerCopy]);
        }
    }

    private static void MeasureFill(Report report, int count, long chunks)
    {
        var servers = ScaleModel.Servers(count);
        var loads = new ServerLoads(Ring.Build(servers, Ring.UnitFor(servers)));
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var watch = Stopwatch.StartNew();
        var flawed = ScaleModel.Fill(loads, chunks, default, null);
        var name = $"{Text(count)} servers, {Text(chunks)} chunks";
        report.Add($"{name}: a placement", "ns", [watch.Elapsed.TotalNanoseconds / chunks]);
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        report.Add($"{name}: allocated by all placements", "bytes", [allocated]);
        report.Add($"{name}: placements with a flaw", "", [flawed]);
        var evenness = ScaleModel.EvennessOf(loads);
        report.Add($"{name}: max/mean", "x", [evenness.Most]);
        report.Add($"{name}: min/mean", "x", [evenness.Least]);
        report.Add($"{name}: deviation", "%", [100 * evenness.Deviation]);
        report.AddRatio("fullest server against the mean", evenness.Most, atMost: 1.26);
    }

    private static void Add(Report report, string name, Movement movement)
    {
        report.Add($"{name}", "replicas", [movement.Moved]);
        report.Add($"{name}, ideal", "replicas", [movement.Ideal]);
    }

    private static string Text(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
