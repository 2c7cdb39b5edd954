using System.Diagnostics;
using System.Text.Json;
using DistFS.Client;
using DistFS.Client.Transfers;
using DistFS.Rpc;

namespace DistFS.Benchmarks.Fuse;

/// <summary>
/// A mount of a whole cluster on this machine (as 'dfs up --mount' makes it: 3 metaservers, 4 chunk servers) beside the
/// empty file system, which is the ceiling, and the file system of the disk, one after the other in each round. The
/// empty one answers FLUSH and GETXATTR, which the kernel asks of everything that has locks and capabilities.
/// </summary>
internal sealed class CeilingSuite(Report report, int rounds, TimeSpan duration, string? only)
{
    private const double MiB = 1 << 20;
    private const int Tree = 5_000;

    /// <param name="report">Gets the figures.</param>
    /// <param name="folder">On the disk to measure; gets and loses the cluster and the files.</param>
    /// <param name="rounds">Each figure is the median of so many.</param>
    /// <param name="duration">Of one round.</param>
    /// <param name="only">Measure only what has this in its name.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task RunAsync(
        Report report, string folder, int rounds, TimeSpan duration, string? only, CancellationToken cancellation)
    {
        var (cluster, mount, disk) = (Path.Join(folder, "c"), Path.Join(folder, "m"), Path.Join(folder, "disk"));
        Directory.CreateDirectory(disk);
        await using var empty = await FuseDaemon.StartAsync(isPosix: true, cancellation);
        try
        {
            var (_, up) = await DfsAsync("up", cluster, "--mount", mount, "--json");
            var metaservers = JsonDocument.Parse(up).RootElement.GetProperty("meta").EnumerateArray();
            await using var dfs = await DistFsClient.ConnectAsync(
                new DistFsClientOptions
                {
                    Metaservers = [.. metaservers.Select(static one => RpcAddress.Parse(one.GetString()!))],
                },
                cancellation);
            await dfs.CreateDirectoryAsync("/one", cancellation: cancellation);
            await dfs.SetGoalAsync("/one", 1, anyRack: true, cancellation: cancellation);
            var places = new[] { empty.Folder, Path.Join(mount, "one"), disk };
            foreach (var place in places[1..])
            {
                await BashAsync(Prepare, place);
            }

            var suite = new CeilingSuite(report, rounds, duration, only);
            foreach (var figure in Figures)
            {
                await suite.MeasureAsync(figure, places, cancellation);
            }

            await suite.TreesAsync(places[1..], disk);
            await suite.PutAsync(dfs, Path.Join(disk, "big"));
        }
        finally
        {
            await DfsAsync("umount", mount);
            await DfsAsync("down", cluster);
            Directory.Delete(folder, recursive: true);
        }
    }

    private const string Writes = "write 1 MiB, one behind the other, one copy";

    private double? _written;

    private static readonly Figure[] Figures =
    [
        new("stat", "stats/s", "os.stat(f'{m}/c0{i % 1000}')", AtLeast: 0.8),
        new("open, close", "opens/s", "os.close(os.open(f'{m}/c0{i % 1000}', os.O_RDONLY))", AtLeast: 0.8),
        new("list 20,000 names", "names/s", "n += len(os.listdir(names)) - 1", AtLeast: 0.8, Step: 1),
        new(
            "create, write 4 KiB, close", "files/s",
            "f = os.open(f'{m}/w{p}{i}', os.O_CREAT | os.O_EXCL | os.O_WRONLY); os.write(f, page); os.close(f)",
            AtLeast: 0.5),
        new(
            "read 1 MiB of the kernel's pages", "MiB/s", "os.preadv(kept, [buffer], i % 64 << 20)",
            AtLeastOfDisk: 1, Step: 1),
        new(
            "read 1 MiB, one behind the other, not in the kernel", "MiB/s",
            "os.preadv(big, [buffer], i % 256 << 20); i % 256 == 255 and forget()", AtLeast: 0.6, Step: 1),
        new(
            Writes, "MiB/s",
            "os.pwrite(out, block, i % 256 << 20); i % 256 == 255 and again()", Step: 1),
    ];

    /// <summary>The empty one has all names in its root.</summary>
    private const string Setup =
        """
        import random
        names = f'{m}/names' if os.path.isdir(f'{m}/names') else m
        block = random.Random(1).randbytes(1 << 20)
        big = os.open(f'{m}/big', os.O_RDONLY)
        kept = os.open(f'{m}/big', os.O_RDONLY)
        for at in range(64): os.preadv(kept, [buffer], at << 20)
        out = os.open(f'{m}/o1', os.O_CREAT | os.O_WRONLY)
        def forget(): os.posix_fadvise(big, 0, 0, os.POSIX_FADV_DONTNEED)
        def again(): os.fsync(out); os.ftruncate(out, 0)
        """;

    private const string Prepare =
        """
        mkdir "$1/names"
        python3 - "$1" <<'P'
        import os, random, sys
        for i in range(1000): open(f'{sys.argv[1]}/c0{i}', 'w').close()
        for i in range(20000): open(f'{sys.argv[1]}/names/{i}', 'w').close()
        with open(f'{sys.argv[1]}/big', 'wb') as big:
            some = random.Random(1)
            for _ in range(256): big.write(some.randbytes(1 << 20))
        P
        sync -f "$1"
        """;

    /// <summary>330 directories, 5,000 files, half of them shorter than 4 KiB: like a tree of sources.</summary>
    private const string Pack =
        """
        python3 - "$1/tree.tar" <<'P'
        import io, random, sys, tarfile
        some = random.Random(5)
        with tarfile.open(sys.argv[1], 'w') as tar:
            folders = ['tree']
            for i in range(330): folders.append(f'{some.choice(folders[-20:])}/dir{i}')
            for name in folders:
                entry = tarfile.TarInfo(name); entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(entry)
            for i in range(5000):
                entry = tarfile.TarInfo(f'{some.choice(folders)}/file{i}')
                entry.mode, entry.size = 0o644, min(256 << 10, int(some.lognormvariate(8.3, 1.2)))
                tar.addfile(entry, io.BytesIO(some.randbytes(entry.size)))
        P
        """;

    private async Task MeasureAsync(Figure figure, string[] places, CancellationToken cancellation)
    {
        if (IsLeftOut(figure.Name))
        {
            return;
        }

        var rates = places.Select(static _ => new List<double>()).ToArray();
        for (var round = 0; round <= rounds; round++)
        {
            for (var i = 0; i < places.Length; i++)
            {
                var (count, took) = await PythonLoad.RunAsync(
                    places[i], round, duration, Setup, figure.Operation, figure.Step, cancellation);
                if (round > 0)
                {
                    // The first one warms up.
                    rates[i].Add(count / took);
                }
            }
        }

        var ceiling = report.Add($"{figure.Name}: empty", figure.Unit, rates[0]);
        var ours = report.Add($"{figure.Name}: DistFS", figure.Unit, rates[1]);
        var disk = report.Add($"{figure.Name}: disk", figure.Unit, rates[2]);
        report.AddRatio($"{figure.Name}: DistFS / empty", ours / ceiling, figure.AtLeast);
        report.AddRatio($"{figure.Name}: DistFS / disk", ours / disk, figure.AtLeastOfDisk);
        _written = figure.Name == Writes ? ours : _written;
    }

    /// <summary>tar and rm on a tree, here and on the disk.</summary>
    private async Task TreesAsync(string[] places, string disk)
    {
        if (IsLeftOut("tree"))
        {
            return;
        }

        await BashAsync(Pack, disk);
        var untar = places.Select(static _ => new List<double>()).ToArray();
        var remove = places.Select(static _ => new List<double>()).ToArray();
        for (var round = 0; round <= rounds; round++)
        {
            for (var i = 0; i < places.Length; i++)
            {
                var unpacked = await BashAsync($"tar -xf {disk}/tree.tar -C $1", places[i]);
                await BashAsync("sync -f $1", places[i]);
                var removed = await BashAsync("rm -rf $1/tree", places[i]);
                if (round > 0)
                {
                    untar[i].Add(Tree / unpacked.TotalSeconds);
                    remove[i].Add(Tree / removed.TotalSeconds);
                }
            }
        }

        foreach (var (name, rates) in new[] { ("tree: untar", untar), ("tree: rm -rf", remove) })
        {
            var ours = report.Add($"{name}: DistFS", "files/s", rates[0]);
            var local = report.Add($"{name}: disk", "files/s", rates[1]);
            report.AddRatio($"{name}: times as long as on the disk", local / ours, atMost: 8);
        }
    }

    /// <summary>What the client library writes with one copy, by which the mount's figure is to be judged.</summary>
    private async Task PutAsync(DistFsClient dfs, string file)
    {
        const string Name = "put by the client library, one copy";
        if (IsLeftOut(Name))
        {
            return;
        }

        List<double> rates = [];
        for (var round = 0; round <= rounds; round++)
        {
            var upload = new FileUpload(dfs, new TransferOptions { Overwrites = true });
            var begun = Stopwatch.GetTimestamp();
            await upload.PutAsync(file, "/one/put", default);
            rates.Add(new FileInfo(file).Length / MiB / Stopwatch.GetElapsedTime(begun).TotalSeconds);
        }

        var put = report.Add(Name, "MiB/s", rates[1..]);
        if (_written is { } written)
        {
            report.AddRatio($"{Writes}: DistFS / put by the client library", written / put, atLeast: 0.7);
        }
    }

    private bool IsLeftOut(string name) => only != null && !name.Contains(only, StringComparison.OrdinalIgnoreCase);

    private static Task<(TimeSpan Took, string Said)> DfsAsync(params string[] arguments) =>
        RunAsync(new ProcessStartInfo(Path.Join(AppContext.BaseDirectory, "dfs"), arguments));

    private static async Task<TimeSpan> BashAsync(string script, string folder) =>
        (await RunAsync(new ProcessStartInfo("bash", ["-e", "-c", script, "bash", folder]))).Took;

    private static async Task<(TimeSpan Took, string Said)> RunAsync(ProcessStartInfo start)
    {
        start.UseShellExecute = false;
        start.RedirectStandardOutput = true;
        var begun = Stopwatch.GetTimestamp();
        using var process = Process.Start(start)!;
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? (Stopwatch.GetElapsedTime(begun), said)
            : throw new InvalidOperationException($"{start.FileName} failed: {string.Join(' ', start.ArgumentList)}");
    }

    private sealed record Figure(
        string Name,
        string Unit,
        string Operation,
        double? AtLeast = null,
        double? AtLeastOfDisk = null,
        int Step = 100);
}
