using System.Diagnostics;
using DistFS.Metadata.Fsck;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;
using DistFS.Metaserver.State;
using DistFS.Metaserver.Storage;
using DistFS.Native;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Raft;
using DistFS.Rpc;
using DistFS.Rpc.Services;
using DistFS.Rpc.Frames;

namespace DistFS.TestCluster;

/// <summary>
/// Metaservers of one cluster as <c>dfs metaserver</c> runs them: a process each, on loopback, each with its data
/// folder. What a process says goes to <c>node.log</c> beside that.
/// </summary>
public sealed class MetaserverProcesses : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly FrameChannelOptions Channel = new()
    {
        RetryDelay = TimeSpan.FromMilliseconds(20),
        RetryDelayMax = TimeSpan.FromMilliseconds(100),
    };

    private readonly string _folder;
    private readonly ClusterId _cluster;
    private readonly Member[] _members;

    private MetaserverProcesses(string folder, ClusterId cluster, Member[] members) =>
        (_folder, _cluster, _members) = (folder, cluster, members);

    /// <summary>How many there are, running or not.</summary>
    public int Count => _members.Length;

    /// <summary>The ways to the members, for clients.</summary>
    public IReadOnlyList<IRpcCaller> Callers => [.. _members.Select(member => member.Channel)];

    /// <summary>Where the members listen.</summary>
    public IReadOnlyList<RpcAddress> Addresses => [.. _members.Select(member => RpcAddress.Parse(member.Id.Address))];

    /// <summary>Processor time of a member that runs.</summary>
    public TimeSpan ProcessorTime(int member) => _members[member].Process.ProcessorTime;

    /// <summary>Resident memory of a member that runs, and the most it had, in bytes.</summary>
    public (long Now, long Most) ResidentBytes(int member) => _members[member].Process.ResidentBytes;

    /// <summary>The process of a member that runs.</summary>
    public int ProcessId(int member) => _members[member].Process.ProcessId;

    /// <summary>Makes the data folders of a new cluster and starts all members.</summary>
    /// <param name="folder">Gets the data folders, and is removed in the end.</param>
    /// <param name="count">Members.</param>
    /// <param name="arguments">More for the command line of each.</param>
    public static async Task<MetaserverProcesses> StartAsync(string folder, int count = 3, params string[] arguments)
    {
        var cluster = new ClusterId(new UInt128((ulong)Random.Shared.NextInt64(), (ulong)Random.Shared.NextInt64()));
        var members = new Member[count];
        for (var i = 0; i < count; i++)
        {
            var address = RpcAddress.Tcp("127.0.0.1", Loopback.FreePort());
            var id = new RaftMember(
                new MemberId((ulong)i + 1), new StoreId((ulong)Random.Shared.NextInt64()), address.ToString());
            var data = Path.Combine(folder, $"m{i + 1}");
            var process = new NodeProcess(
                $"Metaserver {id.Id}",
                data,
                ["metaserver", "--data", data, "--listen", id.Address, "--json", .. arguments]);
            members[i] = new Member(id, process, new FrameChannel(address, Channel));
        }

        var configuration = new RaftConfiguration(members.Select(member => member.Id));
        foreach (var member in members)
        {
            var raft = Path.Combine(member.Process.Folder, "raft");
            Directory.CreateDirectory(raft);
            RaftStore.Format(new PosixDisk(raft), new Identity(cluster, member.Id.Id, member.Id.Store), configuration);
        }

        var processes = new MetaserverProcesses(folder, cluster, members);
        try
        {
            await Task.WhenAll(Enumerable.Range(0, count).Select(processes.StartAsync)).ConfigureAwait(false);
            return processes;
        }
        catch
        {
            await processes.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Starts a member that does not run; returns when it listens.</summary>
    public Task StartAsync(int member) => _members[member].Process.StartAsync();

    /// <summary>As by kill -9; waits until it is gone.</summary>
    public Task KillAsync(int member) => _members[member].Process.KillAsync();

    /// <summary>As by SIGTERM; waits until it is gone. The exit code has to be 0.</summary>
    public Task StopAsync(int member) => _members[member].Process.StopAsync();

    /// <summary>Pauses, or lets go on.</summary>
    public void Signal(int member, ProcessSignal signal) => _members[member].Process.Signal(signal);

    /// <summary>Why a member that should run does not; null while all do.</summary>
    public string? Fault() => _members
        .Where(member => member.Process.HasDied)
        .Select(member => $"Metaserver {member.Id.Id} ended by itself: {member.Process.LastSaid}")
        .FirstOrDefault();

    /// <summary>Waits for a member that answers as leader.</summary>
    /// <exception cref="TimeoutException">None does.</exception>
    public async Task<int> LeaderAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < Patience;)
        {
            var leads = await Task.WhenAll(Enumerable.Range(0, Count).Select(LeadsAsync)).ConfigureAwait(false);
            if (Array.IndexOf(leads, true) is var leader and >= 0)
            {
                return leader;
            }

            await timer.WaitForNextTickAsync().ConfigureAwait(false);
        }

        throw new TimeoutException($"There is no leader. {Fault()}");
    }

    /// <summary>Looks into the state of a member that was stopped.</summary>
    public TResult Look<TResult>(int member, Func<IOrderedStore, ClusterRow, TResult> look)
    {
        using var state = MetadataState.Open(_members[member].Process.Folder, _cluster);
        return state.Read(look, static (store, look) =>
        {
            var cluster = ClusterRow.Find(new Changes(store))
                ?? throw new InvalidOperationException("The member has no state.");
            return look(store, cluster);
        });
    }

    /// <summary>What does not add up in the state of a member that was stopped.</summary>
    public IReadOnlyList<string> Check(int member) =>
        Look(member, static (store, cluster) => TreeCheck.Run(store, cluster.NameKey));

    /// <summary>Ends all processes and removes their folders.</summary>
    public async ValueTask DisposeAsync()
    {
        for (var i = 0; i < Count; i++)
        {
            await _members[i].Channel.DisposeAsync().ConfigureAwait(false);
            if (_members[i].Process.IsStarted)
            {
                await KillAsync(i).ConfigureAwait(false);
            }
        }

        if (Environment.GetEnvironmentVariable("DISTFS_BENCH_KEEP") == null)
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    private async Task<bool> LeadsAsync(int member)
    {
        try
        {
            var reply = await _members[member].Channel
                .CallAsync(MetadataMethods.Read, new ReadRequest(), TimeSpan.FromMilliseconds(500))
                .ConfigureAwait(false);
            return reply.Status == 0;
        }
        catch (RpcException)
        {
            return false;
        }
    }

    private sealed record Member(RaftMember Id, NodeProcess Process, FrameChannel Channel);
}
