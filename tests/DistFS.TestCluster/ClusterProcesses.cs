using System.Diagnostics;
using DistFS.Client;
using DistFS.Metaserver.Services;
using DistFS.Protocol;
using DistFS.Rpc;

namespace DistFS.TestCluster;

/// <summary>
/// A whole cluster as it ships: metaservers and chunk servers, a process each, on loopback. Each chunk server stands in
/// a rack of its own unless they are told otherwise.
/// </summary>
public sealed class ClusterProcesses : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly NodeProcess[] _servers;
    private readonly string[] _addresses;

    private ClusterProcesses(MetaserverProcesses metaservers, NodeProcess[] servers, string[] addresses)
    {
        (Metaservers, _servers, _addresses) = (metaservers, servers, addresses);
        Admin = new AdminClient(metaservers.Addresses);
    }

    /// <summary>The metaservers.</summary>
    public MetaserverProcesses Metaservers { get; }

    /// <summary>Asks them about the cluster; one question at a time.</summary>
    public AdminClient Admin { get; }

    /// <summary>The chunk servers, running or not.</summary>
    public IReadOnlyList<NodeProcess> Servers => _servers;

    /// <summary>Starts all, and waits until the chunk servers take data.</summary>
    /// <param name="folder">Gets the data folders, and is removed in the end.</param>
    /// <param name="metaservers">How many.</param>
    /// <param name="servers">How many chunk servers.</param>
    /// <param name="arguments">More for the command line of each chunk server.</param>
    public static async Task<ClusterProcesses> StartAsync(
        string folder, int metaservers = 3, int servers = 5, params string[] arguments)
    {
        var metas = await MetaserverProcesses.StartAsync(folder, metaservers).ConfigureAwait(false);
        var addresses = new string[servers];
        var processes = new NodeProcess[servers];
        for (var i = 0; i < servers; i++)
        {
            addresses[i] = $"127.0.0.1:{Loopback.FreePort()}";
            var data = Path.Combine(folder, $"s{i + 1}");
            processes[i] = new NodeProcess(
                $"Chunk server {i + 1}",
                data,
                [
                    "chunkserver", "--data", data, "--listen", addresses[i], "--rack", $"r{i + 1}",
                    "--reserve", "64MiB", "--metaservers", string.Join(',', metas.Addresses), "--json", .. arguments,
                ]);
        }

        var cluster = new ClusterProcesses(metas, processes, addresses);
        try
        {
            await metas.LeaderAsync().ConfigureAwait(false);
            await Task.WhenAll(processes.Select(static process => process.StartAsync())).ConfigureAwait(false);
            await cluster.ServersUpAsync(servers).ConfigureAwait(false);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>How its clients work.</summary>
    public DistFsClientOptions Options => new() { Metaservers = Metaservers.Addresses };

    /// <summary>A client of it.</summary>
    public Task<DistFsClient> ConnectAsync() => DistFsClient.ConnectAsync(Options);

    /// <summary>Which of <see cref="Servers"/> listens at an address.</summary>
    public NodeProcess ServerAt(string address) => _servers[Array.IndexOf(_addresses, address)];

    /// <summary>The state of all chunk servers, as the leader sees them.</summary>
    public async Task<IReadOnlyList<ServerStatus>> ServersAsync() =>
        (await Admin.ServersAsync(0, Patience, default).ConfigureAwait(false)).Servers;

    /// <summary>Waits until so many chunk servers are up, and have told what they have.</summary>
    public Task ServersUpAsync(int count) => UntilAsync(
        Patience,
        async () => (await ServersAsync().ConfigureAwait(false)).Count(IsUp) is var up && up >= count
            ? null : $"{up} of {count} chunk servers are up");

    /// <summary>Waits until every chunk has as many copies as it should have.</summary>
    /// <returns>How long that took.</returns>
    public async Task<TimeSpan> RepairedAsync(TimeSpan limit)
    {
        var start = Stopwatch.GetTimestamp();
        await UntilAsync(limit, async () =>
        {
            RepairStatusReply repair;
            try
            {
                repair = await Admin.RepairAsync(TimeSpan.FromSeconds(5), default).ConfigureAwait(false);
            }
            catch (RpcException e)
            {
                return e.Message;
            }

            return repair.IsComplete && repair.CopiesUnderWay == 0 && repair.Parked == 0
                && repair.Classes.All(static one => one.Chunks == 0) ? null : $"{repair}";
        }).ConfigureAwait(false);
        return Stopwatch.GetElapsedTime(start);
    }

    /// <summary>Waits for a condition, asked ten times a second.</summary>
    /// <param name="limit">For so long.</param>
    /// <param name="why">Why it does not hold yet; null: it does.</param>
    /// <exception cref="TimeoutException">It did not come to hold.</exception>
    public async Task UntilAsync(TimeSpan limit, Func<Task<string?>> why)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        for (var start = Stopwatch.GetTimestamp(); ;)
        {
            if (await why().ConfigureAwait(false) is not { } reason)
            {
                return;
            }

            if (Stopwatch.GetElapsedTime(start) > limit)
            {
                throw new TimeoutException($"After {limit}: {reason}. {Fault()}");
            }

            await timer.WaitForNextTickAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Why something that should run does not; null while all do.</summary>
    public string? Fault() => Metaservers.Fault()
        ?? _servers.Where(static server => server.HasDied).Select(static server => server.LastSaid).FirstOrDefault();

    /// <summary>Ends all processes and removes their folders.</summary>
    public async ValueTask DisposeAsync()
    {
        await Admin.DisposeAsync().ConfigureAwait(false);
        foreach (var server in _servers.Where(static server => server.IsStarted))
        {
            await server.KillAsync().ConfigureAwait(false);
        }

        await Metaservers.DisposeAsync().ConfigureAwait(false);
    }

    private static bool IsUp(ServerStatus server) => server is { State: "up", IsThrough: true };
}
