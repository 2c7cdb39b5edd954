using DistFS.Metaserver.Hosting;

namespace DistFS.Metaserver.Tests.Hosting;

/// <summary>The time that a leader may hold against a silent client.</summary>
public sealed class LeadTimeTests
{
    private readonly LeadTime _lead = new();
    private ulong _term = 3;
    private TimeSpan _monotonic = TimeSpan.FromHours(3);
    private DateTimeOffset _wall = DateTimeOffset.UnixEpoch.AddYears(50);

    [Fact]
    public void ItGrowsWhileTheMemberLeadsAndLooks()
    {
        Assert.Equal(0, After(250));
        Assert.Equal(250, After(250));
        Assert.Equal(950, After(700));
    }

    [Fact]
    public void WhoDoesNotLeadHasNoneAndBeginsAnew()
    {
        After(250);
        After(250);
        Assert.Null(After(250, isLeader: false));
        Assert.Equal(0, After(250));
        Assert.Equal(250, After(250));
    }

    /// <summary>Lost and regained between two looks: while another one led, this one could hear nobody.</summary>
    [Fact]
    public void ANewLeadershipBeginsAnewAlsoIfNoLookSawTheEndOfTheLast()
    {
        After(250);
        After(250);
        _term++;
        Assert.Equal(0, After(250));
        Assert.Equal(250, After(250));
    }

    [Fact]
    public void APauseIsNobodysSilence()
    {
        After(250);
        After(250);
        Assert.Equal(0, After(20_000));
        Assert.Equal(250, After(250));
    }

    [Theory]
    [InlineData(3600)]
    [InlineData(-3600)]
    [InlineData(1)]
    public void AStepOfTheWallsClockIsNobodysSilence(int seconds)
    {
        After(250);
        After(250);
        _wall = _wall.AddSeconds(seconds);
        Assert.Equal(0, After(250));
        Assert.Equal(250, After(250));
    }

    private double? After(double milliseconds, bool isLeader = true)
    {
        var time = TimeSpan.FromMilliseconds(milliseconds);
        (_monotonic, _wall) = (_monotonic + time, _wall + time);
        return _lead.Look(isLeader, new Term(_term), _monotonic, _wall)?.TotalMilliseconds;
    }
}
