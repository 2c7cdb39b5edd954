using System.Security.Cryptography;
using DistFS.Client;

namespace DistFS.TestCluster.Tests;

/// <summary>
/// Chunk servers of a real cluster are killed in the middle of a write: the write ends right, every byte is read, and
/// the copies that are missing are made again without anyone's help.
/// </summary>
public sealed class ServerDeathTests : IDisposable
{
    private const int Step = 4 << 20;

    private static readonly TimeSpan RepairLimit = TimeSpan.FromSeconds(120);

    private readonly string _folder = Directory.CreateTempSubdirectory("distfs-death").FullName;

    public void Dispose()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    /// <summary>256 MiB in every run; scripts/test --cluster asks for 1 GiB.</summary>
    private static long Bytes =>
        Environment.GetEnvironmentVariable("DISTFS_CLUSTER_FULL") == null ? 256L << 20 : 1L << 30;

    [Fact]
    public async Task A_write_ends_right_while_head_middle_and_tail_die_and_their_copies_come_back()
    {
        await using var cluster = await ClusterProcesses.StartAsync(Path.Combine(_folder, "cluster"));
        await using var dfs = await cluster.ConnectAsync();
        using var written = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[Step];
        var random = new Random(7);
        NodeProcess? dead = null;
        var place = 0;
        await using (var file = await dfs.CreateFileAsync("/big"))
        {
            for (long at = 0; at < Bytes; at += Step)
            {
                random.NextBytes(buffer.AsSpan(0, Step / 2));
                await file.WriteAsync(at, buffer);
                written.AppendData(buffer);
                if (place < 3 && at >= Bytes * (place + 1) / 5)
                {
                    if (dead != null)
                    {
                        await dead.StartAsync();
                        await cluster.ServersUpAsync(5);
                    }

                    // Whoever has that place in the chain that is written to.
                    await file.FlushAsync(isDurable: false);
                    var chain = (await dfs.GetBlockLocationsAsync("/big", at, Step))[^1].Replicas;
                    dead = cluster.ServerAt(chain[Math.Min(place, chain.Count - 1)].Address);
                    await dead.KillAsync();
                    place++;
                }
            }
        }

        Assert.Equal(3, place);
        var expected = written.GetHashAndReset();
        Assert.Equal(expected, await HashAsync(dfs, "/big"));
        await GoalAsync(cluster, dfs, "/big");

        // Two more at the same moment: with three copies everything stays readable.
        var alive = cluster.Servers.Where(static server => server.IsStarted).Take(2).ToList();
        await Task.WhenAll(alive.Select(static server => server.KillAsync()));
        Assert.Equal(expected, await HashAsync(dfs, "/big"));
    }

    /// <summary>Every chunk of the file has three copies on servers that run.</summary>
    private static Task GoalAsync(ClusterProcesses cluster, DistFsClient dfs, string path) =>
        cluster.UntilAsync(RepairLimit, async () =>
        {
            var ranges = await dfs.GetBlockLocationsAsync(path);
            var bad = ranges.FirstOrDefault(range =>
                range.Replicas.Count(replica => cluster.ServerAt(replica.Address).IsStarted) < 3);
            return bad == null ? null : $"{bad.Chunk} is on {string.Join(", ", bad.Replicas)}";
        });

    private static async Task<byte[]> HashAsync(DistFsClient dfs, string path)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await using var file = await dfs.OpenReadAsync(path);
        var buffer = new byte[Step];
        for (long at = 0; ;)
        {
            var length = await file.ReadAsync(at, buffer);
            if (length == 0)
            {
                return hash.GetHashAndReset();
            }

            hash.AppendData(buffer.AsSpan(0, length));
            at += length;
        }
    }
}
