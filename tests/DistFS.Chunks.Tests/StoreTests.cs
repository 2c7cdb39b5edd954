using static DistFS.Chunks.Tests.StoreCalls;

namespace DistFS.Chunks.Tests;

/// <summary>What every store does (docs/design/chunk-store.md).</summary>
public abstract class StoreTests : IAsyncLifetime
{
    private static readonly ChunkId Chunk = new(0x77);
    private IStoreFixture _fixture = null!;

    private IChunkStore Store => _fixture.Store;

    public async Task InitializeAsync() => _fixture = await CreateAsync();

    public async Task DisposeAsync() => await _fixture.DisposeAsync();

    protected abstract Task<IStoreFixture> CreateAsync();

    [Fact]
    public async Task What_is_written_front_to_back_is_read()
    {
        await Store.CreateAsync(Chunk, V1, default);
        var expected = new List<byte>();
        for (var block = 0u; block < 40; block++)
        {
            var content = Content.Random(block, ChunkLayout.BlockBytes);
            await Store.WriteAsync(Chunk, false, Content.Block(block, content));
            expected.AddRange(content);
            if (block is 3 or 30)
            {
                Assert.True(expected.ToArray().AsSpan().SequenceEqual(Store.Content(Chunk)));
            }
        }

        Assert.True(expected.ToArray().AsSpan().SequenceEqual(Store.Content(Chunk)));
        await Store.SyncAsync(Chunk, V1, default);
        await _fixture.CrashAsync();
        Assert.True(expected.ToArray().AsSpan().SequenceEqual(Store.Content(Chunk)));
        Assert.Equal((uint)expected.Count, Store.Info(Chunk).Length);
    }

    [Fact]
    public async Task Blocks_patches_and_holes_are_put_together()
    {
        await Store.CreateAsync(Chunk, V1, default);
        var base0 = Content.Text(1, ChunkLayout.BlockBytes);
        await Store.WriteAsync(Chunk, true, Content.Block(0, base0), Content.Patch(2, 100, "tail"u8));
        await Store.WriteAsync(Chunk, true, Content.Patch(0, 7, "abc"u8));
        await Store.WriteAsync(Chunk, false, Content.Patch(0, 8, "X"u8), Content.Zeros(0, 50_000, 10));
        var expected = new byte[(2 * ChunkLayout.BlockBytes) + 104];
        base0.CopyTo(expected, 0);
        "aXc"u8.CopyTo(expected.AsSpan(7));
        expected.AsSpan(50_000, 10).Clear();
        "tail"u8.CopyTo(expected.AsSpan((2 * ChunkLayout.BlockBytes) + 100));
        Assert.Equal(expected, Store.Content(Chunk));
        await Store.WriteAsync(Chunk, true, Content.Block(0, base0));
        base0.CopyTo(expected, 0);
        Assert.Equal(expected, Store.Content(Chunk));
        await _fixture.CrashAsync();
        Assert.Equal(expected, Store.Content(Chunk));
    }

    [Fact]
    public async Task Many_patches_of_a_block_become_one_piece()
    {
        await Store.CreateAsync(Chunk, V1, default);
        var expected = Content.Text(2, ChunkLayout.BlockBytes);
        await Store.WriteAsync(Chunk, true, Content.Block(0, expected));
        for (var i = 0; i < 100; i++)
        {
            var patch = Content.Random((ulong)i, 100);
            patch.CopyTo(expected, i * 600);
            await Store.WriteAsync(Chunk, i % 2 == 0, Content.Patch(0, i * 600, patch));
            using var blocks = Store.Read(Chunk, V1, new BlockIndex(0), 1);
            Assert.InRange(blocks.Pieces.Length, 1, StoreLimits.PatchesMax + 1);
            Assert.Equal(PieceFault.None, blocks.Verify(out _));
        }

        Assert.Equal(expected, Store.Content(Chunk));
        await _fixture.RestartAsync();
        Assert.Equal(expected, Store.Content(Chunk));
    }

    [Fact]
    public async Task What_is_cut_never_comes_back()
    {
        await Store.CreateAsync(Chunk, V1, default);
        var content = Content.Random(3, ChunkLayout.BlockBytes);
        for (var block = 0u; block < 20; block++)
        {
            await Store.WriteAsync(Chunk, false, Content.Block(block, content));
        }

        await Store.SyncAsync(Chunk, V1, default);
        await Store.TruncateAsync(Chunk, V1, ChunkLayout.BlockBytes + 10, true, default);
        Assert.Equal(ChunkLayout.BlockBytes + 10u, Store.Info(Chunk).Length);
        await Store.WriteAsync(Chunk, true, Content.Patch(18, 0, "end"u8));
        var expected = new byte[(18 * ChunkLayout.BlockBytes) + 3];
        content.CopyTo(expected, 0);
        content.AsSpan(0, 10).CopyTo(expected.AsSpan(ChunkLayout.BlockBytes));
        "end"u8.CopyTo(expected.AsSpan(18 * ChunkLayout.BlockBytes));
        Assert.True(expected.AsSpan().SequenceEqual(Store.Content(Chunk)));
        await _fixture.CrashAsync();
        Assert.True(expected.AsSpan().SequenceEqual(Store.Content(Chunk)));

        await Store.PunchAsync(Chunk, V1, 5, ChunkLayout.BlockBytes, true, default);
        expected.AsSpan(5, ChunkLayout.BlockBytes).Clear();
        Assert.True(expected.AsSpan().SequenceEqual(Store.Content(Chunk)));
        await Store.TruncateAsync(Chunk, V1, 0, true, default);
        await Store.TruncateAsync(Chunk, V1, 100_000, true, default);
        Assert.True(new byte[100_000].AsSpan().SequenceEqual(Store.Content(Chunk)));
        await _fixture.CrashAsync();
        Assert.True(new byte[100_000].AsSpan().SequenceEqual(Store.Content(Chunk)));
    }

    [Fact]
    public async Task Versions_that_are_over_or_not_begun_are_refused()
    {
        await Store.CreateAsync(Chunk, V1, default);
        await Store.WriteAsync(Chunk, true, Content.Block(0, "abcdef"u8));
        Refused(ErrorCatalog.ChunkVersionUnknown, () => Store.Read(Chunk, V2, default, 1));
        Assert.Equal(FenceOutcome.Begun, await Store.BeginAsync(Chunk, V2, 3));
        await _fixture.CrashAsync();
        Assert.Equal("abc"u8.ToArray(), Store.Content(Chunk, V2));
        Refused(ErrorCatalog.ChunkVersionStale, () => Store.Read(Chunk, V1, default, 1));
        var piece = Join(Content.Block(0, "new"u8));
        await RefusedAsync(ErrorCatalog.ChunkVersionStale, () => Store.WriteAsync(Chunk, V1, piece, true, default));
        await RefusedAsync(ErrorCatalog.ChunkVersionStale, () => Store.SyncAsync(Chunk, V1, default));
        await RefusedAsync(ErrorCatalog.ChunkVersionStale, () => Store.CreateAsync(Chunk, V1, default));
        await RefusedAsync(
            ErrorCatalog.ChunkVersionUnknown,
            () => Store.TruncateAsync(Chunk, new ChunkVersion(3), 0, true, default));
        await RefusedAsync(ErrorCatalog.ChunkExists, () => Store.CreateAsync(Chunk, new ChunkVersion(3), default));
        Assert.Equal("abc"u8.ToArray(), Store.Content(Chunk, V2));
        Assert.Equal(FenceOutcome.Later, await Store.BeginAsync(Chunk, V1, 0));
        await Store.WriteAsync(Chunk, V2, Join(Content.Patch(0, 3, "ghi"u8)), true, default);
        Assert.Equal(FenceOutcome.Begun, await Store.BeginAsync(Chunk, V2, 3));
        Assert.Equal("abcghi"u8.ToArray(), Store.Content(Chunk, V2));
    }

    [Fact]
    public async Task A_fence_of_what_is_not_here_keeps_stale_writers_out()
    {
        Assert.Equal(FenceOutcome.Begun, await Store.BeginAsync(Chunk, V2, 0));
        Assert.Equal(FenceOutcome.Lost, await Store.BeginAsync(new ChunkId(5), V2, 1));
        await _fixture.CrashAsync();
        await RefusedAsync(ErrorCatalog.ChunkVersionStale, () => Store.CreateAsync(Chunk, V1, default));
        Assert.Empty(Store.Content(Chunk, V2));
        await RefusedAsync(ErrorCatalog.ChunkLost, () => Store.CreateAsync(new ChunkId(5), V2, default));
        Assert.Equal(
            new ChunkInfo(new ChunkId(5), V2, 0, default, ChunkState.Lost, FsStatus.NotFound, false),
            Store.Info(new ChunkId(5)));
    }

    [Fact]
    public async Task A_fence_that_finds_too_little_loses_the_copy()
    {
        await Store.CreateAsync(Chunk, V1, default);
        await Store.WriteAsync(Chunk, true, Content.Block(0, "abc"u8));
        Assert.Equal(FenceOutcome.Lost, await Store.BeginAsync(Chunk, V2, 4));
        Refused(ErrorCatalog.ChunkLost, () => Store.Read(Chunk, V2, default, 1));
    }

    [Fact]
    public async Task A_version_of_the_cluster_cuts_nothing_and_still_needs_what_is_committed()
    {
        await Store.CreateAsync(Chunk, V1, default);
        await Store.WriteAsync(Chunk, true, Content.Block(0, "abcdef"u8));
        var outcome = new FenceOutcome[1];
        await Store.BeginVersionsAsync(new[] { new VersionFence(Chunk, V2, 3, KeepsBeyond: true) }, outcome, default);
        Assert.Equal(FenceOutcome.Begun, outcome[0]);
        await _fixture.CrashAsync();
        Assert.Equal("abcdef"u8.ToArray(), Store.Content(Chunk, V2));
        Assert.Equal(FenceOutcome.Begun, await Store.BeginAsync(Chunk, new ChunkVersion(3), 5));
        Assert.Equal("abcde"u8.ToArray(), Store.Content(Chunk, new ChunkVersion(3)));
        var beyond = new VersionFence(Chunk, new ChunkVersion(4), 6, KeepsBeyond: true);
        await Store.BeginVersionsAsync(new[] { beyond }, outcome, default);
        Assert.Equal(FenceOutcome.Lost, outcome[0]);
    }

    [Fact]
    public async Task A_sealed_chunk_is_written_in_its_next_version_only()
    {
        await Store.CreateAsync(Chunk, V1, default);
        await Store.WriteAsync(Chunk, false, Content.Block(0, "abc"u8));
        await Store.SealAsync(Chunk, V1, default);
        await RefusedAsync(ErrorCatalog.ChunkSealed, () => Store.WriteAsync(Chunk, true, Content.Zeros(0, 0, 9)));
        await _fixture.CrashAsync();
        await RefusedAsync(ErrorCatalog.ChunkSealed, () => Store.TruncateAsync(Chunk, V1, 0, true, default));
        await Store.SyncAsync(Chunk, V1, default);
        Assert.Equal("abc"u8.ToArray(), Store.Content(Chunk));
        await Store.BeginAsync(Chunk, V2, 3);
        await Store.WriteAsync(Chunk, V2, Join(Content.Patch(0, 0, "X"u8)), true, default);
        Assert.Equal("Xbc"u8.ToArray(), Store.Content(Chunk, V2));
    }

    [Theory]
    [InlineData(true, true, true)]
    [InlineData(true, false, false)]
    [InlineData(false, true, false)]
    public async Task What_is_sealed_stays_so_in_a_version_in_which_nobody_writes(
        bool isSealed, bool isSealedVersion, bool staysSo)
    {
        await Store.CreateAsync(Chunk, V1, default);
        await Store.WriteAsync(Chunk, true, Content.Block(0, "abc"u8));
        if (isSealed)
        {
            await Store.SealAsync(Chunk, V1, default);
        }

        var fence = new VersionFence(Chunk, V2, 3, IsSealed: isSealedVersion);
        await Store.BeginVersionsAsync(new[] { fence }, new FenceOutcome[1], default);
        await _fixture.CrashAsync();
        Assert.Equal((V2, staysSo), (Store.Info(Chunk).Version, Store.Info(Chunk).IsSealed));
        Assert.Equal("abc"u8.ToArray(), Store.Content(Chunk, V2));
    }

    [Theory]
    [InlineData(1, 0, true)]
    [InlineData(2, 0, true)]
    [InlineData(1, 5, true)]
    [InlineData(1, 6, true)]
    [InlineData(1, 4, false)]
    [InlineData(0, 9, false)]
    public async Task Orders_delete_what_they_are_about(uint version, ulong copy, bool isDeleted)
    {
        await Store.BeginCopyAsync(Chunk, V1, new CopyId(5), false, default);
        await Store.WriteAsync(Chunk, false, Content.Block(0, "abc"u8));
        await Store.CompleteAsync(Chunk, V1, new CopyId(5), 3, default);
        await Store.DeleteAsync(Chunk, version, copy);
        await _fixture.CrashAsync();
        Assert.Equal(!isDeleted, Store.TryGet(Chunk, out _));
        if (isDeleted)
        {
            Refused(ErrorCatalog.ChunkUnknown, () => Store.Read(Chunk, V1, default, 1));
            await Store.CreateAsync(Chunk, V1, default);
            await Store.WriteAsync(Chunk, true, Content.Patch(0, 3, "d"u8));
            Assert.Equal("\0\0\0d"u8.ToArray(), Store.Content(Chunk));
        }
    }

    [Fact]
    public async Task A_copy_serves_when_it_is_complete_and_not_before()
    {
        var copy = new CopyId(9);
        await Store.BeginCopyAsync(Chunk, V1, copy, false, default);
        await Store.BeginCopyAsync(Chunk, V1, copy, false, default);
        await Store.WriteAsync(Chunk, false, Content.Block(0, "abc"u8), Content.Block(1, "def"u8));
        Refused(ErrorCatalog.ChunkIncomplete, () => Store.Read(Chunk, V1, default, 1));
        await RefusedAsync(ErrorCatalog.ChunkExists, () => Store.CreateAsync(Chunk, V1, default));
        await RefusedAsync(
            ErrorCatalog.ChunkExists, () => Store.CompleteAsync(Chunk, V1, new CopyId(8), 9, default));
        await RefusedAsync(
            ErrorCatalog.ChunkExists, () => Store.BeginCopyAsync(Chunk, V1, new CopyId(8), false, default));
        await Store.CompleteAsync(Chunk, V1, copy, ChunkLayout.BlockBytes + 2, default);
        await Store.CompleteAsync(Chunk, V1, copy, ChunkLayout.BlockBytes + 2, default);
        await _fixture.CrashAsync();
        Assert.Equal("de"u8.ToArray(), Store.Content(Chunk)[ChunkLayout.BlockBytes..]);
        Assert.Equal(
            new ChunkInfo(Chunk, V1, ChunkLayout.BlockBytes + 2, copy, ChunkState.Serving, default, false),
            Store.Info(Chunk));
        await RefusedAsync(
            ErrorCatalog.ChunkExists, () => Store.BeginCopyAsync(Chunk, V2, new CopyId(10), false, default));
    }

    [Fact]
    public async Task A_lost_copy_is_made_again_from_what_is_still_right()
    {
        await Store.CreateAsync(Chunk, V1, default);
        await Store.WriteAsync(
            Chunk, true, Content.Block(0, "abc"u8), Content.Block(1, "bad"u8), Content.Block(3, "def"u8));
        await Store.MarkLostAsync(Chunk, V2, FsStatus.Corrupt, default);
        Assert.Equal(ChunkState.Serving, Store.Info(Chunk).State);
        await Store.MarkLostAsync(Chunk, V1, FsStatus.Corrupt, default);
        await _fixture.CrashAsync();
        Refused(ErrorCatalog.ChunkLost, () => Store.Read(Chunk, V1, default, 1));
        await RefusedAsync(ErrorCatalog.ChunkLost, () => Store.WriteAsync(Chunk, true, Content.Zeros(0, 0, 9)));
        Assert.Equal(FsStatus.Corrupt, Store.Info(Chunk).LostStatus);
        await Store.BeginCopyAsync(Chunk, V2, new CopyId(1), true, default);
        await Store.DropBlockAsync(Chunk, V2, new BlockIndex(1), default);
        await Store.DropBlockAsync(Chunk, V2, new BlockIndex(3), default);
        await Store.WriteAsync(Chunk, V2, Join(Content.Block(1, "new"u8)), false, default);
        await Store.CompleteAsync(Chunk, V2, new CopyId(1), ChunkLayout.BlockBytes * 4, default);
        await _fixture.CrashAsync();
        var expected = new byte[ChunkLayout.BlockBytes * 4];
        "abc"u8.CopyTo(expected);
        "new"u8.CopyTo(expected.AsSpan(ChunkLayout.BlockBytes));
        Assert.True(expected.AsSpan().SequenceEqual(Store.Content(Chunk, V2)));
    }

    [Fact]
    public async Task Equal_digests_are_equal_blocks()
    {
        var other = new ChunkId(0x78);
        foreach (var chunk in (ChunkId[])[Chunk, other])
        {
            await Store.CreateAsync(chunk, V1, default);
            for (var block = 0u; block < 20; block++)
            {
                await Store.WriteAsync(
                    chunk, false, Content.Block(block, Content.Random(block, ChunkLayout.BlockBytes)));
            }

            await Store.SyncAsync(chunk, V1, default);
            await Store.WriteAsync(chunk, true, Content.Patch(3, 9, "abc"u8));
        }

        Assert.Equal(Digest(Chunk), Digest(other));
        Assert.Equal(20, Digest(Chunk).Count);
        Assert.Equal(2, Digest(Chunk)[3].Pieces);
        await Store.WriteAsync(other, true, Content.Patch(3, 9, "abd"u8), Content.Block(7, "x"u8));
        Assert.Equal([3u, 7], Digest(other).Except(Digest(Chunk)).Select(digest => digest.Block.Value));
        await _fixture.RestartAsync();
        Assert.Equal([3u, 7], Digest(other).Except(Digest(Chunk)).Select(digest => digest.Block.Value));

        List<BlockDigest> Digest(ChunkId chunk)
        {
            var digests = new List<BlockDigest>();
            Store.Digest(chunk, V1, digests);
            return digests;
        }
    }

    [Fact]
    public async Task Chunks_are_listed_by_id()
    {
        foreach (var id in (ulong[])[5, 1, ulong.MaxValue, 3])
        {
            await Store.CreateAsync(new ChunkId(id), V1, default);
        }

        var page = new ChunkInfo[3];
        Assert.Equal(3, Store.List(default, page));
        Assert.Equal([1ul, 3, 5], page.Select(info => info.Chunk.Value));
        Assert.Equal(1, Store.List(new ChunkId(6), page));
        Assert.Equal(ulong.MaxValue, page[0].Chunk.Value);
        await Store.WriteAsync(new ChunkId(3), false, Content.Block(0, "abc"u8));
        Assert.Equal(3, Store.List(new ChunkId(2), page));
        Assert.Equal(3u, page[0].Length);
    }

    [Fact]
    public async Task What_is_no_piece_is_refused_and_changes_nothing()
    {
        await Store.CreateAsync(Chunk, V1, default);
        var piece = Join(Content.Block(0, "abc"u8));
        byte[] damaged = [.. piece, .. piece];
        damaged[^1] ^= 1;
        await RefusedAsync(ErrorCatalog.BlockCorrupt, () => Store.WriteAsync(Chunk, V1, damaged, true, default));
        await RefusedAsync(
            ErrorCatalog.BlockCorrupt, () => Store.WriteAsync(Chunk, V1, piece.AsMemory(0, 26), true, default));
        await RefusedAsync(ErrorCatalog.ChunkRangeInvalid, () => Store.WriteAsync(Chunk, V1, default, true, default));
        var wrongOrder = Join(Content.Block(1, "a"u8), Content.Block(0, "b"u8));
        await RefusedAsync(
            ErrorCatalog.ChunkRangeInvalid, () => Store.WriteAsync(Chunk, V1, wrongOrder, true, default));
        await RefusedAsync(
            ErrorCatalog.ChunkRangeInvalid, () => Store.TruncateAsync(Chunk, V1, (64 << 20) + 1, true, default));
        await RefusedAsync(
            ErrorCatalog.ChunkRangeInvalid, () => Store.PunchAsync(Chunk, V1, 1, 64 << 20, true, default));
        await RefusedAsync(
            ErrorCatalog.ChunkUnknown, () => Store.WriteAsync(new ChunkId(5), V1, piece, true, default));
        Refused(ErrorCatalog.ChunkRangeInvalid, () => Store.Read(Chunk, V1, default, 65));
        Assert.Empty(Store.Content(Chunk));
    }

    [Fact]
    public async Task Whose_store_it_is_is_kept()
    {
        var cluster = new ClusterId(77);
        var incarnation = Store.Identity.Incarnation;
        await Store.SetOwnerAsync(cluster, new ServerId(3), default);
        await Store.SetOwnerAsync(cluster, new ServerId(3), default);
        await RefusedAsync(
            ErrorCatalog.ChunkStoreForeign, () => Store.SetOwnerAsync(cluster, new ServerId(4), default));
        var store = Store.Identity.Store;
        await _fixture.CrashAsync();
        Assert.Equal(
            new StoreIdentity(store, cluster, new ServerId(3), incarnation + 1, incarnation), Store.Identity);
    }
}

public sealed class MemoryStoreTests : StoreTests
{
    protected override Task<IStoreFixture> CreateAsync() => Task.FromResult<IStoreFixture>(new MemoryFixture());
}
