using DistFS.Chunkserver.Copies;

namespace DistFS.Chunkserver.Tests.Copies;

public sealed class CopyRateTests
{
    private const int MiB = 1 << 20;
    private readonly ManualClock _clock = new();

    [Fact]
    public void Nothing_is_held_back_before_a_rate_is_known()
    {
        var rate = new CopyRate(_clock);
        Assert.All(Enumerable.Range(0, 100), _ => Assert.Equal(TimeSpan.Zero, rate.TryTake(64 * MiB)));
    }

    [Fact]
    public void In_the_long_run_it_is_the_rate()
    {
        var rate = new CopyRate(_clock) { BytesPerSecond = 10 * MiB };
        long taken = 0;
        for (var ms = 0; ms < 20_000; ms += 10)
        {
            while (rate.TryTake(MiB) == TimeSpan.Zero)
            {
                taken += MiB;
            }

            _clock.Move(TimeSpan.FromMilliseconds(10));
        }

        Assert.InRange(taken, 199L * MiB, 205L * MiB);
    }

    [Fact]
    public void A_pause_saves_up_next_to_nothing()
    {
        var rate = new CopyRate(_clock) { BytesPerSecond = 4 * MiB };
        _clock.Move(TimeSpan.FromHours(1));
        Assert.Equal(TimeSpan.Zero, rate.TryTake(MiB));
        Assert.InRange(rate.TryTake(MiB), TimeSpan.FromMilliseconds(200), TimeSpan.FromMilliseconds(300));
    }

    [Fact]
    public void What_was_less_than_thought_is_given_back()
    {
        var rate = new CopyRate(_clock) { BytesPerSecond = MiB };
        Assert.Equal(TimeSpan.Zero, rate.TryTake(MiB));
        Assert.NotEqual(TimeSpan.Zero, rate.TryTake(1));
        rate.Correct(-MiB);
        Assert.Equal(TimeSpan.Zero, rate.TryTake(1));
    }
}
