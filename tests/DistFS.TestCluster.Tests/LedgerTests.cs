using System.Diagnostics;
using DistFS.Native;
using DistFS.TestCluster.Ledgers;
using Xunit.Abstractions;

namespace DistFS.TestCluster.Tests;

/// <summary>
/// Every fault with writers under way, over real processes: nothing that was answered is lost, and but for the fault of
/// all at once nobody sees an error.
/// </summary>
public sealed class LedgerTests(ITestOutputHelper output) : IDisposable
{
    private const int Writers = 4;
    private const int Answers = 60;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("distfs-ledger").FullName;

    public void Dispose()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    [Fact]
    public async Task What_was_answered_is_kept_whatever_dies_stops_or_comes_back()
    {
        await using var cluster = await ClusterProcesses.StartAsync(Path.Combine(_folder, "cluster"), servers: 4);
        var ledger = new Ledger();
        await using (var client = await cluster.ConnectAsync())
        {
            await using var writers = await LedgerWriters.StartAsync(client, ledger, Writers, seed: 11);
            await writers.GoOnAsync(Answers, Limit);
            foreach (var (name, fault) in Faults(cluster))
            {
                writers.TakeLongestGap();
                var start = Stopwatch.GetTimestamp();
                await fault(() => writers.GoOnAsync(Answers, Limit));
                output.WriteLine(
                    $"{name}: {Stopwatch.GetElapsedTime(start).TotalSeconds:F1} s, longest without an answer "
                    + $"{writers.TakeLongestGap().TotalSeconds:F2} s");
                Assert.Null(cluster.Fault());
                Assert.Empty(writers.Errors);
            }

            await writers.StopAsync();
            Assert.Empty(writers.Errors);
        }

        await AllDieAsync(cluster, ledger);
        output.WriteLine($"{ledger.Count} promises");
    }

    /// <summary>Each does its harm, lets the writers go on, and makes it good again.</summary>
    private static IEnumerable<(string Name, Func<Func<Task>, Task> Fault)> Faults(ClusterProcesses cluster)
    {
        var metas = cluster.Metaservers;
        yield return ("the leader dies", async goOn =>
        {
            var leader = await metas.LeaderAsync();
            await metas.KillAsync(leader);
            await goOn();
            await metas.StartAsync(leader);
            await goOn();
        }
        );
        yield return ("a follower dies", async goOn =>
        {
            var follower = (await metas.LeaderAsync() + 1) % metas.Count;
            await metas.KillAsync(follower);
            await goOn();
            await metas.StartAsync(follower);
            await goOn();
        }
        );
        yield return ("the leader stands still", async goOn =>
        {
            var leader = await metas.LeaderAsync();
            metas.Signal(leader, ProcessSignal.Stop);
            await goOn();
            metas.Signal(leader, ProcessSignal.Continue);
            await goOn();
        }
        );
        yield return ("a chunk server dies and starts again at once", async goOn =>
        {
            await cluster.Servers[0].KillAsync();
            await cluster.Servers[0].StartAsync();
            await goOn();
            await cluster.ServersUpAsync(4);
        }
        );
        yield return ("a chunk server dies", async goOn =>
        {
            await cluster.Servers[1].KillAsync();
            await goOn();
            await cluster.Servers[1].StartAsync();
            await cluster.ServersUpAsync(4);
            await goOn();
        }
        );
        yield return ("a chunk server stands still", async goOn =>
        {
            cluster.Servers[2].Signal(ProcessSignal.Stop);
            await goOn();
            cluster.Servers[2].Signal(ProcessSignal.Continue);
            await goOn();
            await cluster.ServersUpAsync(4);
        }
        );
    }

    /// <summary>
    /// Everything at once, with writers under way, who may see errors; then all is started, and whoever asks finds it.
    /// </summary>
    private async Task AllDieAsync(ClusterProcesses cluster, Ledger ledger)
    {
        await using (var client = await cluster.ConnectAsync())
        {
            await client.CreateDirectoryAsync("/again");
            await using var writers = await LedgerWriters.StartAsync(
                client, ledger, Writers, seed: 99, under: "/again");
            await writers.GoOnAsync(Answers, Limit);
            var metas = Enumerable.Range(0, cluster.Metaservers.Count).ToList();
            await Task.WhenAll([
                .. metas.Select(cluster.Metaservers.KillAsync),
                .. cluster.Servers.Select(static server => server.KillAsync()),
            ]);
            var start = Stopwatch.GetTimestamp();
            await Task.WhenAll([
                .. metas.Select(cluster.Metaservers.StartAsync),
                .. cluster.Servers.Select(static server => server.StartAsync()),
            ]);
            await writers.GoOnAsync(1, Limit);
            output.WriteLine($"all die: the next answer {Stopwatch.GetElapsedTime(start).TotalSeconds:F1} s after it");
            await cluster.ServersUpAsync(4);
            await writers.GoOnAsync(Answers, Limit);
            await writers.StopAsync();
        }

        await using var reader = await cluster.ConnectAsync();
        Assert.Empty(await ledger.CompareAsync(reader));
    }
}
