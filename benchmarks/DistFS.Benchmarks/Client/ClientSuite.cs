using System.Diagnostics;
using DistFS.Client;
using DistFS.Client.Transfers;
using DistFS.TestCluster;

namespace DistFS.Benchmarks.Client;

/// <summary>
/// Files of a whole cluster on this machine (3 metaservers, 4 chunk servers) through the client library: a large one at
/// one and at three replicas, many small ones, a long listing. The client is this process.
/// </summary>
internal sealed class ClientSuite(ClusterProcesses cluster, DistFsClient dfs, string folder)
{
    private const int Servers = 4;
    private const int Small = 4_096;
    private const double MiB = 1 << 20;
    private const double GiB = 1 << 30;

    /// <param name="report">Gets the figures.</param>
    /// <param name="folder">On the disk to measure; gets and loses the cluster and the files.</param>
    /// <param name="quick">A short run that only shows that all of it works.</param>
    public static async Task RunAsync(Report report, string folder, bool quick)
    {
        try
        {
            await using var cluster = await ClusterProcesses.StartAsync(Path.Combine(folder, "c"), servers: Servers);
            await using var dfs = await cluster.ConnectAsync();
            await new ClientSuite(cluster, dfs, folder).RunAsync(report, quick);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private async Task RunAsync(Report report, bool quick)
    {
        await LargeAsync(report, quick ? 64L << 20 : 1L << 30);
        await SmallAsync(report, quick ? 500 : 5_000, quick ? 2_000 : 20_000);
        await PathsAsync(report, quick ? 200 : 5_000);
        report.Add("memory of this client at most", "MiB", [Process.GetCurrentProcess().PeakWorkingSet64 / MiB]);
    }

    private async Task LargeAsync(Report report, long bytes)
    {
        var (local, back) = (Path.Combine(folder, "large"), Path.Combine(folder, "back"));
        await using (var file = File.Create(local))
        {
            // Half of each block repeats: LZ4 saves that.
            var data = new byte[1 << 20];
            var random = new Random(1);
            for (long at = 0; at < bytes; at += data.Length)
            {
                for (var block = 0; block < data.Length; block += 64 << 10)
                {
                    random.NextBytes(data.AsSpan(block, 32 << 10));
                }

                await file.WriteAsync(data);
            }
        }

        foreach (var replicas in new uint[] { 1, 3 })
        {
            await dfs.CreateDirectoryAsync($"/r{replicas}");
            await dfs.SetGoalAsync($"/r{replicas}", replicas, anyRack: true);
            var upload = new FileUpload(dfs, new TransferOptions());
            var (put, putCpu) = await MeasureAsync(() => upload.PutAsync(local, $"/r{replicas}/large", default));
            report.Add(
                $"put of {bytes / MiB:0} MiB, half compressible, {replicas} replicas; CPU per MiB", "MiB/s",
                [bytes / MiB / put], putCpu * 1e6 / (bytes / MiB));
            report.Add($"its processor time, all together, {replicas} replicas", "s/GiB", [putCpu / (bytes / GiB)]);
        }

        var download = new FileDownload(dfs, new TransferOptions { Overwrites = true });
        foreach (var replicas in new[] { 1, 3 })
        {
            var (get, getCpu) = await MeasureAsync(() => download.GetAsync($"/r{replicas}/large", back, default));
            report.Add(
                $"get of it, from the page cache, {replicas} replicas; CPU per MiB", "MiB/s",
                [bytes / MiB / get], getCpu * 1e6 / (bytes / MiB));
        }

        File.Delete(local);
        File.Delete(back);
    }

    private async Task SmallAsync(Report report, int files, int entries)
    {
        var (local, back) = (Path.Combine(folder, "small"), Path.Combine(folder, "small-back"));
        Directory.CreateDirectory(local);
        var content = new byte[Small];
        for (var i = 0; i < files; i++)
        {
            new Random(i).NextBytes(content);
            await File.WriteAllBytesAsync(Path.Combine(local, $"file{i}"), content);
        }

        var upload = new FileUpload(dfs, new TransferOptions());
        var (put, putCpu) = await MeasureAsync(() => upload.PutTreeAsync(local, "/small", default));
        var puts = report.Add(
            $"put of {files} files of 4 KiB, durable", "files/s", [files / put], putCpu * 1e6 / files);
        var download = new FileDownload(dfs, new TransferOptions());
        var (get, getCpu) = await MeasureAsync(() => download.GetTreeAsync("/small", back, default));
        var gets = report.Add($"get of them", "files/s", [files / get], getCpu * 1e6 / files);
        report.AddRatio("files put per second", puts, atLeast: 2_000);
        report.AddRatio("files got per second", gets, atLeast: 4_000);

        await dfs.CreateDirectoryAsync("/many");
        await Parallel.ForAsync(0, entries, new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, stop) =>
        {
            await using var file = await dfs.CreateFileAsync($"/many/name{i}", cancellation: stop);
        });
        var count = 0;
        var (list, _) = await MeasureAsync(async () =>
        {
            await foreach (var item in dfs.EnumerateAsync("/many", withStatus: true))
            {
                count += item.Status == null ? 0 : 1;
            }
        });
        report.Add($"ls -l of {count} entries", "s", [list]);
        report.AddRatio("seconds of ls -l", list, atMost: 0.5);
    }

    /// <summary>The same directory is looked at again and again: asked for, and known under leases.</summary>
    private async Task PathsAsync(Report report, int looks)
    {
        const string Path = "/one/two/three";
        await dfs.CreateDirectoryAsync(Path, withParents: true);
        await using var asking = await DistFsClient.ConnectAsync(cluster.Options with { CachesNames = false });
        var (asked, askedCpu) = await LookAsync(asking);
        report.Add(
            "stat of a directory three names deep, asked for", "stats/s", [looks / asked], askedCpu * 1e6 / looks);
        long before;
        do
        {
            before = dfs.Paths.Asked;
            await LookAsync(dfs);
        }
        while (dfs.Paths.Asked != before);

        var (known, knownCpu) = await LookAsync(dfs);
        report.Add("the same, known under leases", "stats/s", [looks / known], knownCpu * 1e6 / looks);

        Task<(double Seconds, double Cpu)> LookAsync(DistFsClient client) => MeasureAsync(async () =>
        {
            for (var i = 0; i < looks; i++)
            {
                await client.StatAsync(Path);
            }
        });
    }

    /// <summary>Seconds, and processor time of the client and all servers in seconds.</summary>
    private async Task<(double Seconds, double Cpu)> MeasureAsync(Func<Task> action)
    {
        var (start, cpu) = (Stopwatch.GetTimestamp(), Cpu());
        await action();
        return (Stopwatch.GetElapsedTime(start).TotalSeconds, (Cpu() - cpu).TotalSeconds);
    }

    private TimeSpan Cpu() => Process.GetCurrentProcess().TotalProcessorTime
        + TimeSpan.FromTicks(cluster.Servers.Sum(static server => server.ProcessorTime.Ticks))
        + TimeSpan.FromTicks(
            Enumerable.Range(0, cluster.Metaservers.Count).Sum(i => cluster.Metaservers.ProcessorTime(i).Ticks));
}
