using DistFS.Chunks.Tests.Rocks;
using static DistFS.Chunks.Tests.StoreCalls;

namespace DistFS.Chunks.Tests;

/// <summary>
/// A copy in which bytes rotted is mended block by block: whatever ends that between, nothing that is right in it is
/// lost, and it serves only when all of it is right (docs/design/chunk-store.md).
/// </summary>
public abstract class ReplaceBlocksTests : IAsyncLifetime
{
    private const int Blocks = 6;
    private static readonly ChunkId Chunk = new(0x77);
    private IStoreFixture _fixture = null!;

    private IChunkStore Store => _fixture.Store;

    public async Task InitializeAsync()
    {
        _fixture = await CreateAsync();
        await Store.CreateAsync(Chunk, V1, default);
        await Store.WriteAsync(
            Chunk,
            true,
            Enumerable.Range(0, Blocks - 1).Select(static block => Content.Block((uint)block, Wrong(block))));
    }

    public async Task DisposeAsync() => await _fixture.DisposeAsync();

    /// <summary>The end of each step, and the crash behind it: lost until the last of them.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Whatever_ends_it_between_it_has_no_less_than_before_and_serves_when_it_is_whole(int steps)
    {
        await Store.MarkLostAsync(Chunk, V1, FsStatus.Corrupt, default);
        uint[][] batches = [[0, 1], [3], [2, 4]];
        var replaced = new HashSet<uint>();
        for (var step = 0; step < steps; step++)
        {
            await ReplaceAsync(batches[step], isWhole: step == batches.Length - 1);
            replaced.UnionWith(batches[step]);
        }

        await _fixture.CrashAsync();
        var info = Store.Info(Chunk);
        var isWhole = steps == batches.Length;
        Assert.Equal(
            (isWhole ? ChunkState.Serving : ChunkState.Lost, isWhole, isWhole ? FsStatus.Ok : FsStatus.Corrupt),
            (info.State, info.IsSealed, info.LostStatus));
        Assert.Equal(((Blocks - 1) * (uint)ChunkLayout.BlockBytes, false), (info.Length, info.IsUnclean));
        for (var block = 0u; block < Blocks - 1; block++)
        {
            using var found = Store.ReadSound(Chunk, V1, new BlockIndex(block));
            Assert.Equal(
                replaced.Contains(block) ? Right((int)block) : Wrong((int)block),
                Content.Merge(block, found.PiecesOf(new BlockIndex(block))));
        }

        if (!isWhole)
        {
            Refused(ErrorCatalog.ChunkLost, () => Store.Read(Chunk, V1, default, 1));
        }

        // Nobody who does not know what was done so far has to begin again from nothing.
        await ReplaceAsync([], isWhole: true);
        Assert.Equal(ChunkState.Serving, Store.Info(Chunk).State);
    }

    /// <summary>As another server has it: patches, zeros, nothing; and a length that a piece is beyond.</summary>
    [Fact]
    public async Task What_comes_is_all_that_there_is_of_a_block_and_its_digest_that_of_the_other()
    {
        var other = new ChunkId(0x78);
        await Store.CreateAsync(other, V1, default);
        await Store.WriteAsync(other, true, Content.Block(0, Right(0)), Content.Block(4, Right(4)));
        await Store.WriteAsync(other, true, Content.Patch(0, 9, "abc"u8), Content.Patch(2, 7, "def"u8));
        await Store.TruncateAsync(other, V1, (4 * ChunkLayout.BlockBytes) + 5, true, default);
        await Store.TruncateAsync(Chunk, V1, (4 * ChunkLayout.BlockBytes) + 5, true, default);
        await Store.MarkLostAsync(Chunk, V1, FsStatus.IoError, default);
        using (var found = Store.Read(other, V1, default, Blocks))
        {
            Assert.Equal(
                PieceFault.None, VerifiedPieces.Verify(Join([.. found.Pieces]), out var pieces, out _));
            await Store.ReplaceBlocksAsync(
                Chunk, V1, [.. Enumerable.Range(0, 5).Select(static block => new BlockIndex((uint)block))], pieces,
                isWhole: true, default);
        }

        await _fixture.CrashAsync();
        Assert.Equal(Store.Content(other), Store.Content(Chunk));
        Assert.Equal(DigestOf(other), DigestOf(Chunk));
        await RefusedAsync(ErrorCatalog.ChunkSealed, () => Store.WriteAsync(Chunk, true, Content.Zeros(0, 0, 9)));

        // What is sealed is nobody's to write either: a block of it may be made as another's.
        await ReplaceAsync([1], isWhole: false);
        Assert.True(Right(1).AsSpan().SequenceEqual(
            Store.Content(Chunk).AsSpan(ChunkLayout.BlockBytes, ChunkLayout.BlockBytes)));
        Assert.True(Store.Info(Chunk).IsSealed);
    }

    [Fact]
    public async Task What_others_may_write_or_make_is_left_alone()
    {
        await RefusedAsync(ErrorCatalog.ChunkExists, () => ReplaceAsync([0], isWhole: true));
        await Store.MarkLostAsync(Chunk, V1, FsStatus.Corrupt, default);
        await Store.BeginAsync(Chunk, V2, Blocks);
        await RefusedAsync(ErrorCatalog.ChunkVersionStale, () => ReplaceAsync([0], isWhole: true));

        // A copy that an order makes: who mends comes too late, however far he is.
        await Store.BeginCopyAsync(Chunk, V2, new CopyId(1), true, default);
        foreach (var isWhole in (bool[])[false, true])
        {
            await RefusedAsync(
                ErrorCatalog.ChunkIncomplete,
                () => Store.ReplaceBlocksAsync(Chunk, V2, [new BlockIndex(0)], default, isWhole, default));
        }
    }

    [Fact]
    public async Task Pieces_of_other_blocks_or_too_many_of_one_are_refused()
    {
        await Store.MarkLostAsync(Chunk, V1, FsStatus.Corrupt, default);
        await RefusedAsync(
            ErrorCatalog.ChunkRangeInvalid, () => ReplaceAsync([1, 0], isWhole: true));
        await RefusedAsync(
            ErrorCatalog.ChunkRangeInvalid, () => ReplaceAsync([1], true, Content.Block(2, "x"u8)));
        await RefusedAsync(ErrorCatalog.ChunkRangeInvalid, () => ReplaceAsync(
            [1], true, Enumerable.Repeat(Content.Patch(1, 0, "x"u8), StoreLimits.PatchesMax + 1)));
        Assert.Equal(ChunkState.Lost, Store.Info(Chunk).State);
        using var found = Store.ReadSound(Chunk, V1, new BlockIndex(1));
        Assert.Equal(Wrong(1), Content.Merge(1, found.PiecesOf(new BlockIndex(1))));
    }

    protected abstract Task<IStoreFixture> CreateAsync();

    private static byte[] Wrong(int block) => Content.Random((ulong)block + 100, ChunkLayout.BlockBytes);

    private static byte[] Right(int block) => Content.Random((ulong)block, ChunkLayout.BlockBytes);

    private ValueTask ReplaceAsync(uint[] blocks, bool isWhole) =>
        ReplaceAsync(blocks, isWhole, blocks.Select(static block => Content.Block(block, Right((int)block))));

    private ValueTask ReplaceAsync(uint[] blocks, bool isWhole, params IEnumerable<StoredPiece> pieces)
    {
        Assert.Equal(PieceFault.None, VerifiedPieces.Verify(Join(pieces), out var verified, out _));
        return Store.ReplaceBlocksAsync(
            Chunk, V1, [.. blocks.Select(static block => new BlockIndex(block))], verified, isWhole, default);
    }

    private List<BlockDigest> DigestOf(ChunkId chunk)
    {
        var digests = new List<BlockDigest>();
        Store.Digest(chunk, V1, digests);
        return digests;
    }
}

public sealed class MemoryReplaceBlocksTests : ReplaceBlocksTests
{
    /// <summary>The copy stays as it is, with all that is right in it.</summary>
    [Fact]
    public async Task A_full_store_refuses_and_changes_nothing()
    {
        var chunk = new ChunkId(1);
        var store = new MemoryChunkStore(new StoreId(1));
        await store.CreateAsync(chunk, V1, default);
        await store.WriteAsync(chunk, true, Content.Block(0, "abc"u8));
        await store.MarkLostAsync(chunk, V1, FsStatus.Corrupt, default);
        store.Space = new StoreSpace(100, 0, 10);
        await RefusedAsync(
            ErrorCatalog.ChunkStoreFull, () => store.ReplaceBlocksAsync(chunk, V1, [default], default, true, default));
        Assert.Equal(ChunkState.Lost, store.Info(chunk).State);
        using var found = store.ReadSound(chunk, V1, default);
        Assert.False(found.PiecesOf(default).IsEmpty);
    }

    protected override Task<IStoreFixture> CreateAsync() => Task.FromResult<IStoreFixture>(new MemoryFixture());
}

public sealed class RocksReplaceBlocksTests : ReplaceBlocksTests
{
    protected override Task<IStoreFixture> CreateAsync() => Task.FromResult<IStoreFixture>(RocksFixture.Create());
}

/// <summary>What is there lies in parts, some of which may be under way when it is lost.</summary>
public sealed class RocksPartsReplaceBlocksTests : ReplaceBlocksTests
{
    protected override Task<IStoreFixture> CreateAsync() => Task.FromResult<IStoreFixture>(
        RocksFixture.Create(options => options with { PartBytesMin = 1, PartsOpenMax = 2, ChunksCached = 1 }));
}
