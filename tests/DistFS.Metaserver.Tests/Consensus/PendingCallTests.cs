using DistFS.Metaserver.Consensus;

namespace DistFS.Metaserver.Tests.Consensus;

/// <summary>Calls whose objects are used again.</summary>
public sealed class PendingCallTests
{
    [Fact]
    public async Task WhoeverHoldsAnOldLeaseEndsNothing()
    {
        var calls = new PendingCalls<int>(1);
        var call = calls.TryBegin(1, 100)!;
        var first = call.Lease;
        Assert.Null(calls.TryBegin(1, 100));
        var task = call.AsTask(default);
        Assert.True(call.TryEnd(first, 5));
        Assert.False(call.TryEnd(first, 6));
        Assert.Equal(5, await task);
        var again = calls.TryBegin(1, 100)!;
        Assert.Same(call, again);
        Assert.False(again.TryEnd(first, 7));
        Assert.True(again.IsWaiting(again.Lease));
    }

    [Fact]
    public async Task OnlyWhatIsOverdueExpires()
    {
        var calls = new PendingCalls<int>(10);
        var late = calls.TryBegin(1, 100)!;
        var later = calls.TryBegin(1, 200)!;
        var ended = calls.TryBegin(1, 50)!;
        var endedTask = ended.AsTask(default);
        ended.TryEnd(ended.Lease, 1);
        Assert.Equal(1, await endedTask);
        calls.Expire(150, -1);
        Assert.False(late.IsWaiting(late.Lease));
        Assert.True(later.IsWaiting(later.Lease));
        calls.Expire(long.MaxValue, -2);
        Assert.Equal(-2, await later.AsTask(default));
        Assert.Equal(-1, await late.AsTask(default));
        Assert.Equal(0, calls.Count);
    }
}
