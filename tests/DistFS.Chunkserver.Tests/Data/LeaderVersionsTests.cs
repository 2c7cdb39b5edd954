using DistFS.Blocks;
using DistFS.Chunks;
using DistFS.Chunkserver.Data;
using DistFS.Chunkserver.Stores;
using DistFS.Metaserver.Tests.Consensus;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Frames;
using DistFS.Rpc.Services;
using ChunkInfo = DistFS.Chunks.ChunkInfo;

namespace DistFS.Chunkserver.Tests.Data;

/// <summary>
/// Servers of a chain come to rest in a version in which nobody writes (docs/design/chain.md, "After a crash"): from
/// its end on, so that whoever is its tail at any time is what the others rest with.
/// </summary>
public sealed class LeaderVersionsTests : IAsyncLifetime, IDisposable
{
    private const ulong Chunk = 5;
    private const int Blocks = 4;
    private readonly List<Member> _members = [.. Enumerable.Range(1, 3).Select(static id => new Member((uint)id))];
    private readonly FrameChannels _links = new();

    public async Task InitializeAsync()
    {
        // Of an earlier run, not sealed: each has one write more than who is behind it.
        foreach (var member in _members)
        {
            await member.Disk.WriteAsync(Chunk, 1, 1, Blocks);
            for (var more = 0u; more < 3 - member.Self.Value; more++)
            {
                await member.Disk.AppendAsync(Chunk, 1, 7, 1, first: more);
            }
        }
    }

    public async Task DisposeAsync()
    {
        foreach (var member in _members)
        {
            await member.DisposeAsync();
        }

        await _links.DisposeAsync();
    }

    public void Dispose()
    {
        // All of it is asynchronous, and gone already.
    }

    [Fact]
    public async Task A_member_is_at_rest_only_when_everybody_behind_it_is()
    {
        // The tail is; the middle does not know anything yet.
        await IsSealedAsync(2);
        Assert.Equal([new ChunkId(Chunk)], await FenceAsync(0, Fence(2, 1, 2, 3)));
        await Eventually.True(() => _members[0].Open.Find(new ChunkId(Chunk))!.Replica.Carried.Count == 0);
        Assert.Equal([new ChunkId(Chunk)], await FenceAsync(0, Fence(2, 1, 2, 3)));
        Assert.False(_members[0].Info.IsSealed);

        await IsSealedAsync(1);
        await IsSealedAsync(0);
        Assert.Empty(await FenceAsync(0, Fence(2, 1, 2, 3)));
        Assert.All(_members, member => Assert.Equal(_members[2].Disk.Stored(Chunk, 2), member.Disk.Stored(Chunk, 2)));
    }

    /// <summary>The head has settled by a tail that is taken out; who is the tail then is what both rest with.
    /// </summary>
    [Fact]
    public async Task Who_becomes_the_tail_is_what_all_that_are_left_rest_with()
    {
        await IsSealedAsync(2);
        await FenceAsync(0, Fence(2, 1, 2, 3));
        await Eventually.True(() => _members[0].Open.Find(new ChunkId(Chunk))!.Replica.Carried.Count == 0);
        foreach (var member in new[] { 0, 1 })
        {
            await FenceAsync(member, Fence(3, 1, 2));
        }

        await Eventually.True(() => _members[0].Info.IsSealed && _members[1].Info.IsSealed);
        Assert.Equal(_members[1].Disk.Stored(Chunk, 3), _members[0].Disk.Stored(Chunk, 3));
    }

    /// <summary>It has writes that the others do not have: a copy of it would be other than they are.</summary>
    [Fact]
    public async Task What_has_not_come_to_rest_is_no_source_of_a_copy()
    {
        await Assert.ThrowsAsync<RpcException>(() => ReadAsync(0, 1));
        await FenceAsync(0, Fence(2, 1, 2, 3));
        var error = await Assert.ThrowsAsync<RpcException>(() => ReadAsync(0, 2));
        Assert.Equal(ErrorCatalog.ChunkDirty, error.Code);
        await IsSealedAsync(2);
        Assert.Equal(Blocks * (uint)ChunkLayout.BlockBytes, await ReadAsync(2, 2));
    }

    /// <summary>It is made as another's: until then nothing that it has is of this version.</summary>
    [Fact]
    public async Task Who_is_not_in_the_chain_stays_sealed_in_no_later_version()
    {
        await _members[0].Disk.SealAsync(new ChunkId(Chunk), new ChunkVersion(1), default);
        Assert.Empty(await FenceAsync(0, Fence(2, 2, 3)));
        Assert.Equal((2u, false), (_members[0].Info.Version.Value, _members[0].Info.IsSealed));
    }

    [Fact]
    public async Task A_seal_that_follows_no_write_goes_through_the_chain_from_its_end()
    {
        // In a version that a writer has: nothing was written, and the middle has not settled.
        var open = Fence(2, 1, 2, 3);
        open.Sealed = false;
        await FenceAsync(2, open);
        await FenceAsync(0, open);
        await Eventually.True(() => _members[0].Open.Find(new ChunkId(Chunk))!.Replica.Carried.Count == 0);
        await _members[1].Open.FenceAsync([new VersionFence(new ChunkId(Chunk), new ChunkVersion(2), open.Length)]);
        var request = new SyncChunkRequest
        {
            Name = new ChunkName { Chunk = Chunk, Version = 2, StoredLength = open.Length },
            Server = 1,
            Seal = true,
            Chain = { _members[1].Hop, _members[2].Hop },
        };
        var reply = await _links.To(_members[0].Hop.Address)
            .CallAsync(ChunkDataMethods.Sync, request, TimeSpan.FromSeconds(5));
        Assert.Equal((ErrorCatalog.ChunkVersionOver.Number, 2u), (reply.Code, reply.Server));
        Assert.False(_members[0].Info.IsSealed);
    }

    /// <summary>
    /// A server that lost its disk came back under another name, at its old address: nothing is wrong with it, and it
    /// may be another server of the same chunk.
    /// </summary>
    [Fact]
    public async Task Who_is_asked_in_place_of_another_names_that_one()
    {
        var request = new SyncChunkRequest { Name = new ChunkName { Chunk = Chunk, Version = 1 }, Server = 9 };
        var reply = await _links.To(_members[0].Hop.Address)
            .CallAsync(ChunkDataMethods.Sync, request, TimeSpan.FromSeconds(5));
        Assert.Equal((ErrorCatalog.ChunkServerWrong.Number, 9u), (reply.Code, reply.Server));
        var write = new WriteChunkRequest { Name = request.Name, Server = 9, Writer = 1, Sequence = 1 };
        using var written = await _links.To(_members[0].Hop.Address)
            .CallAsync(ChunkDataMethods.Write, write, new CallOptions(TimeSpan.FromSeconds(5)));
        Assert.Equal((ErrorCatalog.ChunkServerWrong.Number, 9u), (written.Message.Code, written.Message.Server));
    }

    private static ChunkFence Fence(uint version, params uint[] servers) => new()
    {
        Chunk = Chunk,
        Version = version,
        Length = Blocks * ChunkLayout.BlockBytes,
        Sealed = true,
        Servers = { servers },
    };

    private Task<IReadOnlyList<ChunkId>> FenceAsync(int member, ChunkFence fence) =>
        _members[member].Versions.FenceAsync([fence], [.. _members.Select(static one => one.Hop)]);

    private async Task IsSealedAsync(int member)
    {
        await FenceAsync(member, Fence(2, 1, 2, 3));
        await Eventually.True(() => _members[member].Info.IsSealed);
    }

    private async Task<uint> ReadAsync(int member, uint version)
    {
        var request = new ReadChunkRequest
        {
            Name = new ChunkName
            {
                Chunk = Chunk,
                Version = version,
                StoredLength = Blocks * ChunkLayout.BlockBytes,
                Sealed = version > 1,
            },
            Server = _members[member].Self.Value,
            Blocks = Blocks,
            ForCopy = true,
        };
        using var reply = await _links.To(_members[member].Hop.Address)
            .CallAsync(ChunkDataMethods.Read, request, new CallOptions(TimeSpan.FromSeconds(5)));
        return reply.Message.Length;
    }

    private sealed class Member : IServing, IAsyncDisposable
    {
        private readonly FrameChannels _links = new();
        private readonly DataMetrics _metrics;
        private readonly FrameServer _server;

        public Member(uint id)
        {
            Self = new ServerId(id);
            Disk = new MemoryChunkStore(new StoreId(id));
            var stores = new StoreSet([Disk]);
            Open = new OpenChunks(stores, this);
            _metrics = new DataMetrics(Open);
            var data = new ChunkDataService(stores, this, Open, _links, _metrics);
            Versions = new LeaderVersions(stores, this, Open, data, static (_, _, _) => { });
            var address = RpcAddress.Parse(TestMember.FreeAddress());
            Hop = new ChainHop { Server = id, Address = address.ToString() };
            var dispatcher = new RpcDispatcher();
            data.AddTo(dispatcher);
            _server = FrameServer.Start(dispatcher, new FrameServerOptions { Listen = [address] });
        }

        public ServerId Self { get; }

        public bool IsServing => true;

        public MemoryChunkStore Disk { get; }

        public OpenChunks Open { get; }

        public LeaderVersions Versions { get; }

        public ChainHop Hop { get; }

        public ChunkInfo Info => Disk.Find(Chunk)!.Value;

        public async ValueTask DisposeAsync()
        {
            await _server.DisposeAsync();
            await _links.DisposeAsync();
            _metrics.Dispose();
        }
    }
}
