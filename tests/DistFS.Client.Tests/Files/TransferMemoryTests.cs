using DistFS.Client.Transfers;

namespace DistFS.Client.Tests.Files;

/// <summary>What transfers take together (<c>--mem</c>).</summary>
public sealed class TransferMemoryTests
{
    private const long MiB = 1 << 20;

    private readonly TransferMemory _memory = new(64 * MiB);

    [Fact]
    public async Task As_many_are_under_way_as_there_is_memory_for()
    {
        var first = await _memory.TakeAsync(32 * MiB, default).Soon();
        var second = await _memory.TakeAsync(32 * MiB, default).Soon();
        var third = _memory.TakeAsync(1, default).AsTask();
        Assert.False(third.IsCompleted);
        second.Dispose();
        (await third.Soon()).Dispose();
        first.Dispose();
    }

    [Fact]
    public async Task Who_needs_more_than_there_is_is_alone()
    {
        var small = await _memory.TakeAsync(1, default).Soon();
        var large = _memory.TakeAsync(long.MaxValue / 2, default).AsTask();
        Assert.False(large.IsCompleted);
        small.Dispose();
        var taken = await large.Soon();
        var next = _memory.TakeAsync(1, default).AsTask();
        Assert.False(next.IsCompleted);
        taken.Dispose();
        (await next.Soon()).Dispose();
    }

    [Fact]
    public async Task Nothing_takes_a_place_too()
    {
        var all = await _memory.TakeAsync(64 * MiB, default).Soon();
        var nothing = _memory.TakeAsync(0, default).AsTask();
        Assert.False(nothing.IsCompleted);
        all.Dispose();
        (await nothing.Soon()).Dispose();
    }

    /// <summary>Then the next ones have all of it.</summary>
    [Fact]
    public async Task Who_gives_up_takes_nothing()
    {
        var all = await _memory.TakeAsync(64 * MiB, default).Soon();
        using var stop = new CancellationTokenSource();
        var waiting = _memory.TakeAsync(64 * MiB, stop.Token).AsTask();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting).Soon();
        all.Dispose();
        (await _memory.TakeAsync(64 * MiB, default).Soon()).Dispose();
    }

    [Fact]
    public void Too_little_is_refused() => Assert.Throws<ArgumentOutOfRangeException>(
        () => new DistFsClientOptions { Metaservers = [], MemoryMax = DistFsClientOptions.MemoryMin - 1 });
}
