using System.Text;
using DistFS.Client;
using DistFS.Primitives;

namespace DistFS.TestCluster.Tests;

/// <summary>Files of a real cluster through the client library.</summary>
public sealed class FileTests(ClusterFixture fixture) : IClassFixture<ClusterFixture>
{
    private const int Chunk = 64 << 20;

    private DistFsClient Dfs => fixture.Client;

    [Fact]
    public async Task A_small_file_stands_in_the_metadata_and_a_larger_one_in_chunks()
    {
        await Dfs.CreateDirectoryAsync("/a/b/c", withParents: true);
        await WriteAsync("/a/b/c/small", "Hello, world"u8.ToArray());
        Assert.Equal("Hello, world", Encoding.UTF8.GetString(await ReadAsync("/a/b/c/small")));
        Assert.Empty(await Dfs.GetBlockLocationsAsync("/a/b/c/small"));
        var bytes = Bytes(20_000, 1);
        await WriteAsync("/a/b/c/larger", bytes);
        Assert.Equal(bytes, await ReadAsync("/a/b/c/larger"));
        var range = Assert.Single(await Dfs.GetBlockLocationsAsync("/a/b/c/larger"));
        Assert.Equal((0, 20_000, 3), (range.Offset, range.Length, range.Replicas.Count));
        Assert.Equal(3, range.Replicas.Select(static replica => replica.Rack).Distinct().Count());
    }

    [Fact]
    public async Task A_file_over_its_quota_says_so_when_it_is_closed_and_nothing_else_is_lost()
    {
        await Dfs.CreateDirectoryAsync("/limited");
        await WriteAsync("/limited/fits", Bytes(60_000, 4));
        await Dfs.SetQuotaAsync("/limited", 100_000, 0);

        // It holds from when all that is there is counted.
        await fixture.Cluster.UntilAsync(TimeSpan.FromSeconds(30), async () =>
            (await Dfs.TryGetQuotaAsync("/limited"))?.BytesUsed == 60_000 ? null : "it is not counted yet");
        var file = await Dfs.CreateFileAsync("/limited/large");
        await file.WriteAsync(0, Bytes(30_000, 5));
        await file.FlushAsync();
        await file.WriteAsync(30_000, Bytes(70_000, 6));
        var refused = await Assert.ThrowsAsync<DistFsException>(() => file.CloseAsync());
        Assert.Equal(FsStatus.QuotaExceeded, refused.Status);
        Assert.Equal(Bytes(60_000, 4), await ReadAsync("/limited/fits"));
        Assert.Equal(Bytes(30_000, 5), (await ReadAsync("/limited/large"))[..30_000]);
    }

    [Fact]
    public async Task A_file_grows_out_of_the_metadata_and_keeps_its_bytes()
    {
        byte[] expected = [.. Bytes(12_000, 2), .. Bytes(12_000, 3)];
        await WriteAsync("/grows", Bytes(12_000, 2));
        await using (var file = await Dfs.OpenWriteAsync("/grows"))
        {
            await file.WriteAsync(12_000, Bytes(12_000, 3));
            Assert.Equal(expected, await ReadAllAsync(file));
        }

        Assert.Equal(expected, await ReadAsync("/grows"));
    }

    [Fact]
    public async Task Bytes_across_chunks_holes_and_the_end_are_right()
    {
        var bytes = Bytes(300_000, 4);
        await using (var file = await Dfs.CreateFileAsync("/sparse"))
        {
            await file.WriteAsync(Chunk - 100_000, bytes);
            await file.WriteAsync((3L * Chunk) + 7, bytes);
        }

        Assert.Equal((3L * Chunk) + 7 + bytes.Length, (await Dfs.StatAsync("/sparse")).Size);
        await using var reader = await Dfs.OpenReadAsync("/sparse");
        var read = new byte[500_000];
        Assert.Equal(read.Length, await reader.ReadAsync(Chunk - 200_000, read));
        Assert.Equal([.. new byte[100_000], .. bytes, .. new byte[100_000]], read);
        Assert.Equal(read.Length, await reader.ReadAsync(2L * Chunk, read));
        Assert.All(read, static one => Assert.Equal(0, one));
        Assert.Equal(bytes.Length, await reader.ReadAsync((3L * Chunk) + 7, read));
        Assert.Equal(bytes, read[..bytes.Length]);
        Assert.Equal(0, await reader.ReadAsync(4L * Chunk, read));
    }

    [Fact]
    public async Task What_is_cut_off_does_not_come_back()
    {
        await WriteAsync("/cut", Bytes(200_000, 5));
        await using var file = await Dfs.OpenWriteAsync("/cut");
        await file.SetLengthAsync(70_000);
        await file.SetLengthAsync(150_000);
        var expected = new byte[151_000];
        Bytes(200_000, 5).AsSpan(0, 70_000).CopyTo(expected);
        Assert.Equal(expected[..150_000], await ReadAllAsync(file));
        await file.WriteAsync(149_000, Bytes(2_000, 6));
        Bytes(2_000, 6).CopyTo(expected, 149_000);
        Assert.Equal(expected, await ReadAllAsync(file));
    }

    [Fact]
    public async Task A_stream_reads_and_appends_what_others_see()
    {
        await using (var made = await Dfs.CreateFileAsync("/log"))
        await using (var stream = made.AsStream())
        {
            for (var i = 0; i < 1_000; i++)
            {
                await stream.WriteAsync(Encoding.UTF8.GetBytes($"line {i}\n"));
            }
        }

        await using (var more = await Dfs.OpenAppendAsync("/log"))
        {
            await more.AppendAsync("the end\n"u8.ToArray());
        }

        await using var file = await Dfs.OpenReadAsync("/log");
        using var reader = new StreamReader(file.AsStream(), leaveOpen: true);
        var lines = new List<string>();
        while (await reader.ReadLineAsync() is { } line)
        {
            lines.Add(line);
        }

        Assert.Equal([.. Enumerable.Range(0, 1_000).Select(static i => $"line {i}"), "the end"], lines);
    }

    [Fact]
    public async Task Two_writers_of_one_file_take_it_from_each_other_and_lose_nothing_that_was_flushed()
    {
        await using var other = await fixture.Cluster.ConnectAsync();
        await WriteAsync("/shared", Bytes(100_000, 7));
        await using var one = await Dfs.OpenWriteAsync("/shared");
        await using var two = await other.OpenWriteAsync("/shared");
        var expected = Bytes(100_000, 7);
        for (var i = 0; i < 8; i++)
        {
            var (file, bytes) = (i % 2 == 0 ? one : two, Bytes(10_000, 20 + i));
            await file.WriteAsync(i * 10_000, bytes);
            await file.FlushAsync();
            bytes.CopyTo(expected, i * 10_000);
            Assert.Equal(expected, await ReadAsync("/shared"));
        }
    }

    [Fact]
    public async Task Names_do_what_an_ordinary_disk_does()
    {
        await Dfs.CreateDirectoryAsync("/names");
        await WriteAsync("/names/x", [1]);
        await Dfs.CreateSymbolicLinkAsync("/names/link", "x");
        await Dfs.CreateSymbolicLinkAsync("/names/loop", "loop");
        await Dfs.CreateHardLinkAsync("/names/x", "/names/y");
        Assert.Equal([1], await ReadAsync("/names/link"));
        Assert.Equal("x", await Dfs.ReadLinkAsync("/names/link"));
        Assert.Equal(2u, (await Dfs.StatAsync("/names/y")).Links);
        await RefusedAsync(FsStatus.SymlinkLoop, () => Dfs.StatAsync("/names/loop"));
        await RefusedAsync(FsStatus.NotFound, () => Dfs.StatAsync("/names/none"));
        await RefusedAsync(FsStatus.NotADirectory, () => Dfs.StatAsync("/names/x/y"));
        await RefusedAsync(FsStatus.AlreadyExists, () => Dfs.CreateDirectoryAsync("/names"));
        await RefusedAsync(FsStatus.AlreadyExists, () => Dfs.RenameAsync("/names/x", "/names/link", replaces: false));
        await RefusedAsync(FsStatus.NotEmpty, () => Dfs.DeleteDirectoryAsync("/names"));
        await Dfs.RenameAsync("/names/y", "/names/z");
        var changed = await Dfs.SetAttributesAsync(
            "/names/z", new AttributeChange { Mode = 0b110_000_000, ModifyTime = new FileTime(1_000, 5) });
        Assert.Equal((0b110_000_000u, new FileTime(1_000, 5)), (changed.Mode, changed.ModifyTime));
        var names = new List<string>();
        await foreach (var item in Dfs.EnumerateAsync("/names", withStatus: true))
        {
            names.Add($"{item.Name} {item.Status!.Kind} {item.Status.Size}");
        }

        Assert.Equal(["link SymbolicLink 1", "loop SymbolicLink 4", "x File 1", "z File 1"], names.Order());
        await Dfs.DeleteDirectoryAsync("/names", recursive: true);
        Assert.Null(await Dfs.TryStatAsync("/names"));
    }

    /// <summary>A flush forgets where the bytes were; who reads beside it must not take that for a hole or the end.
    /// </summary>
    [Fact]
    public async Task Who_reads_while_others_flush_sees_neither_holes_nor_an_early_end()
    {
        var bytes = Bytes(200_000, 8);
        await WriteAsync("/beside", bytes);
        await using var file = await Dfs.OpenWriteAsync("/beside");
        using var done = new CancellationTokenSource();
        var reading = Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
        {
            var read = new byte[bytes.Length];
            for (var reads = 0; ; reads++)
            {
                Assert.Equal(bytes.Length, await file.ReadAsync(0, read));
                Assert.Equal(bytes, read);
                if (done.IsCancellationRequested)
                {
                    return reads;
                }
            }
        }));
        for (var i = 0; i < 100 && !reading.IsCompleted; i++)
        {
            await file.WriteAsync(bytes.Length + i, new byte[] { 1 });
            await file.FlushAsync(isDurable: false);
        }

        await done.CancelAsync();
        Assert.True((await reading).Sum() > 0);
    }

    /// <summary>Random writes, cuts, flushes and reopens of one file, against an array of bytes.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Random_operations_on_a_file_read_as_an_array_of_bytes(int seed)
    {
        var prng = new Random(seed);
        var path = $"/random{seed}";
        var model = Array.Empty<byte>();
        var file = await Dfs.CreateFileAsync(path);
        for (var step = 0; step < 150; step++)
        {
            switch (prng.Next(10))
            {
                case < 5:
                    var bytes = Bytes(prng.Next(step < 20 ? 900 : 150_000), prng.Next());
                    var at = prng.Next(model.Length + 3_000);
                    await file.WriteAsync(at, bytes);
                    if (bytes.Length > 0)
                    {
                        Array.Resize(ref model, Math.Max(model.Length, at + bytes.Length));
                        bytes.CopyTo(model, at);
                    }

                    break;
                case 5:
                    var length = prng.Next((model.Length * 5 / 4) + 1);
                    await file.SetLengthAsync(length);
                    Array.Resize(ref model, length);
                    break;
                case 6:
                    await file.FlushAsync(isDurable: prng.Next(2) == 0);
                    break;
                case 7:
                    await file.DisposeAsync();
                    file = await Dfs.OpenWriteAsync(path);
                    break;
                default:
                    var from = prng.Next(model.Length + 1);
                    var read = new byte[prng.Next(200_000)];
                    var got = await file.ReadAsync(from, read);
                    Assert.Equal(Math.Min(read.Length, model.Length - from), got);
                    Assert.True(model.AsSpan(from, got).SequenceEqual(read.AsSpan(0, got)), $"step {step}");
                    break;
            }
        }

        await file.DisposeAsync();
        Assert.Equal(model, await ReadAsync(path));
    }

    private static async Task RefusedAsync(FsStatus status, Func<Task> what) =>
        Assert.Equal(status, (await Assert.ThrowsAsync<DistFsException>(what)).Status);

    private async Task WriteAsync(string path, byte[] bytes)
    {
        await using var file = await Dfs.CreateFileAsync(path, overwrites: true);
        await file.WriteAsync(0, bytes);
    }

    private async Task<byte[]> ReadAsync(string path)
    {
        await using var file = await Dfs.OpenReadAsync(path);
        return await ReadAllAsync(file);
    }

    private static async Task<byte[]> ReadAllAsync(DistFsFile file)
    {
        var bytes = new byte[await file.GetLengthAsync()];
        Assert.Equal(bytes.Length, await file.ReadAsync(0, bytes));
        return bytes;
    }

    private static byte[] Bytes(int length, int seed)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes.AsSpan(0, length / 2));
        return bytes;
    }
}
