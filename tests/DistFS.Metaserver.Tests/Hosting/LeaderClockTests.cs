using DistFS.Metaserver.Hosting;

namespace DistFS.Metaserver.Tests.Hosting;

/// <summary>The clock of a leader beside what was logged by others.</summary>
public sealed class LeaderClockTests
{
    private static readonly DateTimeOffset Begin = DateTimeOffset.UnixEpoch.AddYears(50);

    private readonly Wall _wall = new();
    private readonly LeaderClock _clock;

    public LeaderClockTests() => _clock = new LeaderClock(_wall);

    [Fact]
    public void ItIsTheWallsClockWhenTheLogIsBehindIt()
    {
        Log(TimeSpan.FromDays(-1));
        Assert.Equal(Begin, _clock.GetUtcNow());
        Pass(TimeSpan.FromHours(1));
        Assert.Equal(Begin.AddHours(1), _clock.GetUtcNow());
    }

    [Fact]
    public void AheadOfTheWallTimeGoesOn()
    {
        Log(TimeSpan.FromDays(365));
        Assert.Equal(Begin.AddDays(365), _clock.GetUtcNow());
        Pass(TimeSpan.FromSeconds(16));
        Assert.Equal(Begin.AddDays(365).AddSeconds(15), _clock.GetUtcNow());
    }

    [Fact]
    public void ItsOwnEntriesDoNotMakeItFaster()
    {
        Log(TimeSpan.FromDays(365));
        for (var i = 0; i < 1_600; i++)
        {
            Pass(TimeSpan.FromMilliseconds(10));
            _clock.Logged(FileTime.Of(_clock.GetUtcNow()));
        }

        var passed = _clock.GetUtcNow() - Begin.AddDays(365);
        Assert.InRange(passed, TimeSpan.FromSeconds(14.999), TimeSpan.FromSeconds(15.001));
    }

    [Fact]
    public void TheWallComesUpWithIt()
    {
        Log(TimeSpan.FromSeconds(10));
        Pass(TimeSpan.FromSeconds(159));
        Assert.True(_clock.GetUtcNow() > _wall.GetUtcNow());
        Pass(TimeSpan.FromSeconds(2));
        Assert.Equal(_wall.GetUtcNow(), _clock.GetUtcNow());
    }

    [Fact]
    public void AWallThatIsSetBackDoesNotStopIt()
    {
        Log(TimeSpan.Zero);
        _wall.Utc = Begin.AddYears(-10);
        Pass(TimeSpan.FromSeconds(32));
        Assert.Equal(Begin.AddSeconds(30), _clock.GetUtcNow());
    }

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    [InlineData(-1)]
    [InlineData(253_402_300_799)]
    public void WhatNoClockSaysIsNotBelieved(long seconds)
    {
        _clock.Logged(new FileTime(seconds, 0));
        Assert.Equal(Begin, _clock.GetUtcNow());
    }

    private void Log(TimeSpan afterBegin) => _clock.Logged(FileTime.Of(Begin + afterBegin));

    private void Pass(TimeSpan time)
    {
        _wall.Utc += time;
        _wall.Monotonic += time;
    }

    private sealed class Wall : TimeProvider
    {
        public DateTimeOffset Utc { get; set; } = Begin;

        public TimeSpan Monotonic { get; set; } = TimeSpan.FromHours(1);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override DateTimeOffset GetUtcNow() => Utc;

        public override long GetTimestamp() => Monotonic.Ticks;
    }
}
