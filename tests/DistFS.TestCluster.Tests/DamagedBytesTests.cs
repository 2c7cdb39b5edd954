using DistFS.Client;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Frames;
using DistFS.Rpc.Services;

namespace DistFS.TestCluster.Tests;

/// <summary>
/// Bytes change on the disks of chunk servers: nobody ever reads them, the copies are made again from good ones, and
/// the status says how many there were.
/// </summary>
public sealed class DamagedBytesTests : IDisposable
{
    private const int Bytes = 128 << 20;
    private const int Flips = 50;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    private readonly string _folder = Directory.CreateTempSubdirectory("distfs-rot").FullName;

    public void Dispose()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    [Fact]
    public async Task Fifty_bytes_that_changed_on_disks_are_never_read_and_their_copies_are_made_again()
    {
        await using var cluster = await ClusterProcesses.StartAsync(Path.Combine(_folder, "cluster"));
        await using var dfs = await cluster.ConnectAsync();
        var expected = new byte[Bytes];
        new Random(3).NextBytes(expected);
        await using (var file = await dfs.CreateFileAsync("/data"))
        {
            await file.WriteAsync(0, expected);
        }

        var before = await ScrubAsync(cluster);
        Assert.Equal(0UL, before.DamagedBlocks + before.LostCopies);
        Flip(cluster, new Random(5));
        Assert.Equal(expected, await ReadAsync(dfs));
        var found = await ScrubAsync(cluster);
        Assert.True(found.DamagedBlocks + found.LostCopies > 0, $"{found}");
        Assert.Equal(expected, await ReadAsync(dfs));

        // Made again: a look at every byte of every copy finds nothing more, and there are as many as there should be.
        await cluster.UntilAsync(Limit, async () =>
        {
            var ranges = await dfs.GetBlockLocationsAsync("/data");
            return ranges.All(static range => range.Replicas.Count == 3) ? null : "a copy is missing";
        });
        await cluster.RepairedAsync(Limit);
        var last = await ScrubAsync(cluster);
        Assert.Equal(found.DamagedBlocks + found.LostCopies, last.DamagedBlocks + last.LostCopies);
        Assert.Equal(last.LostCopies, last.MendedCopies);
        Assert.Equal(expected, await ReadAsync(dfs));
        var counted = await cluster.ServersAsync();
        Assert.Equal(
            last.DamagedBlocks + last.LostCopies,
            counted.Aggregate(0UL, static (sum, one) => sum + one.DamagedBlocks + one.LostCopies));
    }

    /// <summary>One bit each, anywhere in the files in which blocks are stored.</summary>
    private static void Flip(ClusterProcesses cluster, Random random)
    {
        var files = cluster.Servers
            .SelectMany(static server =>
                Directory.EnumerateFiles(server.Folder, "*.sst", SearchOption.AllDirectories))
            .Select(static path => new FileInfo(path))
            .Where(static file => file.Length > 1 << 20)
            .ToList();
        Assert.NotEmpty(files);
        for (var i = 0; i < Flips; i++)
        {
            var path = files[random.Next(files.Count)];
            using var file = path.Open(FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            var at = random.NextInt64(path.Length);
            file.Position = at;
            var was = file.ReadByte();
            file.Position = at;
            file.WriteByte((byte)(was ^ (1 << random.Next(8))));
        }
    }

    private static async Task<byte[]> ReadAsync(DistFsClient dfs)
    {
        await using var file = await dfs.OpenReadAsync("/data");
        var bytes = new byte[Bytes];
        Assert.Equal(Bytes, await file.ReadAsync(0, bytes));
        return bytes;
    }

    /// <summary>Every server looks at every byte that it has; what they found since they started.</summary>
    private static async Task<ScrubReply> ScrubAsync(ClusterProcesses cluster)
    {
        var sum = new ScrubReply();
        foreach (var server in await cluster.ServersAsync())
        {
            await using var channel = new FrameChannel(RpcAddress.Parse(server.Address));
            var passes = (await AskAsync(channel, start: false)).Passes;
            await AskAsync(channel, start: true);
            ScrubReply? last = null;
            await cluster.UntilAsync(Limit, async () =>
            {
                last = await AskAsync(channel, start: false);
                return last.Passes > passes && last is { IsRunning: false, Mending: 0 } ? null : $"{last}";
            });
            sum.DamagedBlocks += last!.DamagedBlocks;
            sum.LostCopies += last.LostCopies;
            sum.MendedCopies += last.MendedCopies;
        }

        return sum;
    }

    private static Task<ScrubReply> AskAsync(FrameChannel channel, bool start) => channel
        .CallAsync(ChunkServerMethods.Scrub, new ScrubRequest { Start = start }, TimeSpan.FromSeconds(10)).AsTask();
}
