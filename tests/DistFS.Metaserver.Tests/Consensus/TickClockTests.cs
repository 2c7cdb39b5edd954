using DistFS.Metaserver.Consensus;

namespace DistFS.Metaserver.Tests.Consensus;

/// <summary>Ticks of 10, heartbeats of 5 ticks, election time-outs of 50.</summary>
public sealed class TickClockTests
{
    [Theory]
    [InlineData(9, false, 0)]
    [InlineData(10, false, 1)]
    [InlineData(39, true, 3)]
    public void TimeBecomesTicks(long now, bool isLeader, int ticks) => Assert.Equal(ticks, Take(now, isLeader));

    [Theory]
    [InlineData(490)]
    [InlineData(100_000)]
    public void AFollowerThatWasLateDoesNotTakeItForTheSilenceOfItsLeader(long now) =>
        Assert.Equal(5, Take(now, isLeader: false));

    [Theory]
    [InlineData(490, 5)]
    [InlineData(500, 50)]
    [InlineData(770, 77)]
    [InlineData(100_000, 100)]
    public void ALeaderThatWasPausedChecksItsQuorum(long now, int ticks) =>
        Assert.Equal(ticks, Take(now, isLeader: true));

    [Fact]
    public void WhatWasCutOffIsNotOwedLater()
    {
        var clock = new TickClock(10, 0);
        clock.Take(100_000, false, 5, 50);
        Assert.Equal(0, clock.Take(100_009, false, 5, 50));
        Assert.Equal(1, clock.Until(100_009));
        Assert.Equal(1, clock.Take(100_010, false, 5, 50));
    }

    private static int Take(long now, bool isLeader) => new TickClock(10, 0).Take(now, isLeader, 5, 50);
}
