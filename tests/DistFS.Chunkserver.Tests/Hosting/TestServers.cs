using System.Collections.Concurrent;
using System.Security.Cryptography;
using DistFS.Chunks;
using DistFS.Chunkserver.Cluster;
using DistFS.Chunkserver.Hosting;
using DistFS.Chunkserver.Tests.Stores;
using DistFS.Metaserver.Tests.Chunks;
using DistFS.Metaserver.Tests.Consensus;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Frames;
using DistFS.Rpc.Services;
using ChunkInfo = DistFS.Chunks.ChunkInfo;

namespace DistFS.Chunkserver.Tests.Hosting;

/// <summary>A metaserver as it ships, and chunk servers as they ship but for their disks, over loopback.</summary>
internal sealed class TestServers : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, FrameChannel> _channels = [];

    private TestServers(ChunkCluster meta) => Meta = meta;

    public ChunkCluster Meta { get; }

    public TestFolders Disks { get; } = new();

    public Dictionary<string, ChunkserverHost> Hosts { get; } = [];

    /// <summary>Servers that are started from here on have stores over RocksDB.</summary>
    public bool IsOnDisk { get; set; }

    /// <summary>A cluster with a server of that name, and in a rack of that name, for each.</summary>
    public static Task<TestServers> StartAsync(params string[] names) => StartAsync(ChunkCluster.Quick, names);

    /// <inheritdoc cref="StartAsync(string[])"/>
    public static async Task<TestServers> StartAsync(
        Metaserver.Chunks.ChunkServerOptions options, params string[] names)
    {
        var servers = new TestServers(await ChunkCluster.StartAsync(options));
        foreach (var name in names)
        {
            // In the order of their ids.
            await servers.AddAsync(name);
        }

        return servers;
    }

    /// <summary>Starts one, again or for the first time, and waits until it serves.</summary>
    public async Task<ChunkserverHost> AddAsync(string name, params string[] folders)
    {
        var host = await StartOneAsync(name, folders);
        await Eventually.True(() => host.IsServing);
        await Meta.BecomesAsync(host.Server.Value, "up");
        return host;
    }

    public async Task<ChunkserverHost> StartOneAsync(string name, params string[] folders)
    {
        var host = await ChunkserverHost.StartAsync(Options(name, folders));
        Hosts[name] = host;
        return host;
    }

    public ChunkserverOptions Options(string name, params string[] folders) => new()
    {
        DataFolders = [.. (folders.Length > 0 ? folders : [name]).Select(Disks.Path)],
        Address = RpcAddress.Parse(TestMember.FreeAddress()),
        Metaservers = [Meta.Address],
        Rack = name,
        Agent = new AgentOptions
        {
            Heartbeat = TimeSpan.FromMilliseconds(50),
            HeartbeatTimeout = TimeSpan.FromMilliseconds(300),
            AskLimit = TimeSpan.FromSeconds(2),
        },
        OpenStore = IsOnDisk ? null : Disks.OpenAsync,
        ReserveBytes = IsOnDisk ? 0 : null,
    };

    public ChunkserverHost Host(uint server) => Hosts.Values.Last(host => host.Server.Value == server);

    public IChunkStore Store(uint server, ulong chunk) => Host(server).Stores.Of(new ChunkId(chunk))!;

    /// <summary>Ends a server as if its process had; its disks stay.</summary>
    public async Task KillAsync(string name)
    {
        await Hosts[name].AbortAsync();
        Hosts.Remove(name);
    }

    public async Task StopAsync(string name)
    {
        await Hosts[name].DisposeAsync();
        Hosts.Remove(name);
    }

    /// <summary>
    /// A chunk with so many blocks on its servers, committed and sealed; there too, or by a writer that does not say
    /// so.
    /// </summary>
    public async Task<ulong> WriteAsync(ulong inode, ulong index, int blocks, bool isSealedThere = true)
    {
        var chunk = Assert.Single(await Meta.AllocateAsync(inode, index));
        foreach (var server in chunk.Servers)
        {
            var store = Host(server).Stores.ForNew(new ChunkId(chunk.Chunk));
            await store.WriteAsync(chunk.Chunk, chunk.Version, chunk.Chunk, blocks);
            if (isSealedThere)
            {
                await store.SealAsync(new ChunkId(chunk.Chunk), new ChunkVersion(chunk.Version), default);
            }
        }

        var written = ChunkCluster.Written(chunk, (uint)blocks * (64 << 10));
        var commit = new CommitWriteRequest { Inode = inode, Chunks = { written } };
        await Meta.DoAsync(new Operation { CommitWrite = commit });
        var seal = new SealChunksRequest { Inode = inode, Chunks = { written } };
        await Meta.DoAsync(new Operation { SealChunks = seal });
        return chunk.Chunk;
    }

    /// <summary>So many servers have it, all the same, of those that run; and no others have anything of it.</summary>
    public Task IsWholeAsync(ulong chunk, int copies = 3) => Eventually.True(() =>
    {
        try
        {
            return IsWhole(chunk, copies);
        }
        catch (DistFsException)
        {
            // It went on, or away, while it was looked at.
            return false;
        }
    });

    private bool IsWhole(ulong chunk, int copies)
    {
        var row = Meta.Chunk(chunk)!.Value;
        var servers = Meta.ServersOf(chunk);
        var running = Hosts.Values.Where(host => servers.Contains(host.Server.Value)).ToList();
        if (servers.Length != copies || running.Count != copies)
        {
            return false;
        }

        // Copied in a version that goes on when the copy counts: a server hears of the last one when it is used.
        var found = running.ConvertAll(host => Find(host, chunk));
        return found.TrueForAll(info => info?.State == ChunkState.Serving)
            && found.TrueForAll(info => info!.Value.Version.Value <= row.Version.Value)
            && running.Zip(found).Select(pair => Hash(pair.First, pair.Second!.Value)).Distinct().Count() == 1
            && Hosts.Values.Except(running).All(host => Find(host, chunk) == null);
    }

    private static ChunkInfo? Find(ChunkserverHost host, ulong chunk) =>
        host.Stores.Of(new ChunkId(chunk))?.Find(chunk);

    private static string Hash(ChunkserverHost host, ChunkInfo info) => Convert.ToHexString(SHA256.HashData(
        host.Stores.Of(info.Chunk)!.Stored(info.Chunk.Value, info.Version.Value)));

    public async Task<TReply> CallAsync<TRequest, TReply>(
        ChunkserverHost host, RpcMethod<TRequest, TReply> method, TRequest request)
        where TRequest : class, Google.Protobuf.IMessage<TRequest>, new()
        where TReply : class, Google.Protobuf.IMessage<TReply>, new() =>
        await _channels.GetOrAdd(host.Address.ToString(), _ => new FrameChannel(host.Address))
            .CallAsync(method, request, TimeSpan.FromSeconds(10));

    /// <summary>Blocks as they are stored; to be disposed of.</summary>
    public async Task<RpcReply<ReadChunkReply>> ReadAsync(ChunkserverHost host, ReadChunkRequest request) =>
        await _channels.GetOrAdd(host.Address.ToString(), _ => new FrameChannel(host.Address))
            .CallAsync(ChunkDataMethods.Read, request, new CallOptions(TimeSpan.FromSeconds(10)));

    public async ValueTask DisposeAsync()
    {
        foreach (var channel in _channels.Values)
        {
            await channel.DisposeAsync();
        }

        foreach (var host in Hosts.Values)
        {
            await host.AbortAsync();
        }

        await Meta.DisposeAsync();
        Disks.Dispose();
    }
}
