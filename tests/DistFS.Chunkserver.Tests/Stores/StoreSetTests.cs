using DistFS.Chunks;
using DistFS.Chunkserver.Stores;

namespace DistFS.Chunkserver.Tests.Stores;

/// <summary>Several disks as one.</summary>
public sealed class StoreSetTests
{
    private readonly MemoryChunkStore[] _disks =
        [new(new StoreId(11)), new(new StoreId(22)), new(new StoreId(33))];

    [Fact]
    public async Task A_chunk_is_found_where_it_was_made_and_not_where_it_was_deleted()
    {
        var set = await SetAsync();
        for (var chunk = 1ul; chunk <= 60; chunk++)
        {
            Assert.Null(set.Of(new ChunkId(chunk)));
            var store = set.ForNew(new ChunkId(chunk));
            await store.CreateAsync(new ChunkId(chunk), new ChunkVersion(1), default);
            Assert.Same(store, set.Of(new ChunkId(chunk)));
        }

        // Not all in one, and as before after a restart.
        Assert.All(_disks, disk => Assert.InRange(Count(disk), 5, 40));
        var again = await SetAsync();
        for (var chunk = 1ul; chunk <= 60; chunk++)
        {
            Assert.Equal(
                set.Of(new ChunkId(chunk))!.Identity.Store, again.Of(new ChunkId(chunk))!.Identity.Store);
        }

        Assert.Equal(Enumerable.Range(1, 60), Served(again, 0, 1_000));
        Assert.Equal(Enumerable.Range(8, 10), Served(again, 8, 10));
        await again.DeleteAsync([new ChunkDeletion(new ChunkId(9), new ChunkVersion(1), default)], default);
        Assert.Null(again.Of(new ChunkId(9)));
        Assert.Equal(59, Served(again, 0, 1_000).Count);
    }

    [Fact]
    public async Task New_chunks_come_as_often_to_a_store_as_it_has_room_and_never_to_a_full_one()
    {
        _disks[0].Space = new StoreSpace(100, 10, 10);
        _disks[1].Space = new StoreSpace(1_000, 110, 10);
        _disks[2].Space = new StoreSpace(1_000, 310, 10);
        var set = await SetAsync();
        var counts = Enumerable.Range(1, 4_000)
            .CountBy(chunk => set.ForNew(new ChunkId((ulong)chunk)).Identity.Store.Value).ToDictionary();
        Assert.Equal([22ul, 33ul], counts.Keys.Order());
        Assert.InRange(counts[33], 2_850, 3_150);
        Assert.False(set.IsFull);
        Assert.Equal(new StoreSpace(2_100, 430, 30), set.Space);
    }

    [Fact]
    public async Task When_all_are_full_it_says_so_and_takes_what_a_fence_needs()
    {
        foreach (var disk in _disks)
        {
            disk.Space = new StoreSpace(100, 1, 10);
        }

        var set = await SetAsync();
        Assert.True(set.IsFull);
        Assert.NotNull(set.ForNew(new ChunkId(1)));
    }

    [Fact]
    public async Task A_store_that_fails_goes_with_what_it_had_and_the_last_one_is_told_apart()
    {
        var set = await SetAsync();
        for (var chunk = 1ul; chunk <= 60; chunk++)
        {
            await set.ForNew(new ChunkId(chunk)).CreateAsync(new ChunkId(chunk), new ChunkVersion(1), default);
        }

        var failures = new List<bool>();
        set.OnStoreFailed = (_, isLast) => failures.Add(isLast);
        var gone = Count(_disks[0]);
        _disks[0].Fail(new DistFsException(ErrorCatalog.SystemCall, "EIO"));
        Assert.Equal([false], failures);
        Assert.Equal(60 - gone, Served(set, 0, 1_000).Count);
        Assert.All(
            Enumerable.Range(1, 100),
            chunk => Assert.NotEqual(11ul, set.ForNew(new ChunkId((ulong)chunk)).Identity.Store.Value));
        Assert.All(Enumerable.Range(1, 60), chunk => Assert.NotEqual(
            11ul, set.Of(new ChunkId((ulong)chunk))?.Identity.Store.Value ?? 0));
        _disks[1].Fail(new DistFsException(ErrorCatalog.SystemCall, "EIO"));
        _disks[2].Fail(new DistFsException(ErrorCatalog.SystemCall, "EIO"));
        Assert.Equal([false, false, true], failures);
        Assert.Throws<DistFsException>(() => set.ForNew(new ChunkId(1)));
    }

    /// <summary>A disk that had failed is back, and its chunks were made elsewhere meanwhile.</summary>
    [Theory]
    [InlineData(0, 2)]
    [InlineData(2, 0)]
    public async Task Of_two_copies_of_a_chunk_the_newest_stays_wherever_it_is(int newer, int older)
    {
        await _disks[older].CreateAsync(new ChunkId(5), new ChunkVersion(3), default);
        await _disks[newer].CreateAsync(new ChunkId(5), new ChunkVersion(4), default);
        await _disks[newer].MarkLostAsync(new ChunkId(5), new ChunkVersion(4), FsStatus.IoError, default);
        var set = await SetAsync();
        Assert.Equal(_disks[newer].Identity.Store, set.Of(new ChunkId(5))!.Identity.Store);
        Assert.Null(_disks[older].Find(5));

        // The old one must not come to the new version.
        Assert.Empty(Served(set, 0, 10));
    }

    [Fact]
    public async Task Whoever_finds_a_copy_lost_it_is_told_and_counted_once()
    {
        var set = await SetAsync();
        var lost = new List<(ulong Chunk, uint Version)>();
        set.OnCopyLost = info => lost.Add((info.Chunk.Value, info.Version.Value));
        var store = set.ForNew(new ChunkId(1));
        await store.WriteAsync(1, 1, 7, 2);
        await store.MarkLostAsync(new ChunkId(1), new ChunkVersion(1), FsStatus.Corrupt, default);
        Assert.Equal([(1ul, 1u)], lost);
        Assert.Throws<DistFsException>(() => store.Read(new ChunkId(1), new ChunkVersion(1), default, 1));
        Assert.Equal((2, 1L, 1L), (lost.Count, set.LostCopies, set.DamagedBlocks));

        // Lost still, in the version that the others have come to.
        var outcomes = new FenceOutcome[1];
        await store.BeginVersionsAsync(
            new[] { new VersionFence(new ChunkId(1), new ChunkVersion(2), 1) }, outcomes, default);
        Assert.Equal(((1ul, 2u), 1L, 1L), (lost[^1], set.LostCopies, set.DamagedBlocks));

        // A fence that finds less than was committed.
        await store.WriteAsync(2, 1, 7, 1);
        await store.BeginVersionsAsync(
            new[] { new VersionFence(new ChunkId(2), new ChunkVersion(2), 1 << 20) }, outcomes, default);
        Assert.Equal((2ul, 2u), lost[^1]);
        Assert.Equal((2L, 1L), (set.LostCopies, set.DamagedBlocks));
    }

    private async Task<StoreSet> SetAsync()
    {
        var set = new StoreSet(_disks);
        await set.LoadAsync(default);
        return set;
    }

    private static List<int> Served(StoreSet set, ulong from, int max) =>
        set.Served(new ChunkId(from), max).ConvertAll(info => (int)info.Chunk.Value);

    private static int Count(MemoryChunkStore store) => store.List(default, new ChunkInfo[1_000]);
}
