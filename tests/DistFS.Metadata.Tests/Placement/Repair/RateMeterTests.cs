using DistFS.Metadata.Placement.Repair;

namespace DistFS.Metadata.Tests.Placement.Repair;

/// <summary>How fast copies are said to be made: what the rest is reckoned by.</summary>
public sealed class RateMeterTests
{
    private readonly RateMeter _meter = new();

    [Fact]
    public void Nothing_has_no_rate() => Assert.Equal(0, _meter.BytesPerSecond(5_000));

    [Fact]
    public void It_counts_from_when_the_work_began()
    {
        _meter.Begin(10_000);
        _meter.Add(4_000, 12_000);
        Assert.Equal(2_000, _meter.BytesPerSecond(12_000));
        _meter.Add(4_000, 14_000);
        Assert.Equal(2_000, _meter.BytesPerSecond(14_000));
    }

    /// <summary>A repair a minute ago is no reason to think that this one takes for ever.</summary>
    [Fact]
    public void A_pause_between_two_repairs_does_not_count()
    {
        _meter.Begin(0);
        _meter.Add(1_000, 1_000);
        _meter.Begin(50_000);
        _meter.Add(6_000, 53_000);
        Assert.Equal(2_000, _meter.BytesPerSecond(53_000));
    }

    /// <summary>One chunk after the other, with a moment between: that is how fast it goes.</summary>
    [Fact]
    public void A_moment_without_work_counts()
    {
        _meter.Begin(0);
        _meter.Add(2_000, 1_000);
        _meter.Begin(5_000);
        _meter.Add(8_000, 10_000);
        Assert.Equal(1_000, _meter.BytesPerSecond(10_000));
    }

    [Fact]
    public void What_is_longer_ago_than_a_minute_is_forgotten()
    {
        _meter.Begin(0);
        for (var second = 1; second <= 100; second++)
        {
            _meter.Add(second <= 50 ? 0 : 1_000, second * 1_000);
        }

        Assert.InRange(_meter.BytesPerSecond(160_000), 0, 1);
        _meter.Add(60_000, 161_000);
        Assert.Equal(1_000, _meter.BytesPerSecond(161_000));
    }
}
