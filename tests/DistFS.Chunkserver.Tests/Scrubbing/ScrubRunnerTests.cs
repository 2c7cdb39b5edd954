using DistFS.Chunks;
using DistFS.Chunkserver.Data;
using DistFS.Chunkserver.Scrubbing;
using DistFS.Chunkserver.Stores;
using DistFS.Metaserver.Tests.Consensus;
using Microsoft.Extensions.Logging.Abstractions;

namespace DistFS.Chunkserver.Tests.Scrubbing;

/// <summary>All that is stored is looked at, over and over.</summary>
public sealed class ScrubRunnerTests
{
    /// <summary>A disk that is slow for a moment is no disk that has failed.</summary>
    [Fact]
    public async Task A_chunk_that_cannot_be_looked_at_now_is_passed_over_and_looked_at_in_the_next_pass()
    {
        var store = new MemoryChunkStore(new StoreId(1));
        for (var chunk = 1ul; chunk <= 3; chunk++)
        {
            await store.WriteAsync(chunk, 1, chunk, 2);
        }

        foreach (var chunk in (ulong[])[2, 3])
        {
            Assert.True(store.Damage(new ChunkId(chunk), new BlockIndex(1), 99));
        }

        var stores = new StoreSet([store]);
        await using var runner = new ScrubRunner(
            stores, new OpenChunks(stores, new Always()), TimeSpan.FromDays(7), TimeProvider.System,
            NullLogger.Instance);
        store.Stuck = new ChunkId(2);
        runner.Start();
        await Eventually.True(() => runner is { Passes: 1, IsRunning: false });
        Assert.Equal(ChunkState.Serving, store.Find(2)!.Value.State);
        Assert.Equal(ChunkState.Lost, store.Find(3)!.Value.State);
        store.Stuck = null;
        runner.Start();
        await Eventually.True(() => runner is { Passes: 2, IsRunning: false });
        Assert.Equal(ChunkState.Lost, store.Find(2)!.Value.State);
    }

    private sealed class Always : IServing
    {
        public ServerId Self => new(1);

        public bool IsServing => true;
    }
}
