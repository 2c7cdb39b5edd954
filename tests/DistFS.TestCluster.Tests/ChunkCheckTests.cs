using System.Diagnostics;
using System.Text.Json;
using DistFS.Client;
using DistFS.Native;

namespace DistFS.TestCluster.Tests;

/// <summary>
/// <c>dfs fsck PATH</c> on a real cluster: as many copies as there should be, a server that is gone, bytes that changed
/// on a disk; and reads beside a server that stands still.
/// </summary>
public sealed class ChunkCheckTests : IDisposable
{
    private const int Bytes = 70 << 20;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    private readonly string _folder = Directory.CreateTempSubdirectory("distfs-check").FullName;

    public void Dispose()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    [Fact]
    public async Task What_is_wrong_with_copies_is_found_and_nothing_else()
    {
        await using var cluster = await ClusterProcesses.StartAsync(Path.Combine(_folder, "cluster"), servers: 3);
        await using var dfs = await cluster.ConnectAsync();
        var bytes = await FillAsync(dfs);

        // While somebody writes beside it.
        await using var written = await dfs.CreateFileAsync("/data/written");
        await written.WriteAsync(0, bytes.AsMemory(0, 20_000));
        await written.FlushAsync();
        var sound = await FsckAsync(cluster, "--read", "/");
        Assert.Equal((0, 0L), (sound.Code, sound.Report.GetProperty("findingsTotal").GetInt64()));
        Assert.Equal(
            (2, 3, 9, 3L * (Bytes + 20_000)),
            (Number("files"), Number("chunks"), Number("copies"), sound.Report.GetProperty("bytesRead").GetInt64()));

        Flip(cluster.Servers[0]);
        var damaged = await FsckAsync(cluster, "--read", "/data/large");
        Assert.Equal(1, damaged.Code);
        Assert.Contains(Kinds(damaged.Report), static kind => kind is "damaged" or "unreadable");

        // Each server of which wrong bytes came has looked at its disk: they are mended without anyone's help.
        await cluster.UntilAsync(Limit, async () =>
            (await FsckAsync(cluster, "--read", "/")) is { Code: 0 } ? null : "it is not mended yet");

        await cluster.Servers[1].KillAsync();
        (int Code, JsonElement Report) gone = default;
        await cluster.UntilAsync(Limit, async () =>
            (gone = await FsckAsync(cluster, "/")) is { Code: 1 } ? null : "nobody noticed");
        Assert.All(Kinds(gone.Report), static kind => Assert.Equal("copies", kind));
        await cluster.Servers[1].StartAsync();
        await cluster.UntilAsync(Limit, async () =>
            (await FsckAsync(cluster, "/")) is { Code: 0 } ? null : "it is not there again");

        int Number(string name) => sound.Report.GetProperty(name).GetInt32();
    }

    [Fact]
    public async Task A_server_that_stands_still_holds_up_few_reads()
    {
        await using var cluster = await ClusterProcesses.StartAsync(Path.Combine(_folder, "cluster"), servers: 3);
        await using var dfs = await cluster.ConnectAsync();
        var bytes = await FillAsync(dfs);
        await using var file = await dfs.OpenReadAsync("/data/large");
        var (read, random) = (new byte[4_096], new Random(1));
        for (var i = 0; i < 200; i++)
        {
            await ReadOneAsync();
        }

        // Whichever it asks first: each once, and again when the others had their turn.
        foreach (var server in cluster.Servers)
        {
            server.Signal(ProcessSignal.Stop);
            try
            {
                for (var i = 0; i < 100; i++)
                {
                    await ReadOneAsync();
                }
            }
            finally
            {
                server.Signal(ProcessSignal.Continue);
            }
        }

        Assert.InRange(dfs.Reads.Won, 1, dfs.Reads.Hedged);
        Assert.InRange(dfs.Reads.Hedged, 1, 8 + (dfs.Reads.Reads / 20));

        async Task ReadOneAsync()
        {
            var at = random.Next(Bytes - read.Length);
            Assert.Equal(read.Length, await file.ReadAsync(at, read));
            Assert.True(read.AsSpan().SequenceEqual(bytes.AsSpan(at, read.Length)), $"at {at}");
        }
    }

    private static async Task<byte[]> FillAsync(DistFsClient dfs)
    {
        var bytes = new byte[Bytes];
        new Random(4).NextBytes(bytes);
        await dfs.CreateDirectoryAsync("/data");
        await using var file = await dfs.CreateFileAsync("/data/large");
        await file.WriteAsync(0, bytes);
        return bytes;
    }

    private static IEnumerable<string?> Kinds(JsonElement report) =>
        report.GetProperty("findings").EnumerateArray().Select(static one => one.GetProperty("kind").GetString());

    /// <summary>A hundred bits in the files in which its blocks are stored.</summary>
    private static void Flip(NodeProcess server)
    {
        var file = Directory.EnumerateFiles(server.Folder, "*.sst", SearchOption.AllDirectories)
            .Select(static path => new FileInfo(path)).MaxBy(static one => one.Length)!;
        using var stream = file.Open(FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        for (var i = 1; i <= 100; i++)
        {
            stream.Position = file.Length / 110 * i;
            var was = stream.ReadByte();
            stream.Position--;
            stream.WriteByte((byte)(was ^ 4));
        }
    }

    private static async Task<(int Code, JsonElement Report)> FsckAsync(
        ClusterProcesses cluster, params string[] arguments)
    {
        var start = new ProcessStartInfo(
            Path.Combine(AppContext.BaseDirectory, "dfs"), ["fsck", "--json", .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DISTFS_CLUSTER"] = string.Join(',', cluster.Metaservers.Addresses);
        using var process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(Limit);
        var errors = process.StandardError.ReadToEndAsync(limit.Token);
        var said = await process.StandardOutput.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        Assert.True(process.ExitCode is 0 or 1, $"{process.ExitCode}: {await errors}");
        return (process.ExitCode, JsonDocument.Parse(said).RootElement);
    }
}
