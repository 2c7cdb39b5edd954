using DistFS.Blocks;
using DistFS.Chunks;
using DistFS.Chunkserver.Copies;
using DistFS.Chunkserver.Data;
using DistFS.Chunkserver.Stores;
using DistFS.Metaserver.Tests.Consensus;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Frames;
using DistFS.Rpc.Services;
using Microsoft.Extensions.Logging.Abstractions;

namespace DistFS.Chunkserver.Tests.Copies;

/// <summary>A chunk comes from another server: all of it, or nothing, and no more than is needed.</summary>
public sealed partial class ChunkCopyTests : IAsyncLifetime, IDisposable
{
    private const ulong Chunk = 5;
    private readonly MemoryChunkStore _there = new(new StoreId(1));
    private readonly MemoryChunkStore _here = new(new StoreId(2));
    private readonly StoreSet _stores;
    private readonly OpenChunks _open;
    private Source _source = null!;

    public ChunkCopyTests()
    {
        _stores = new StoreSet([_here]);
        _open = new OpenChunks(_stores, new Always());
    }

    public Task InitializeAsync()
    {
        _source = new Source(_there);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync() => await _source.DisposeAsync();

    public void Dispose()
    {
        // The stores are in memory, and the source is gone already.
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(100)]
    public async Task All_of_it_is_here_served_and_durable(int blocks)
    {
        await _there.WriteAsync(Chunk, 3, 1, blocks);
        await CopyAsync(10, 3, (uint)blocks * ChunkLayout.BlockBytes);
        _here.Crash();
        var info = _here.Find(Chunk)!.Value;
        Assert.Equal((ChunkState.Serving, 3u, 10ul), (info.State, info.Version.Value, info.Copy.Value));
        Assert.Equal(_there.Find(Chunk)!.Value.Length, info.Length);
        Assert.Equal(_there.Stored(Chunk, 3), _here.Stored(Chunk, 3));

        // Nobody writes what is copied: any reader is served.
        Assert.True(info.IsSealed);
    }

    [Fact]
    public async Task Over_an_older_copy_only_the_difference_comes()
    {
        await _here.WriteAsync(Chunk, 1, 1, 64);
        await _there.WriteAsync(Chunk, 1, 1, 64);
        await FenceAsync(_there, 3, 64);
        await _there.AppendAsync(Chunk, 3, 99, 2, first: 40);

        // Damaged on the disk here: its digest alone would say that it is right.
        Assert.True(_here.Damage(new ChunkId(Chunk), new BlockIndex(50), 1_000));
        var copy = await CopyAsync(10, 3, 64 * ChunkLayout.BlockBytes);
        Assert.Equal(_there.Stored(Chunk, 3), _here.Stored(Chunk, 3));
        Assert.Equal(61, copy.KeptBlocks);

        // The first request is made in any case.
        Assert.InRange(copy.FetchedBytes, 19 * ChunkLayout.BlockBytes, 20 * ChunkLayout.BlockBytes);
    }

    [Fact]
    public async Task What_the_source_has_no_more_is_not_kept_of_an_older_copy()
    {
        await _here.WriteAsync(Chunk, 1, 1, 40);
        await _there.WriteAsync(Chunk, 3, 1, 20);
        await CopyAsync(10, 3, 20 * ChunkLayout.BlockBytes);
        Assert.Equal(20u * ChunkLayout.BlockBytes, _here.Find(Chunk)!.Value.Length);
        Assert.Equal(_there.Stored(Chunk, 3), _here.Stored(Chunk, 3));
    }

    [Fact]
    public async Task A_lost_copy_and_one_that_was_given_up_are_made_anew()
    {
        await _here.WriteAsync(Chunk, 3, 7, 20);
        await _here.MarkLostAsync(new ChunkId(Chunk), new ChunkVersion(3), FsStatus.Corrupt, default);
        await _there.WriteAsync(Chunk, 3, 1, 20);
        await CopyAsync(10, 3, 20 * ChunkLayout.BlockBytes);
        Assert.Equal(_there.Stored(Chunk, 3), _here.Stored(Chunk, 3));
    }

    [Fact]
    public async Task One_that_was_made_before_a_restart_is_done_already()
    {
        await _there.WriteAsync(Chunk, 3, 1, 20);
        await CopyAsync(10, 3, 20 * ChunkLayout.BlockBytes);
        var before = _source.Reads;
        await CopyAsync(10, 3, 20 * ChunkLayout.BlockBytes);
        Assert.Equal(before, _source.Reads);

        // Another order is not about what is here.
        await FailsAsync(ErrorCatalog.ChunkExists, 11, 3, 20 * ChunkLayout.BlockBytes);
        Assert.Equal(ChunkState.Serving, _here.Find(Chunk)!.Value.State);
    }

    [Fact]
    public async Task Nothing_is_left_of_what_came_damaged()
    {
        await _there.WriteAsync(Chunk, 3, 1, 40);
        _source.Change = (request, pieces) => pieces[^1] ^= (byte)(request.FirstBlock == 32 ? 1 : 0);
        await FailsAsync(ErrorCatalog.BlockCorrupt, 10, 3, 40 * ChunkLayout.BlockBytes);
        Assert.Null(_here.Find(Chunk));
    }

    /// <summary>
    /// A source sends what it has unseen. Told that it was wrong, it looks: it may have come damaged on its way only.
    /// </summary>
    [Fact]
    public async Task What_came_damaged_is_asked_for_once_more_and_looked_at_there()
    {
        await _there.WriteAsync(Chunk, 3, 1, 40);
        var again = 0;
        _source.Change = (request, pieces) =>
        {
            pieces[^1] ^= (byte)(request is { FirstBlock: 32, Verify: false } ? 1 : 0);
            again += request.Verify ? 1 : 0;
        };
        await CopyAsync(10, 3, 40 * ChunkLayout.BlockBytes);
        Assert.Equal(_there.Stored(Chunk, 3), _here.Stored(Chunk, 3));
        Assert.Equal(1, again);
    }

    [Fact]
    public async Task Blocks_that_were_not_asked_for_are_not_taken()
    {
        await _there.WriteAsync(Chunk, 3, 1, 40);
        _source.Shift = 1;
        await FailsAsync(ErrorCatalog.BlockCorrupt, 10, 3, 40 * ChunkLayout.BlockBytes);
        Assert.Null(_here.Find(Chunk));
    }

    [Fact]
    public async Task A_source_that_has_less_than_was_committed_is_no_source()
    {
        await _there.WriteAsync(Chunk, 3, 1, 10);
        await FailsAsync(ErrorCatalog.ChunkLost, 10, 3, 11 * ChunkLayout.BlockBytes);
        Assert.Null(_here.Find(Chunk));
    }

    /// <summary>It may be all that there is.</summary>
    [Fact]
    public async Task An_older_copy_is_not_given_up_before_the_source_has_answered()
    {
        await _here.WriteAsync(Chunk, 1, 1, 4);
        await _source.DisposeAsync();
        await Assert.ThrowsAsync<RpcException>(() => CopyAsync(10, 3, 4 * ChunkLayout.BlockBytes));
        Assert.Equal(ChunkState.Serving, _here.Find(Chunk)!.Value.State);
    }

    [Fact]
    public async Task A_full_store_takes_nothing_and_says_so()
    {
        _here.Space = new StoreSpace(100, 0, 10);
        await _there.WriteAsync(Chunk, 3, 1, 4);
        await FailsAsync(ErrorCatalog.ChunkStoreFull, 10, 3, 4 * ChunkLayout.BlockBytes);
        Assert.Null(_here.Find(Chunk));
    }

    [Fact]
    public async Task One_that_is_given_up_leaves_nothing_and_is_told_once()
    {
        await _there.WriteAsync(Chunk, 3, 1, 200);
        var ended = new TaskCompletionSource<CopyResult>();
        await using var runner = Runner(ended.SetResult);
        _source.Hold(from: 64);
        runner.Begin(Order(10, 3, 200 * ChunkLayout.BlockBytes));
        runner.Begin(Order(10, 3, 200 * ChunkLayout.BlockBytes));
        await Eventually.True(() => _source.Held > 0);
        Assert.Equal(ChunkState.Copying, _here.Find(Chunk)!.Value.State);
        runner.Cancel(new CopyId(10));
        runner.Cancel(new CopyId(10));
        Assert.Equal((int)FsStatus.Cancelled, (await ended.Task.Soon()).Status);
        Assert.Null(_here.Find(Chunk));
        Assert.Equal(0, runner.Running);
        _source.Release();
    }

    /// <summary>It was ordered before the server started again, and is given up since.</summary>
    [Fact]
    public async Task What_is_left_of_a_copy_that_nobody_wants_any_more_goes()
    {
        for (var chunk = 1ul; chunk <= 3; chunk++)
        {
            await _here.BeginCopyAsync(new ChunkId(chunk), new ChunkVersion(1), new CopyId(chunk), false, default);
        }

        await _here.WriteAsync(4, 1, 1, 1);
        var runner = Runner(_ => { });
        runner.SweepOnce(_stores, new HashSet<ulong> { 2 });
        await Eventually.True(() => _here.Find(3) == null);
        await runner.DisposeAsync();
        Assert.Null(_here.Find(1));
        Assert.Equal(ChunkState.Copying, _here.Find(2)!.Value.State);
        Assert.Equal(ChunkState.Serving, _here.Find(4)!.Value.State);
    }

    /// <summary>Deleting it in the version of the order would leave it for good.</summary>
    [Fact]
    public async Task A_copy_that_came_to_a_later_version_meanwhile_fails_and_leaves_nothing()
    {
        await _there.WriteAsync(Chunk, 3, 1, 40);
        _source.Change = (request, _) =>
        {
            if (request.FirstBlock == 32)
            {
                var fence = new[] { new VersionFence(new ChunkId(Chunk), new ChunkVersion(4), 0) };
                Assert.True(_here.BeginVersionsAsync(fence, new FenceOutcome[1], default).AsTask().IsCompleted);
            }
        };
        await Assert.ThrowsAnyAsync<DistFsException>(() => CopyAsync(10, 3, 40 * ChunkLayout.BlockBytes));
        Assert.Null(_here.Find(Chunk));
    }

    [Fact]
    public async Task Requests_are_under_way_beside_each_other_and_copies_too_but_not_of_one_chunk()
    {
        for (var chunk = 1ul; chunk <= 8; chunk++)
        {
            await _there.WriteAsync(chunk, 1, chunk, 64);
        }

        var results = new System.Collections.Concurrent.ConcurrentQueue<CopyResult>();
        await using var runner = Runner(results.Enqueue);
        _source.Hold(from: 16);
        for (var chunk = 1ul; chunk <= 8; chunk++)
        {
            runner.Begin(Order(100 + chunk, 1, 64 * ChunkLayout.BlockBytes, chunk));
        }

        // A later order about a chunk that is being copied waits for the end of the first.
        runner.Begin(Order(200, 1, 64 * ChunkLayout.BlockBytes, 1));
        await Eventually.True(() => _source.Held == 3 * CopyRunner.RunningMax);
        Assert.Empty(results);
        _source.Release();
        await Eventually.True(() => results.Count == 9);
        Assert.Equal(8, results.Count(result => result.Status == 0));
        Assert.Equal(200ul, results.Single(result => result.Status != 0).Copy);
        for (var chunk = 1ul; chunk <= 8; chunk++)
        {
            Assert.Equal(_there.Stored(chunk, 1), _here.Stored(chunk, 1));
        }
    }

    private CopyOrder Order(ulong copy, uint version, uint length, ulong chunk = Chunk) => new()
    {
        Copy = copy,
        Chunk = chunk,
        Version = version,
        Length = length,
        Source = 1,
        SourceAddress = _source.Address.ToString(),
    };

    private async Task<ChunkCopy> CopyAsync(ulong copy, uint version, uint length, bool isOver = false)
    {
        var order = Order(copy, version, length);
        order.Over = isOver;
        await using var caller = new FrameChannel(_source.Address);
        var made = new ChunkCopy(
            order, new CopySource(caller, order), _stores, _open, new CopyRate(TimeProvider.System));
        await made.RunAsync(default);
        return made;
    }

    private async Task FailsAsync(ErrorCode code, ulong copy, uint version, uint length) => Assert.Equal(
        code, (await Assert.ThrowsAnyAsync<DistFsException>(() => CopyAsync(copy, version, length))).Code);

    private CopyRunner Runner(Action<CopyResult> onEnded) =>
        new(_stores, _open, TimeProvider.System, NullLogger.Instance, onEnded);

    private static async Task FenceAsync(MemoryChunkStore store, uint version, uint blocks) =>
        await store.BeginVersionsAsync(
            new[]
            {
                new VersionFence(new ChunkId(Chunk), new ChunkVersion(version), blocks * ChunkLayout.BlockBytes),
            },
            new FenceOutcome[1],
            default);

    private sealed class Always : IServing
    {
        public ServerId Self => new(2);

        public bool IsServing => true;
    }

    /// <summary>A server that has the chunk, and lies about it if it is told to.</summary>
    private sealed class Source : IAsyncDisposable
    {
        private readonly IChunkStore _store;
        private readonly FrameServer _server;
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private uint _heldFrom = uint.MaxValue;
        private int _held;
        private int _reads;

        public Source(IChunkStore store)
        {
            _store = store;
            Address = RpcAddress.Parse(TestMember.FreeAddress());
            var dispatcher = new RpcDispatcher();
            dispatcher.Handle(ChunkDataMethods.Read, ReadAsync).Handle(ChunkDataMethods.Digest, Digest);
            _server = FrameServer.Start(dispatcher, new FrameServerOptions { Listen = [Address] });
        }

        public RpcAddress Address { get; }

        public Action<ReadChunkRequest, byte[]> Change { get; set; } = static (_, _) => { };

        public uint Shift { get; set; }

        public int Held => Volatile.Read(ref _held);

        public int Reads => Volatile.Read(ref _reads);

        public void Hold(uint from) => _heldFrom = from;

        public void Release() => _released.TrySetResult();

        public async ValueTask DisposeAsync()
        {
            Release();
            await _server.DisposeAsync();
        }

        private async ValueTask<ReadChunkReply> ReadAsync(ReadChunkRequest request, ServerCall call)
        {
            Interlocked.Increment(ref _reads);
            if (request.FirstBlock >= _heldFrom)
            {
                Interlocked.Increment(ref _held);
                await _released.Task.WaitAsync(call.CancellationToken);
            }

            Assert.True(request.ForCopy);
            using var found = _store.Read(
                new ChunkId(request.Name.Chunk),
                new ChunkVersion(request.Name.Version),
                new BlockIndex(request.FirstBlock + Shift),
                (int)request.Blocks);
            var bytes = new List<byte>();
            foreach (var piece in found.Pieces)
            {
                bytes.AddRange(piece.Bytes.Span);
            }

            byte[] pieces = [.. bytes];
            Change(request, pieces);
            call.SetReplyPayload(pieces);
            return new ReadChunkReply { Length = found.Length };
        }

        private ValueTask<DigestChunkReply> Digest(DigestChunkRequest request, ServerCall call)
        {
            var digests = new List<BlockDigest>();
            _store.Digest(new ChunkId(request.Name.Chunk), new ChunkVersion(request.Name.Version), digests);
            var reply = new DigestChunkReply();
            reply.Blocks.Add(digests.Select(digest => digest.Block.Value));
            reply.Pieces.Add(digests.Select(digest => (uint)digest.Pieces));
            reply.Checksums.Add(digests.Select(digest => digest.Checksum));
            return new(reply);
        }
    }
}
