using DistFS.Metaserver.Leases;

namespace DistFS.Metaserver.Tests.Leases;

/// <summary>Ends of sessions wait for the log, and nothing waits for them.</summary>
public sealed class SessionEndsTests
{
    private readonly Dictionary<ulong, TaskCompletionSource> _begun = [];
    private readonly HashSet<ulong> _stays = [];
    private readonly SessionEnds _ends;

    public SessionEndsTests() => _ends = new SessionEnds(session => _stays.Contains(session.Value) ? 0UL : 7, End);

    [Fact]
    public void ManyBeginAtOnceAndNoneIsWaitedFor()
    {
        Look(1, 2, 3);
        Assert.Equal([1UL, 2, 3], _begun.Keys.ToArray());

        // Told again by the next tick, while the log has not answered.
        _begun.Clear();
        Look(1, 2, 3, 4);
        Assert.Equal([4UL], _begun.Keys.ToArray());
    }

    /// <summary>The verdict is older than the moment in which it is its turn.</summary>
    [Fact]
    public void WhoDoesNotHaveToAnyMoreStays()
    {
        _stays.Add(2);
        Look(1, 2);
        Assert.Equal([1UL], _begun.Keys.ToArray());
        _stays.Clear();
        Look(2);
        Assert.Equal([1UL, 2], _begun.Keys.ToArray());
    }

    [Fact]
    public void SoManyAtOnceAndThenTheOthers()
    {
        var all = Enumerable.Range(1, SessionEnds.UnderWayMax + 5).Select(static i => (ulong)i).ToArray();
        Look(all);
        Assert.Equal(SessionEnds.UnderWayMax, _begun.Count);
        Assert.Equal(SessionEnds.UnderWayMax, _ends.UnderWay.Count());
        _begun[1].SetResult();
        _begun[7].SetResult();
        _stays.UnionWith([1, 7]);
        Look(all);
        Assert.Equal(SessionEnds.UnderWayMax + 2, _begun.Count);
    }

    [Fact]
    public async Task WhatFailsIsNotSwallowed()
    {
        Look(1);
        _begun[1].SetException(new InvalidOperationException("no"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => _ends.LookAsync([]));
        Assert.Empty(_ends.UnderWay);
    }

    /// <summary>It is over when it returns.</summary>
    private void Look(params ulong[] sessions) => Assert.True(
        _ends.LookAsync([.. sessions.Select(static id => new ClientId(id))]).IsCompletedSuccessfully);

    private Task End(ClientId session, ulong epoch)
    {
        Assert.Equal(7UL, epoch);
        var end = new TaskCompletionSource();
        _begun.Add(session.Value, end);
        return end.Task;
    }
}
