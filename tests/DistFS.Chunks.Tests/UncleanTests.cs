using DistFS.Chunks.Tests.Rocks;
using static DistFS.Chunks.Tests.StoreCalls;

namespace DistFS.Chunks.Tests;

/// <summary>
/// After a crash a store says which chunks may lack bytes that were replied to (docs/design/chunk-store.md).
/// </summary>
public abstract class UncleanTests : IAsyncLifetime
{
    private static readonly ChunkId Chunk = new(0x77);
    private IStoreFixture _fixture = null!;

    private IChunkStore Store => _fixture.Store;

    public async Task InitializeAsync()
    {
        _fixture = await CreateAsync();
        await Store.CreateAsync(Chunk, V1, default);
        await WriteAsync(0, isDurable: true);
    }

    public async Task DisposeAsync() => await _fixture.DisposeAsync();

    [Fact]
    public async Task What_was_replied_to_without_a_sync_makes_it_unclean_once_the_run_has_ended()
    {
        await WriteAsync(1, isDurable: false);
        Assert.False(Store.Info(Chunk).IsUnclean);
        await _fixture.CrashAsync();
        Assert.True(Store.Info(Chunk).IsUnclean);
        Assert.True(Listed().IsUnclean);
        Assert.InRange(Store.Info(Chunk).Length, (uint)ChunkLayout.BlockBytes, 2u * ChunkLayout.BlockBytes);

        // In the run after that too, whatever is synced: nobody has brought what is missing.
        await Store.SyncAsync(Chunk, V1, default);
        await _fixture.RestartAsync();
        Assert.True(Store.Info(Chunk).IsUnclean);
    }

    [Fact]
    public async Task What_was_durable_makes_nothing_unclean()
    {
        await WriteAsync(1, isDurable: true);
        await _fixture.CrashAsync();
        Assert.False(Store.Info(Chunk).IsUnclean);
    }

    [Theory]
    [InlineData("sync")]
    [InlineData("seal")]
    [InlineData("fence")]
    [InlineData("durable write")]
    [InlineData("stop")]
    public async Task It_is_clean_when_all_of_it_is_durable_and_not_after_the_next_write(string how)
    {
        await WriteAsync(1, isDurable: false);
        var version = V1;
        switch (how)
        {
            case "sync":
                await Store.SyncAsync(Chunk, V1, default);
                break;
            case "seal":
                await Store.SealAsync(Chunk, V1, default);
                break;
            case "fence":
                // Which has to be durable, so that what was written is too.
                await Store.SyncAsync(Chunk, V1, default);
                await WriteAsync(1, isDurable: false);
                await Store.BeginAsync(Chunk, version = V2, 2 * ChunkLayout.BlockBytes);
                await Store.SyncAsync(Chunk, V2, default);
                break;
            case "durable write":
                await WriteAsync(2, isDurable: true);
                break;
            default:
                await _fixture.RestartAsync();
                break;
        }

        await _fixture.CrashAsync();
        var info = Store.Info(Chunk);
        Assert.False(info.IsUnclean);
        Assert.True(info.Length >= 2 * ChunkLayout.BlockBytes);
        if (how != "seal")
        {
            await Store.WriteAsync(Chunk, version, Join(Content.Block(3, Block(3))), isDurable: false, default);
            await _fixture.CrashAsync();
            Assert.True(Store.Info(Chunk).IsUnclean);
        }
    }

    [Fact]
    public async Task A_chunk_that_was_just_made_is_gone_or_unclean()
    {
        var other = new ChunkId(0x78);
        await Store.CreateAsync(other, V1, default);
        await Store.WriteAsync(other, V1, Join(Content.Block(0, Block(0))), isDurable: false, default);
        await _fixture.CrashAsync();
        Assert.True(!Store.TryGet(other, out var info) || info.IsUnclean);
    }

    /// <summary>Nobody reads it, so zeros harm nobody; and what was synced in it may be all that there is.</summary>
    [Fact]
    public async Task A_fence_that_finds_it_short_does_not_make_it_lost_and_it_stays_unclean()
    {
        await WriteAsync(1, isDurable: false);
        await _fixture.CrashAsync();
        Assert.Equal(FenceOutcome.Begun, await Store.BeginAsync(Chunk, V2, 9 * ChunkLayout.BlockBytes));
        var info = Store.Info(Chunk);
        Assert.Equal((true, ChunkState.Serving, V2), (info.IsUnclean, info.State, info.Version));

        // Of nothing, nothing is missing.
        Assert.Equal(FenceOutcome.Begun, await Store.BeginAsync(Chunk, new ChunkVersion(3), 0));
        Assert.False(Store.Info(Chunk).IsUnclean);
    }

    [Theory]
    [InlineData(1u, 9u, 7ul)]
    [InlineData(2u, 9u, 0ul)]
    [InlineData(2u, 1u, 0ul)]
    public async Task What_the_cluster_says_counts_is_clean_and_as_long_as_it_says(
        uint version, uint blocks, ulong copy)
    {
        await WriteAsync(1, isDurable: false);
        await _fixture.CrashAsync();
        var outcome = new FenceOutcome[1];
        var fence = new VersionFence(
            Chunk, new ChunkVersion(version), blocks * ChunkLayout.BlockBytes, Counts: true, new CopyId(copy));
        await Store.BeginVersionsAsync(new[] { fence }, outcome, default);
        await _fixture.CrashAsync();
        var info = Store.Info(Chunk);
        Assert.Equal((FenceOutcome.Begun, false), (outcome[0], info.IsUnclean));
        Assert.Equal((fence.Version, fence.Length, copy), (info.Version, info.Length, info.Copy.Value));
        var content = Store.Content(Chunk, fence.Version);
        Assert.Equal(Block(0), content[..ChunkLayout.BlockBytes]);
        var missing = content.AsSpan(Math.Min(content.Length, 2 * ChunkLayout.BlockBytes));
        Assert.Equal(-1, missing.IndexOfAnyExcept((byte)0));

        // An older version counts for nothing.
        fence = fence with { Version = new ChunkVersion(version - 1) };
        await Store.BeginVersionsAsync(new[] { fence }, outcome, default);
        Assert.Equal(FenceOutcome.Later, outcome[0]);
    }

    [Fact]
    public async Task What_nobody_has_written_for_a_while_is_made_durable()
    {
        await WriteAsync(1, isDurable: false);
        await Store.WriteAsync(Chunk, V1, Join(Content.Patch(0, 5, "abc"u8)), isDurable: false, default);
        await Store.TidyAsync(10_000, default);
        if (Store is RocksChunkStore)
        {
            await _fixture.CrashAsync();
            Assert.False(Store.Info(Chunk).IsUnclean);
            Assert.Equal(2u * ChunkLayout.BlockBytes, Store.Info(Chunk).Length);
        }
    }

    protected abstract Task<IStoreFixture> CreateAsync();

    private static byte[] Block(uint block) => Content.Random(block, ChunkLayout.BlockBytes);

    private ValueTask WriteAsync(uint block, bool isDurable) =>
        Store.WriteAsync(Chunk, isDurable, Content.Block(block, Block(block)));

    private ChunkInfo Listed()
    {
        var all = new ChunkInfo[9];
        Assert.Equal(1, Store.List(default, all));
        return all[0];
    }
}

public sealed class MemoryUncleanTests : UncleanTests
{
    protected override Task<IStoreFixture> CreateAsync() => Task.FromResult<IStoreFixture>(new MemoryFixture());
}

public sealed class RocksUncleanTests : UncleanTests
{
    protected override Task<IStoreFixture> CreateAsync() => Task.FromResult<IStoreFixture>(RocksFixture.Create());
}

/// <summary>Parts from the second block on: what is not synced is in files that a crash leaves unnamed.</summary>
public sealed class RocksPartsUncleanTests : UncleanTests
{
    protected override Task<IStoreFixture> CreateAsync() => Task.FromResult<IStoreFixture>(
        RocksFixture.Create(options => options with { PartBytesMin = 1, PartsOpenMax = 2, ChunksCached = 1 }));
}
