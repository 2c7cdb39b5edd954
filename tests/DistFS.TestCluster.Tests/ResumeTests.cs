using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using DistFS.Client.Transfers;

namespace DistFS.TestCluster.Tests;

/// <summary>
/// <c>dfs put</c> and <c>dfs get</c> that are killed in the middle: nothing is seen under the name, and the same
/// command goes on where they stopped, as far as what is there is right.
/// </summary>
public sealed class ResumeTests(ClusterFixture fixture) : IClassFixture<ClusterFixture>, IDisposable
{
    private const int ChunkBytes = 64 << 20;
    private const int Bytes = 8 * ChunkBytes;
    private const int RecordBytes = 16;

    /// <summary>So that there is a middle, however slowly this process looks for it.</summary>
    private const string Limited = "64MiB";

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private readonly string _folder = Directory.CreateTempSubdirectory("distfs-resume").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("KILL")]
    [InlineData("INT")]
    public async Task A_put_that_is_ended_in_the_middle_goes_on_where_it_stopped(string signal)
    {
        var (local, path) = (Source("large"), $"/put-{signal}");
        await fixture.Client.CreateDirectoryAsync(path);
        using (var put = Dfs("put", local, path, "--limit", Limited))
        {
            await WhileAsync(put, async () => await KeptAsync(path) < 5 * ChunkBytes);
            await EndAsync(put, signal);
        }

        Assert.Null(await fixture.Client.TryStatAsync($"{path}/large"));
        Assert.Equal(1, await CountAsync(path));
        var resumed = await JsonAsync("put", local, path, "--json");
        Assert.InRange(resumed, ChunkBytes, 7 * ChunkBytes);
        Assert.Equal(0, resumed % ChunkBytes);
        Assert.Equal(1, await CountAsync(path));
        var back = Path.Combine(_folder, "back");
        await JsonAsync("get", $"{path}/large", back, "--json");
        Assert.Equal(Sum(local), Sum(back));
    }

    [Fact]
    public async Task What_is_there_of_another_source_does_not_count()
    {
        var local = Source("changed");
        await fixture.Client.CreateDirectoryAsync("/changed");
        using (var put = Dfs("put", local, "/changed", "--limit", Limited))
        {
            await WhileAsync(put, async () => await KeptAsync("/changed") < 5 * ChunkBytes);
            await EndAsync(put, "INT");
        }

        // As long, of the same time, under the same name: only the bytes say that it is another.
        var time = File.GetLastWriteTimeUtc(local);
        using (var handle = File.OpenHandle(local, access: FileAccess.Write))
        {
            RandomAccess.Write(handle, [1, 2, 3], ChunkBytes + 1000);
        }

        File.SetLastWriteTimeUtc(local, time);
        Assert.Equal(ChunkBytes, await JsonAsync("put", local, "/changed", "--json"));
        var back = Path.Combine(_folder, "back");
        await JsonAsync("get", "/changed/changed", back, "--json");
        Assert.Equal(Sum(local), Sum(back));
    }

    [Theory]
    [InlineData("KILL")]
    [InlineData("INT")]
    public async Task A_get_that_is_ended_in_the_middle_goes_on_where_it_stopped(string signal)
    {
        var local = Source("source");
        var path = $"/get-{signal}";
        await JsonAsync("put", local, path, "--json");
        var into = Directory.CreateDirectory(Path.Combine(_folder, "into")).FullName;
        var target = Path.Combine(into, "target");
        using (var get = Dfs("get", path, target, "--limit", Limited))
        {
            await WhileAsync(get, () => Task.FromResult(!Ranges(into, 8)));
            await EndAsync(get, signal);
        }

        Assert.False(File.Exists(target));
        var part = Directory.GetFiles(into).Single(static name => !name.EndsWith(".sums", StringComparison.Ordinal));
        var ranges = new FileInfo(part + ".sums").Length / RecordBytes;

        // What the disk has lost since is got again: here the range that is named first.
        using (var list = File.OpenHandle(part + ".sums"))
        using (var handle = File.OpenHandle(part, access: FileAccess.Write))
        {
            var first = new byte[8];
            RandomAccess.Read(list, first, 0);
            RandomAccess.Write(handle, new byte[100], (BitConverter.ToInt64(first) * PartBytes) + 77);
        }

        Assert.Equal((ranges - 1) * PartBytes, await JsonAsync("get", path, target, "--json"));
        Assert.Equal(Sum(local), Sum(target));
        Assert.Equal([target], Directory.GetFiles(into));
    }

    private const long PartBytes = 8 << 20;

    private static bool Ranges(string folder, int count) =>
        Directory.GetFiles(folder, "*.sums") is [var list] && new FileInfo(list).Length >= count * RecordBytes;

    private async Task<long> KeptAsync(string path)
    {
        await foreach (var item in fixture.Client.EnumerateAsync(path, withStatus: true))
        {
            if (item.Name.StartsWith(FileUpload.TemporaryPrefix, StringComparison.Ordinal))
            {
                return item.Status!.Size;
            }
        }

        return 0;
    }

    private async Task<int> CountAsync(string path)
    {
        var count = 0;
        await foreach (var _ in fixture.Client.EnumerateAsync(path))
        {
            count++;
        }

        return count;
    }

    private string Source(string name)
    {
        var path = Path.Combine(_folder, name);
        using var file = File.Create(path);
        var bytes = new byte[1 << 20];
        var random = new Random(11);
        for (var i = 0; i < Bytes / bytes.Length; i++)
        {
            random.NextBytes(bytes);
            file.Write(bytes);
        }

        return path;
    }

    private static string Sum(string path)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexString(SHA256.HashData(file));
    }

    /// <summary>As long as that holds, looked at a hundred times a second. It must not end before.</summary>
    private static async Task WhileAsync(Process process, Func<Task<bool>> holds)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (await holds())
        {
            Assert.False(process.HasExited, "It ended before it could be ended.");
            await timer.WaitForNextTickAsync();
        }
    }

    private static async Task EndAsync(Process process, string signal)
    {
        using var limit = new CancellationTokenSource(Limit);
        using var kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"]);
        await kill.WaitForExitAsync(limit.Token);
        var said = await process.StandardError.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        Assert.True(process.ExitCode == (signal == "KILL" ? 137 : 130), $"{process.ExitCode}: {said}");
    }

    /// <summary>Runs it to its end, which is a good one.</summary>
    /// <returns>What it went on with, in bytes.</returns>
    private async Task<long> JsonAsync(params string[] arguments)
    {
        using var process = Dfs(arguments);
        using var limit = new CancellationTokenSource(Limit);
        var errors = process.StandardError.ReadToEndAsync(limit.Token);
        var said = await process.StandardOutput.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        Assert.True(process.ExitCode == 0, $"{process.ExitCode}: {await errors}");
        return JsonDocument.Parse(said).RootElement.GetProperty("resumedBytes").GetInt64();
    }

    private Process Dfs(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "dfs"), arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DISTFS_CLUSTER"] = string.Join(',', fixture.Cluster.Metaservers.Addresses);
        return Process.Start(start)!;
    }
}
