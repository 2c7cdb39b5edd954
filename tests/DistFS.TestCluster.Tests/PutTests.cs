using System.Diagnostics;
using System.Security.Cryptography;

namespace DistFS.TestCluster.Tests;

/// <summary>
/// <c>dfs put</c> and <c>dfs get</c> as processes, while three leaders and a chunk server are killed under them: exit
/// status 0, and equal bytes.
/// </summary>
public sealed class PutTests : IDisposable
{
    private const int Step = 1 << 20;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private readonly string _folder = Directory.CreateTempSubdirectory("distfs-put").FullName;

    /// <summary>128 MiB in every run; scripts/test --cluster takes 2 GiB.</summary>
    private static int Steps => Environment.GetEnvironmentVariable("DISTFS_CLUSTER_FULL") == null ? 128 : 2_048;

    public void Dispose()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_copy_through_three_leader_kills_and_one_of_a_chunk_server_ends_well()
    {
        await using var cluster = await ClusterProcesses.StartAsync(Path.Combine(_folder, "cluster"), servers: 4);
        using var written = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using (var put = Dfs(cluster, "put", "-", "/big"))
        {
            var errors = put.StandardError.ReadToEndAsync();
            var random = new Random(3);
            var bytes = new byte[Step];
            for (var step = 0; step < Steps; step++)
            {
                // Half of it can be compressed. What is not read yet waits in the pipe, so the kills are in the middle.
                random.NextBytes(bytes.AsSpan(0, Step / 2));
                await put.StandardInput.BaseStream.WriteAsync(bytes);
                written.AppendData(bytes);
                if (step == Steps / 2)
                {
                    await cluster.Servers[1].KillAsync();
                }

                if (step % (Steps / 4) == Steps / 8 && step < Steps * 3 / 4)
                {
                    await KillLeaderAsync(cluster);
                }
            }

            put.StandardInput.Close();
            await EndAsync(put, errors);
        }

        using var get = Dfs(cluster, "get", "/big", "-");
        var said = get.StandardError.ReadToEndAsync();
        var expected = written.GetHashAndReset();
        Assert.Equal(expected, await SHA256.HashDataAsync(get.StandardOutput.BaseStream));
        await EndAsync(get, said);
    }

    private static async Task KillLeaderAsync(ClusterProcesses cluster)
    {
        var leader = await cluster.Metaservers.LeaderAsync();
        await cluster.Metaservers.KillAsync(leader);
        await cluster.Metaservers.LeaderAsync();
        await cluster.Metaservers.StartAsync(leader);
    }

    private static async Task EndAsync(Process process, Task<string> errors)
    {
        using var limit = new CancellationTokenSource(Limit);
        await process.WaitForExitAsync(limit.Token);
        Assert.True(process.ExitCode == 0, $"{process.ExitCode}: {await errors}");
    }

    private static Process Dfs(ClusterProcesses cluster, params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "dfs"), arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DISTFS_CLUSTER"] = string.Join(',', cluster.Metaservers.Addresses);
        return Process.Start(start)!;
    }
}
