using DistFS.TestCluster;

namespace DistFS.Mount.Tests;

/// <summary>
/// What fsync returned for is there after anything was killed: records in five ways, each in a ledger elsewhere when
/// its last fsync has returned (docs/operating/posix.md, "After a crash").
/// </summary>
[Collection("one cluster at a time")]
public sealed class CrashTests : MountedCluster
{
    private static readonly int Rounds = IsFull ? 10 : 1;

    private const int RecordsMin = 150;

    [Flags]
    public enum Victims
    {
        Mount = 1,
        Metaservers = 2,
        ChunkServers = 4,
        All = Mount | Metaservers | ChunkServers,
    }

    [Theory]
    [InlineData(Victims.Mount)]
    [InlineData(Victims.Metaservers)]
    [InlineData(Victims.ChunkServers)]
    [InlineData(Victims.All)]
    public async Task Every_record_that_was_acknowledged_is_there(Victims killed)
    {
        for (var round = 0; round < Rounds; round++)
        {
            var (directory, ledger) = ($"ledger{round}", $"{Folder}/ledger{round}");
            var mount = await MountAsync(One);
            using var writer = Start(
                $"exec {Posix} ledger write {One}/{directory} {ledger} --seed {round + 1} >{ledger}.said 2>&1");
            await WrittenAsync(ledger, RecordsMin);
            await KillAsync(killed, mount);
            if (!killed.HasFlag(Victims.Mount))
            {
                // Who writes waits for the servers, and hears of no error.
                await WrittenAsync(ledger, 2 * RecordsMin);
                await mount.KillAsync();
            }

            writer.Kill();
            await writer.WaitForExitAsync();
            var other = await MountAsync(Two);
            await ShellAsync($"{Posix} ledger check {Two}/{directory} {ledger}");
            await other.StopAsync();
        }

        Assert.Null(Cluster.Fault());
    }

    /// <summary>Its last line says how many are acknowledged by now.</summary>
    private static Task WrittenAsync(string ledger, int records) => ShellAsync($$"""
        for i in $(seq 1200); do
            n=$(tail -n 1 {{ledger}}.said 2>/dev/null || true); case "$n" in *[!0-9]*) echo "$n"; exit 1 ;; esac
            [ "${n:-0}" -lt {{records}} ] || exit 0; sleep 0.05
        done; echo "only $n records"; exit 1
        """);

    /// <summary>All at once; what serves is started again.</summary>
    private async Task KillAsync(Victims killed, NodeProcess mount)
    {
        var metaservers = killed.HasFlag(Victims.Metaservers)
            ? Enumerable.Range(0, Cluster.Metaservers.Count).ToList() : [];
        var servers = killed.HasFlag(Victims.ChunkServers) ? Cluster.Servers : [];
        await Task.WhenAll(
        [
            .. killed.HasFlag(Victims.Mount) ? [mount.KillAsync()] : Array.Empty<Task>(),
            .. metaservers.Select(Cluster.Metaservers.KillAsync),
            .. servers.Select(static server => server.KillAsync()),
        ]);
        await Task.WhenAll(
            [.. metaservers.Select(Cluster.Metaservers.StartAsync), .. servers.Select(static one => one.StartAsync())]);
    }
}
