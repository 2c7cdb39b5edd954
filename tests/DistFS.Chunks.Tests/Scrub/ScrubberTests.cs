using DistFS.Chunks.Tests.Rocks;
using static DistFS.Chunks.Tests.StoreCalls;

namespace DistFS.Chunks.Tests.Scrub;

/// <summary>Every stored byte is looked at, at the pace that was asked for.</summary>
public sealed class ScrubberTests
{
    private const long PassMs = 1_000_000;

    [Fact]
    public void A_pass_takes_the_time_that_it_has()
    {
        var pace = new ScrubPace(PassMs, 1 << 30);
        Assert.Equal(0, pace.Allowed(5_000, 1_000_000));
        Assert.Equal(1_000, pace.Allowed(6_000, 1_000_000));
        pace.Used(600);
        Assert.Equal(400, pace.Allowed(6_000, 1_000_000));
        Assert.Equal(400, pace.Allowed(1_000, 1_000_000));
        Assert.Equal(500, pace.Allowed(6_100, 1_000_000));
        pace.Used(1_000);
        Assert.Equal(-500, pace.Allowed(6_100, 1_000_000));
        Assert.Equal(1_000, new ScrubPace(PassMs, 1_000).Allowed(0, 5) + 1_000);
    }

    [Fact]
    public async Task Damage_is_found_by_the_pass_and_told_once_in_it()
    {
        await using var store = new MemoryChunkStore(new StoreId(1));
        for (var chunk = 1ul; chunk <= 5; chunk++)
        {
            await store.CreateAsync(new ChunkId(chunk), V1, default);
            await store.WriteAsync(
                new ChunkId(chunk), true, Enumerable.Range(0, 40).Select(b => Content.Block((uint)b, "abc"u8)));
        }

        Assert.True(store.Damage(new ChunkId(3), new BlockIndex(17), 5));
        Assert.True(store.Damage(new ChunkId(5), new BlockIndex(39), 50));
        var scrubber = new Scrubber(store, new ScrubberOptions { PassMs = PassMs });
        var damages = new List<ScrubDamage>();
        var (now, ends) = (1_000L, 0);
        for (; ends == 0 && now < 3 * PassMs; now += PassMs / 100)
        {
            ends += (await scrubber.StepAsync(now, damages, default)).HasEndedPass ? 1 : 0;
            if (now > PassMs / 2)
            {
                // Another one goes on where this one was.
                scrubber = new Scrubber(store, new ScrubberOptions { PassMs = PassMs });
            }

            await scrubber.StepAsync(now, damages, default);
        }

        Assert.InRange(now, PassMs / 2, 2 * PassMs);
        Assert.Equal(
            [(3ul, 17u), (5, 39)], damages.Select(damage => (damage.Chunk.Chunk.Value, damage.Block.Value)));
        Assert.Equal(1ul, store.ScrubMark.Passes);
    }

    [Fact]
    public async Task On_demand_it_looks_at_everything_at_once()
    {
        await using var fixture = RocksFixture.Create(options => options with { PartBytesMin = 100_000 });
        for (var chunk = 1ul; chunk <= 2; chunk++)
        {
            await fixture.Store.CreateAsync(new ChunkId(chunk), V1, default);
            await fixture.Store.WriteAsync(new ChunkId(chunk), true, Enumerable.Range(0, 30).Select(
                b => Content.Block((uint)b, Content.Random((ulong)b, ChunkLayout.BlockBytes))));
            await fixture.Store.WriteAsync(new ChunkId(chunk), false, Content.Patch(3, 0, "abc"u8));
        }

        var scrubber = new Scrubber(
            fixture.Store, new ScrubberOptions { StepBytesMax = 16 * ChunkLayout.BlockBytes });
        var damages = new List<ScrubDamage>();
        Assert.Equal(default, await scrubber.StepAsync(1, damages, default));
        scrubber.StartNow();
        var steps = new List<ScrubStep>();
        do
        {
            steps.Add(await scrubber.StepAsync(2, damages, default));
        }
        while (steps[^1].IsDue && steps.Count < 100);
        Assert.True(steps[^1].HasEndedPass);
        Assert.Equal(60 * ChunkLayout.BlockBytes, steps.Sum(step => step.Bytes));
        Assert.Empty(damages);
        Assert.Equal(default, await scrubber.StepAsync(3, damages, default));
    }
}
