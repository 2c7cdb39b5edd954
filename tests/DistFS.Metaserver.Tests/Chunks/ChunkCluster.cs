using DistFS.Metadata.Chunks;
using DistFS.Metadata.Placement;
using DistFS.Metadata.Placement.Repair;
using DistFS.Metadata.Reads;
using DistFS.Metadata.Servers;
using DistFS.Metaserver.Chunks;
using DistFS.Metaserver.Hosting;
using DistFS.Metaserver.Tests.Consensus;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Frames;
using DistFS.Rpc.Services;
using Google.Protobuf;

namespace DistFS.Metaserver.Tests.Chunks;

/// <summary>A metaserver as it ships, with chunk servers that have no bytes, a client, and times ten times as short.
/// </summary>
internal sealed class ChunkCluster : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private readonly RpcAddress _address = RpcAddress.Parse(TestMember.FreeAddress());
    private readonly FrameChannel _channel;
    private ulong _session;
    private ulong _sequence;

    private ChunkCluster(ChunkServerOptions? options)
    {
        _channel = new FrameChannel(_address);
        Options = options ?? Quick;
    }

    public MetaserverHost Host { get; private set; } = null!;

    public RpcAddress Address => _address;

    public List<FakeChunkServer> Servers { get; } = [];

    public ChunkServerOptions Options { get; }

    /// <summary>Times as they are by default here.</summary>
    public static ChunkServerOptions Quick { get; } = new()
    {
        SuspectMs = 400,
        DeadMs = 1_200,
        ServeMs = 500,
        Interval = TimeSpan.FromMilliseconds(20),
        FenceTimeout = TimeSpan.FromMilliseconds(500),
        SealIdleMs = 300,
        Repair = new RepairOptions
        {
            RetryMs = 50,
            RetryMsMax = 200,
            ScanAgainMs = 100,
            RemovalRepeatMs = 500,
            BytesPerSecondMax = 1L << 36,
        },
        Balance = new BalancerOptions { BytesPerSecond = 1L << 36 },
    };

    /// <summary>A cluster with a server in each of these racks, all of which serve.</summary>
    public static Task<ChunkCluster> StartAsync(params string[] racks) => StartAsync(null, racks);

    /// <inheritdoc cref="StartAsync(string[])"/>
    public static async Task<ChunkCluster> StartAsync(ChunkServerOptions? options, params string[] racks)
    {
        var cluster = new ChunkCluster(options);
        await cluster.StartHostAsync();
        for (var i = 0; i < racks.Length; i++)
        {
            // In the order of their ids.
            await cluster.AddAsync(racks[i]);
        }

        var call = new OpenSessionCall { Nonce = 5, LeaseMs = 60_000 };
        var reply = await cluster.CallAsync(MetadataMethods.OpenSession, call, reply => reply.Code);
        cluster._session = reply.OpenSession.Client;
        return cluster;
    }

    public async Task StartHostAsync() => Host = await MetaserverHost.StartAsync(new MetaserverOptions
    {
        DataFolder = _folder.Sub("m"),
        Address = _address,
        Timing = TestCluster.Timing,
        ChunkServers = Options,
    });

    public async Task RestartHostAsync()
    {
        await Host.DisposeAsync();
        await StartHostAsync();
    }

    public async Task<FakeChunkServer> AddAsync(string rack, FakeDisk? disk = null)
    {
        var server = Restart(rack, disk ?? new FakeDisk(100 + (ulong)Servers.Count));
        await Eventually.True(() => server.IsServing);
        await Eventually.True(() => Host.Chunks.Lead is { Servers.IsRingNow: true });
        return server;
    }

    /// <summary>A server with a disk, which does not serve yet.</summary>
    public FakeChunkServer Restart(string rack, FakeDisk disk, Func<Task>? onInventory = null)
    {
        var server = new FakeChunkServer(_address, disk, rack, onInventory);
        Servers.Add(server);
        return server;
    }

    public FakeChunkServer Server(uint id) => Servers.Last(server => server.Id == id);

    public async Task<MetadataReply> MutateAsync(params Operation[] operations)
    {
        foreach (var operation in operations)
        {
            operation.Caller = new Caller();
        }

        return await RepeatAsync(++_sequence, new MutateRequest { Operations = { operations } });
    }

    /// <summary>Sends a request under a number it may have been sent under before.</summary>
    public Task<MetadataReply> RepeatAsync(ulong sequence, MutateRequest request) => CallAsync(
        MetadataMethods.Mutate,
        new MutateCall { Client = _session, Sequence = sequence, Request = request.ToByteString() },
        reply => reply.Code);

    public ulong LastSequence => _sequence;

    /// <summary>Operations that must all work.</summary>
    public async Task<IReadOnlyList<OperationReply>> DoAsync(params Operation[] operations)
    {
        var reply = await MutateAsync(operations);
        Assert.Equal((0, 0), (reply.Status, reply.Code));
        Assert.All(reply.Mutate.Replies, one => Assert.Equal(0, one.Status));
        return reply.Mutate.Replies;
    }

    public async Task<ulong> MakeAsync(string name, uint kind = 8, ulong parent = 1) => (await DoAsync(new Operation
    {
        Make = new MakeRequest
        {
            Parent = parent,
            Name = ByteString.CopyFromUtf8(name),
            Kind = kind,
            Mode = 0b111_101_101,
        },
    }))[0].Attributes.Inode;

    public async Task<IReadOnlyList<Protocol.ChunkInfo>> AllocateAsync(ulong inode, params ulong[] indices) =>
        (await DoAsync(Allocate(inode, indices)))[0].Chunks;

    public static Operation Allocate(ulong inode, params ulong[] indices)
    {
        var allocate = new AllocateChunksRequest { Inode = inode };
        allocate.Indices.Add(indices);
        return new Operation { AllocateChunks = allocate };
    }

    /// <summary>Chunks with bytes on their servers, committed and sealed or still open.</summary>
    public async Task<List<ulong>> WriteAsync(ulong inode, int count, uint length = 1_000, bool seal = true)
    {
        var ids = new List<ulong>();
        for (var from = 0; from < count; from += ChunkLayout.NamedMax)
        {
            var indices = Enumerable.Range(from, Math.Min(ChunkLayout.NamedMax, count - from));
            var chunks = await AllocateAsync(inode, [.. indices.Select(index => (ulong)index)]);
            var commit = new CommitWriteRequest { Inode = inode };
            var sealing = new SealChunksRequest { Inode = inode };
            foreach (var chunk in chunks)
            {
                foreach (var server in chunk.Servers)
                {
                    Server(server).Disk.Put(chunk.Chunk, chunk.Version, length);
                }

                ids.Add(chunk.Chunk);
                commit.Chunks.Add(Written(chunk, length));
                sealing.Chunks.Add(Written(chunk, length));
            }

            await DoAsync(new Operation { CommitWrite = commit });
            if (seal)
            {
                await DoAsync(new Operation { SealChunks = sealing });
            }
        }

        return ids;
    }

    public static WrittenChunk Written(Protocol.ChunkInfo chunk, uint length) =>
        new() { Index = chunk.Index, Chunk = chunk.Chunk, Version = chunk.Version, Length = length };

    /// <summary>Looks at the state.</summary>
    public T Look<T>(Func<Metadata.Tree, T> look) =>
        Host.State.Read(look, static (store, look) => look(MetadataView.Open(store)!.Tree));

    public ChunkRow? Chunk(ulong id) =>
        Look(tree => tree.Chunks.TryGet(new ChunkId(id), out var row) ? (ChunkRow?)row : null);

    public uint[] ServersOf(ulong id) => [.. Chunk(id)!.Value.Replicas.ToArray().Select(server => server.Value)];

    public ServerRow Row(uint server) =>
        Look(tree => tree.Servers.TryGet(new ServerId(server), out var row) ? row : null)!;

    public int GarbageOf(uint server) => Look(tree => tree.Chunks.Garbage(new ServerId(server), default, 10_000).Count);

    public async Task<string> StateOfAsync(uint server)
    {
        var reply = await CallAsync(
            ChunkServersMethods.ListServers, new ListServersRequest { After = server - 1 }, reply => reply.Answer.Code);
        return reply.Servers[0].State;
    }

    public Task<RepairStatusReply> StatusAsync() => CallAsync(
        ChunkServersMethods.RepairStatus, new RepairStatusRequest(), reply => reply.Answer.Code);

    public async Task BecomesAsync(uint server, string state)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        var until = Environment.TickCount64 + (long)Eventually.Limit.TotalMilliseconds;
        for (var now = ""; now != state; now = await StateOfAsync(server))
        {
            Assert.True(Environment.TickCount64 < until, $"{server} is {now}, and not {state}");
            await timer.WaitForNextTickAsync();
        }

        // New chunks are placed by the ring, which follows.
        await Eventually.True(() => Host.Chunks.Lead is { Servers.IsRingNow: true });
    }

    /// <summary>Every copy that the state knows is on the disk of its server, and nothing else is.</summary>
    public void DisksAreSound()
    {
        var rows = Look(tree => tree.Chunks.All(default, 100_000));
        var expected = rows.SelectMany(chunk => chunk.Row.Replicas.ToArray().Select(server =>
            (Server: server.Value, Chunk: chunk.Chunk.Value))).ToHashSet();
        var found = Servers.SelectMany(server => server.Disk.All().Select(copy =>
            (Server: server.Id, copy.Chunk))).ToHashSet();
        Assert.Empty(expected.Except(found));
        Assert.Empty(found.Except(expected));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in Servers)
        {
            await server.DisposeAsync();
        }

        await _channel.DisposeAsync();
        await Host.DisposeAsync();
        _folder.Dispose();
    }

    /// <summary>Repeats while there is no leader, or it does not know the servers yet.</summary>
    public async Task<TReply> CallAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, TRequest request, Func<TReply, int> code)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage<TReply>, new()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        var until = Environment.TickCount64 + (long)Eventually.Limit.TotalMilliseconds;
        string last = "nothing";
        while (Environment.TickCount64 < until)
        {
            try
            {
                var reply = await _channel.CallAsync(method, request, TimeSpan.FromSeconds(10));
                if (code(reply) != ErrorCatalog.NotLeader.Number && code(reply) != ErrorCatalog.ClusterStarting.Number)
                {
                    return reply;
                }

                last = $"{reply}";
            }
            catch (RpcException e) when (e.Code != ErrorCatalog.BadRequest)
            {
                last = e.Message;
            }

            await timer.WaitForNextTickAsync();
        }

        throw new TimeoutException($"{method}: {last}");
    }
}
