namespace DistFS.Rpc.Tests.Frames;

/// <summary>The clock by which peers are judged: it runs with the wall's and does not count our own pauses.</summary>
public sealed class PatientClockTests
{
    [Fact]
    public void It_runs_as_the_wall_does()
    {
        var clock = new PatientClock();
        var began = clock.Advance(1_000_000);
        for (var wall = 1_000_020; wall <= 1_002_000; wall += 20)
        {
            clock.Advance(wall);
        }

        Assert.Equal(2_000, clock.Now - began);
    }

    [Fact]
    public void A_pause_counts_for_one_step()
    {
        var clock = new PatientClock();
        var began = clock.Advance(1_000_000);
        clock.Advance(1_020_000);
        Assert.Equal(PatientClock.StepMsMax, clock.Now - began);
        clock.Advance(1_020_020);
        Assert.Equal(PatientClock.StepMsMax + 20, clock.Now - began);
    }

    [Fact]
    public void It_never_goes_back()
    {
        var clock = new PatientClock();
        var began = clock.Advance(1_000_000);
        clock.Advance(999_000);
        Assert.Equal(began, clock.Now);
        clock.Advance(999_020);
        Assert.Equal(began + 20, clock.Now);
    }
}
