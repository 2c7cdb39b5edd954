using System.Net;
using System.Net.Sockets;
using System.Text;
using DistFS.Metaserver.Consensus;
using DistFS.Metaserver.Storage;
using DistFS.Rpc;
using DistFS.Rpc.Frames;

namespace DistFS.Metaserver.Tests.Consensus;

/// <summary>A member in this process: driver, store and transport as they ship, over frames on loopback.</summary>
internal sealed class TestMember(TestCluster cluster, RaftMember member, string folder) : IAsyncDisposable
{
    private static int _lastPort = Random.Shared.Next(20_000);

    private RaftStore? _store;
    private RaftTransport? _transport;
    private FrameServer? _server;

    public RaftMember Member => member;

    public MemberId Id => member.Id;

    public GatedDisk Disk { get; } = new(folder);

    public ListMachine Machine { get; private set; } = new();

    public RaftDriver Driver { get; private set; } = null!;

    public RaftStore Store => _store!;

    public bool IsRunning => _store != null;

    /// <summary>Why it stopped by itself.</summary>
    public Task<DistFsException> Failure { get; private set; } = new TaskCompletionSource<DistFsException>().Task;

    public void Format(RaftConfiguration bootstrap) =>
        RaftStore.Format(Disk, new Identity(cluster.Id, member.Id, member.Store), bootstrap);

    public void Start()
    {
        var failure = new TaskCompletionSource<DistFsException>(TaskCreationOptions.RunContinuationsAsynchronously);
        Failure = failure.Task;
        var prng = new Prng(member.Id.Value);
        _store = RaftStore.Open(Disk, cluster.Driver.Store, prng.Fork());
        Machine = new ListMachine();
        var options = cluster.Driver with
        {
            Raft = cluster.Driver.Raft with { Self = member.Id, Store = member.Store },
            OnFailed = reason => failure.TrySetResult(reason),
        };
        _transport = new RaftTransport(new RaftTransportOptions
        {
            Cluster = cluster.Id,
            Self = member.Id,
            Address = member.Address,
        });
        Driver = RaftDriver.Start(options, _store, Machine, _transport, prng.Fork());
        _transport.DeliverTo(Driver);
        var dispatcher = new RpcDispatcher();
        _transport.AddTo(dispatcher);
        _server = FrameServer.Start(dispatcher, new FrameServerOptions
        {
            Listen = [RpcAddress.Parse(member.Address)],
            Frames = RaftTransportOptions.ServerFrames(new FrameOptions(), options.Raft),
        });
    }

    public async Task StopAsync()
    {
        if (_store != null)
        {
            Disk.Release();
            (Machine.BeforeApply, Machine.BeforeWrite) = (null, null);

            // Some of them are not there if it did not start.
            await (_server?.DisposeAsync() ?? default);
            await (Driver?.DisposeAsync() ?? default);
            await (_transport?.DisposeAsync() ?? default);
            _store.Dispose();
            (_store, _server, _transport, Driver) = (null, null, null, null!);
        }
    }

    public Task<ProposalOutcome> ProposeAsync(string command) =>
        Driver.ProposeAsync(Encoding.UTF8.GetBytes(command), Eventually.Limit).Soon();

    public async ValueTask DisposeAsync() => await StopAsync();

    /// <summary>
    /// An address that nobody has yet, and that nobody gets by chance before it is used, or while its member is down:
    /// its port is below those that the kernel gives to outgoing connections.
    /// </summary>
    public static string FreeAddress()
    {
        for (var tries = 0; tries < 1000; tries++)
        {
            var port = 12_000 + (int)(Interlocked.Increment(ref _lastPort) % 20_000);
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return $"127.0.0.1:{port}";
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                // The next one.
            }
        }

        throw new InvalidOperationException("No free port.");
    }
}

/// <summary>Members of one cluster in this process.</summary>
internal sealed class TestCluster : IAsyncDisposable
{
    private readonly TempFolder _folder = new();

    private TestCluster(RaftDriverOptions driver) => Driver = driver;

    public ClusterId Id { get; } = new(7);

    /// <summary>Short enough for tests, long enough for a busy machine.</summary>
    public static RaftTiming Timing { get; } = new(TimeSpan.FromMilliseconds(10), 50, 5);

    public RaftDriverOptions Driver { get; set; }

    public List<TestMember> Members { get; } = [];

    public RaftConfiguration Configuration => new(Members.Select(member => member.Member));

    /// <summary>A cluster of so many, started.</summary>
    public static TestCluster Start(int count = 3, Func<RaftDriverOptions, RaftDriverOptions>? change = null)
    {
        var options = new RaftDriverOptions
        {
            Raft = new RaftOptions { Self = new MemberId(1) },
            Store = new RaftStoreOptions { SegmentBytes = 1 << 20 },
            Timing = Timing,
            OnFailed = static _ => { },
        };
        var cluster = new TestCluster(change?.Invoke(options) ?? options);
        for (var i = 1; i <= count; i++)
        {
            cluster.Add((ulong)i);
        }

        foreach (var member in cluster.Members)
        {
            member.Format(cluster.Configuration);
            member.Start();
        }

        return cluster;
    }

    /// <summary>One more, which is neither formatted nor started.</summary>
    public TestMember Add(ulong id)
    {
        var folder = _folder.Sub($"m{id}");
        Directory.CreateDirectory(folder);
        var member = new TestMember(
            this, new RaftMember(new MemberId(id), new StoreId(100 + id), TestMember.FreeAddress()), folder);
        Members.Add(member);
        return member;
    }

    /// <summary>The leader, once a majority of those that run agrees and it answers a write.</summary>
    public async Task<TestMember> LeaderAsync()
    {
        TestMember? leader = null;
        await Eventually.True(() =>
        {
            var running = Members.Where(member => member.IsRunning).ToList();
            leader = running.Find(member => member.Driver.IsLeader
                && running.Count(other => other.Driver.Leader == member.Id) > Members.Count / 2);
            return leader != null;
        });
        return leader!;
    }

    /// <summary>
    /// Writes until so many commands were acknowledged, by whoever leads: on a machine that stalls for an election
    /// time-out a leader rightly steps down, and what was under way ends as unknown.
    /// </summary>
    /// <returns>Those that were acknowledged.</returns>
    public async Task<string[]> WriteAsync(int count)
    {
        var written = new List<string>();
        for (var i = 0; written.Count < count; i++)
        {
            Assert.True(i < 2 * count, $"Of {i} commands only {written.Count} were acknowledged.");
            var leader = await LeaderAsync();
            if ((await leader.ProposeAsync($"command {i}")).Status == CallStatus.Done)
            {
                written.Add($"command {i}");
            }
        }

        return [.. written];
    }

    /// <summary>All that run have applied the same commands, among them all of these, in their order.</summary>
    public Task AllAgreeAndHave(string[] commands) => Eventually.True(() =>
    {
        var running = Members.FindAll(member => member.IsRunning);
        var items = running[0].Machine.Items;
        return running.TrueForAll(member => member.Machine.Items.SequenceEqual(items))
            && items.Where(new HashSet<string>(commands).Contains).SequenceEqual(commands);
    });

    /// <summary>All that run have applied the same commands.</summary>
    public Task AllHave(params string[] commands) => Eventually.True(() =>
        Members.TrueForAll(member => !member.IsRunning || member.Machine.Items.SequenceEqual(commands)));

    public async ValueTask DisposeAsync()
    {
        foreach (var member in Members)
        {
            await member.DisposeAsync();
        }

        _folder.Dispose();
    }
}
