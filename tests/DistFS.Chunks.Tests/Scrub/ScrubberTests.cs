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

        // However little there is.
        pace = new ScrubPace(PassMs, 1 << 30, bytesPerSecondMin: 5_000);
        Assert.Equal(0, pace.Allowed(0, 1));
        Assert.Equal(10_000, pace.Allowed(2_000, 1));
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
        var options = new ScrubberOptions { PassMs = PassMs, BytesPerSecondMin = 0, PauseMs = 0 };
        var scrubber = new Scrubber(store, options);
        var damages = new List<ScrubDamage>();
        var (now, ends) = (1_000L, 0);
        for (; ends == 0 && now < 3 * PassMs; now += PassMs / 100)
        {
            ends += (await scrubber.StepAsync(now, damages, default)).HasEndedPass ? 1 : 0;
            if (now > PassMs / 2)
            {
                // Another one goes on where this one was.
                scrubber = new Scrubber(store, options);
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
        Assert.True(steps[^1].HasEndedPass && steps[^1].HasEndedAsked);
        Assert.Equal(2, steps.Sum(step => step.Chunks));
        Assert.InRange(steps.Sum(step => step.StoredBytes), 60L * ChunkLayout.BlockBytes, 62L * ChunkLayout.BlockBytes);
        Assert.Equal(60 * ChunkLayout.BlockBytes, steps.Sum(step => step.Bytes));
        Assert.Empty(damages);
        Assert.Equal(default, await scrubber.StepAsync(3, damages, default));
    }

    [Fact]
    public async Task A_small_store_is_read_at_the_least_rate_and_not_without_a_pause()
    {
        await using var store = new MemoryChunkStore(new StoreId(1));
        await store.CreateAsync(new ChunkId(1), V1, default);
        await store.WriteAsync(new ChunkId(1), true, Content.Block(0, "abc"u8));
        var scrubber = new Scrubber(store, new ScrubberOptions());
        var damages = new List<ScrubDamage>();
        var ends = new List<long>();
        for (var now = 1_000L; now < 200_000; now += 1_000)
        {
            var step = await scrubber.StepAsync(now, damages, default);
            Assert.False(step.HasEndedAsked);
            if (step.HasEndedPass)
            {
                ends.Add(now);
            }
        }

        Assert.Equal([2_000, 62_000, 122_000, 182_000], ends);
    }

    /// <summary>What was verified was on the disk: it is read from there, whoever has read it before.</summary>
    [Fact]
    public async Task What_is_in_memory_is_read_from_the_disk_all_the_same()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        const int Blocks = 256;
        await using var fixture = RocksFixture.Create();
        var chunk = new ChunkId(1);
        await fixture.Store.CreateAsync(chunk, V1, default);
        for (var block = 0u; block < Blocks; block++)
        {
            await fixture.Store.WriteAsync(
                chunk, false, Content.Block(block, Content.Random(block, ChunkLayout.BlockBytes)));
        }

        await fixture.Store.SyncAsync(chunk, V1, default);
        var damaged = new List<BlockIndex>();

        // All of it: what the kernel is still reading ahead (8 MiB on some machines) it does not give up, and has
        // counted already.
        for (var block = 0u; block < Blocks; block += 64)
        {
            fixture.Store.Verify(chunk, new BlockIndex(block), 64, damaged);
        }

        Assert.Empty(damaged);
        var before = ReadFromDisk();
        var scrubber = new Scrubber(fixture.Store, new ScrubberOptions());
        scrubber.StartNow();
        Assert.True((await scrubber.StepAsync(1, [], default)).HasEndedAsked);
        Assert.InRange(ReadFromDisk() - before, Blocks * ChunkLayout.BlockBytes, long.MaxValue);
    }

    /// <summary>Bytes that this process has had read from disks (proc(5)).</summary>
    private static long ReadFromDisk() => long.Parse(
        File.ReadLines("/proc/self/io").Single(line => line.StartsWith("read_bytes", StringComparison.Ordinal))[12..],
        System.Globalization.CultureInfo.InvariantCulture);
}
