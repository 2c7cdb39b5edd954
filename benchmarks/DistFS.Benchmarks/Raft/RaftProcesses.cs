using System.Diagnostics;
using DistFS.Metaserver.Storage;
using DistFS.Native;
using DistFS.Primitives;
using DistFS.Raft;
using DistFS.Rpc;
using DistFS.Rpc.Frames;
using DistFS.TestCluster;

namespace DistFS.Benchmarks.Raft;

/// <summary>Members as processes of their own, on loopback, each with its data folder.</summary>
internal sealed class RaftProcesses : IAsyncDisposable
{
    // What was sent to a member that is paused must still be there when it goes on, hence the long keep-alive.
    private static readonly FrameChannelOptions Channel = new()
    {
        RetryDelay = TimeSpan.FromMilliseconds(20),
        RetryDelayMax = TimeSpan.FromMilliseconds(100),
        Frames = new FrameOptions { KeepAliveTimeout = TimeSpan.FromSeconds(60) },
    };

    private readonly string _folder;
    private readonly string _profile;
    private readonly ulong _snapshotEntries;
    private readonly Member[] _members;

    private RaftProcesses(string folder, string profile, ulong snapshotEntries, Member[] members) =>
        (_folder, _profile, _snapshotEntries, _members) = (folder, profile, snapshotEntries, members);

    /// <summary>How many there are.</summary>
    public int Count => _members.Length;

    /// <summary>Processor time of the members that run.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            var sum = TimeSpan.Zero;
            foreach (var member in _members)
            {
                if (member.Process is { HasExited: false } process)
                {
                    process.Refresh();
                    sum += process.TotalProcessorTime;
                }
            }

            return sum;
        }
    }

    /// <summary>Makes the data folders of a new cluster and starts all members.</summary>
    public static async Task<RaftProcesses> StartAsync(
        string folder, string profile, CancellationToken cancellation, ulong snapshotEntries = 200_000, int count = 3)
    {
        var cluster = new ClusterId(new UInt128((ulong)Random.Shared.NextInt64(), (ulong)Random.Shared.NextInt64()));
        var members = new Member[count];
        for (var i = 0; i < count; i++)
        {
            var address = RpcAddress.Tcp("127.0.0.1", Loopback.FreePort());
            members[i] = new Member(
                new RaftMember(
                    new MemberId((ulong)i + 1), new StoreId((ulong)Random.Shared.NextInt64()), address.ToString()),
                Path.Combine(folder, $"m{i + 1}"),
                new FrameChannel(address, Channel));
        }

        var configuration = new RaftConfiguration(members.Select(member => member.Id));
        foreach (var member in members)
        {
            Directory.CreateDirectory(member.Folder);
            RaftStore.Format(
                new PosixDisk(member.Folder), new Identity(cluster, member.Id.Id, member.Id.Store), configuration);
        }

        var processes = new RaftProcesses(folder, profile, snapshotEntries, members);
        for (var i = 0; i < count; i++)
        {
            await processes.StartAsync(i, cancellation);
        }

        return processes;
    }

    /// <summary>The caller's way to a member.</summary>
    public IRpcCaller Caller(int member) => _members[member].Channel;

    /// <summary>Starts a member that does not run.</summary>
    /// <param name="member">Which.</param>
    /// <param name="cancellation">Gives up waiting for it.</param>
    /// <param name="failpoints">Where it shall fail; it may then end before it is ready.</param>
    public async Task StartAsync(int member, CancellationToken cancellation, string? failpoints = null)
    {
        var m = _members[member];
        var start = new ProcessStartInfo(
            Environment.ProcessPath!,
            [
                "raft-node", "--id", $"{m.Id.Id.Value}", "--data", m.Folder, "--listen", m.Id.Address,
                "--profile", _profile, "--snapshot-entries", $"{_snapshotEntries}",
            ])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        start.Environment[Failpoints.Variable] = failpoints;
        m.Process = Process.Start(start)!;
        if (await m.Process.StandardOutput.ReadLineAsync(cancellation) != "ready" && failpoints == null)
        {
            throw new InvalidOperationException($"member {m.Id.Id} did not start; see {m.Folder}/node.log");
        }
    }

    /// <summary>As by kill -9; waits until it is gone.</summary>
    public async Task KillAsync(int member)
    {
        var process = _members[member].Process!;
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        _members[member].Process = null;
    }

    /// <summary>Waits until a member has ended by itself; false if it does not in time.</summary>
    public async Task<bool> EndsAsync(int member, TimeSpan limit)
    {
        using var timer = new CancellationTokenSource(limit);
        try
        {
            await _members[member].Process!.WaitForExitAsync(timer.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Pauses, or lets go on.</summary>
    public void Signal(int member, ProcessSignal signal) => Posix.Kill(_members[member].Process!.Id, signal);

    /// <summary>How a member is; null if it does not answer.</summary>
    public async Task<LookReply?> LookAsync(int member)
    {
        try
        {
            return await Caller(member).CallAsync(
                RegisterService.Look, new LookRequest(), TimeSpan.FromMilliseconds(500));
        }
        catch (RpcException)
        {
            return null;
        }
    }

    /// <summary>Waits for a leader that all members agree on, each of them reached by it.</summary>
    public async Task<int> LeaderAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (true)
        {
            var looks = await Task.WhenAll(Enumerable.Range(0, Count).Select(LookAsync));
            var leader = looks.OfType<LookReply>().Where(look => look.Leader != 0)
                .GroupBy(look => (look.Leader, look.Term)).FirstOrDefault(group => group.Count() == Count);
            if (leader != null)
            {
                return (int)leader.Key.Leader - 1;
            }

            await timer.WaitForNextTickAsync(cancellation);
        }
    }

    /// <summary>Waits until all members have applied the same, and says whether their states are equal.</summary>
    public async Task<bool> AreEqualAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        var until = Stopwatch.GetTimestamp() + (30 * Stopwatch.Frequency);
        while (Stopwatch.GetTimestamp() < until)
        {
            var looks = await Task.WhenAll(Enumerable.Range(0, Count).Select(LookAsync));
            if (looks.All(look => look != null && look.Applied == look.Commit)
                && looks.DistinctBy(l => l!.Commit).Count() == 1)
            {
                return looks.DistinctBy(look => look!.Hash).Count() == 1;
            }

            await timer.WaitForNextTickAsync(cancellation);
        }

        return false;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var member in _members)
        {
            await member.Channel.DisposeAsync();
            if (member.Process is { } process)
            {
                // Orderly, if it can.
                process.StandardInput.Close();
                using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
                try
                {
                    await process.WaitForExitAsync(limit.Token);
                }
                catch (OperationCanceledException)
                {
                    process.Kill();
                }

                process.Dispose();
            }
        }

        if (Environment.GetEnvironmentVariable("DISTFS_BENCH_KEEP") == null)
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    private sealed class Member(RaftMember id, string folder, FrameChannel channel)
    {
        public RaftMember Id => id;

        public string Folder => folder;

        public FrameChannel Channel => channel;

        public Process? Process { get; set; }
    }
}
