using System.Diagnostics;
using DistFS.Metadata.Fsck;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;
using DistFS.Metaserver.Services;
using DistFS.Metaserver.State;
using DistFS.Metaserver.Storage;
using DistFS.Native;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Raft;
using DistFS.Rpc;
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
    private readonly string[] _arguments;
    private readonly Member[] _members;

    private MetaserverProcesses(string folder, ClusterId cluster, string[] arguments, Member[] members) =>
        (_folder, _cluster, _arguments, _members) = (folder, cluster, arguments, members);

    /// <summary>How many there are, running or not.</summary>
    public int Count => _members.Length;

    /// <summary>The ways to the members, for clients.</summary>
    public IReadOnlyList<IRpcCaller> Callers => [.. _members.Select(member => member.Channel)];

    /// <summary>Processor time of a member that runs.</summary>
    public TimeSpan ProcessorTime(int member)
    {
        if (_members[member].Process is not { HasExited: false } process)
        {
            return default;
        }

        process.Refresh();
        return process.TotalProcessorTime;
    }

    /// <summary>Resident memory of a member that runs, and the most it had, in bytes (proc(5), VmRSS, VmHWM).</summary>
    public (long Now, long Most) ResidentBytes(int member)
    {
        long Of(string field) => 1024 * long.Parse(
            File.ReadLines($"/proc/{_members[member].Process!.Id}/status")
                .First(line => line.StartsWith(field, StringComparison.Ordinal))
                .Split(':', StringSplitOptions.TrimEntries)[1].Split(' ')[0],
            System.Globalization.CultureInfo.InvariantCulture);
        return (Of("VmRSS"), Of("VmHWM"));
    }

    /// <summary>The process of a member that runs.</summary>
    public int ProcessId(int member) => _members[member].Process!.Id;

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
            members[i] = new Member(id, Path.Combine(folder, $"m{i + 1}"), new FrameChannel(address, Channel));
        }

        var configuration = new RaftConfiguration(members.Select(member => member.Id));
        foreach (var member in members)
        {
            var raft = Path.Combine(member.Folder, "raft");
            Directory.CreateDirectory(raft);
            RaftStore.Format(new PosixDisk(raft), new Identity(cluster, member.Id.Id, member.Id.Store), configuration);
        }

        var processes = new MetaserverProcesses(folder, cluster, arguments, members);
        await Task.WhenAll(Enumerable.Range(0, count).Select(processes.StartAsync)).ConfigureAwait(false);
        return processes;
    }

    /// <summary>Starts a member that does not run; returns when it listens.</summary>
    public async Task StartAsync(int member)
    {
        var m = _members[member];
        var start = new ProcessStartInfo(
            Path.Combine(AppContext.BaseDirectory, "dfs"),
            ["metaserver", "--data", m.Folder, "--listen", m.Id.Address, "--json", .. _arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var process = m.Process = Process.Start(start)!;
        process.ErrorDataReceived += (_, said) => m.Log(said.Data);
        process.BeginErrorReadLine();
        if (await process.StandardOutput.ReadLineAsync().WaitAsync(Patience).ConfigureAwait(false) == null)
        {
            throw new InvalidOperationException($"Metaserver {m.Id.Id} did not start: {m.LastSaid}");
        }
    }

    /// <summary>As by kill -9; waits until it is gone.</summary>
    public Task KillAsync(int member) => EndAsync(member, process => process.Kill());

    /// <summary>As by SIGTERM; waits until it is gone. The exit code has to be 0.</summary>
    public async Task StopAsync(int member)
    {
        var code = await EndAsync(member, process => Posix.Kill(process.Id, ProcessSignal.Terminate))
            .ConfigureAwait(false);
        if (code != 0)
        {
            throw new InvalidOperationException(
                $"Metaserver {member + 1} ended with {code}: {_members[member].LastSaid}");
        }
    }

    /// <summary>Pauses, or lets go on.</summary>
    public void Signal(int member, ProcessSignal signal) => Posix.Kill(ProcessId(member), signal);

    /// <summary>Why a member that should run does not; null while all do.</summary>
    public string? Fault() => _members
        .Where(member => member.Process is { HasExited: true })
        .Select(member => $"Metaserver {member.Id.Id} ended by itself: {member.LastSaid}")
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
        using var state = MetadataState.Open(_members[member].Folder, _cluster);
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
            if (_members[i].Process != null)
            {
                await KillAsync(i).ConfigureAwait(false);
            }
        }

        if (Environment.GetEnvironmentVariable("DISTFS_BENCH_KEEP") == null)
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    private async Task<int> EndAsync(int member, Action<Process> end)
    {
        var process = _members[member].Process!;
        end(process);
        using var limit = new CancellationTokenSource(Patience);
        await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
        var code = process.ExitCode;
        process.Dispose();
        _members[member].Process = null;
        return code;
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

    private sealed class Member(RaftMember id, string folder, FrameChannel channel)
    {
        private readonly Lock _gate = new();

        public RaftMember Id => id;

        public string Folder => folder;

        public FrameChannel Channel => channel;

        public Process? Process { get; set; }

        public string LastSaid { get; private set; } = "it said nothing";

        public void Log(string? line)
        {
            if (line == null)
            {
                return;
            }

            lock (_gate)
            {
                LastSaid = line;
                File.AppendAllText(Path.Combine(folder, "node.log"), line + "\n");
            }
        }
    }
}
