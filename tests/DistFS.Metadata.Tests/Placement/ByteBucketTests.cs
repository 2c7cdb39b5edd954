using DistFS.Metadata.Placement;

namespace DistFS.Metadata.Tests.Placement;

public sealed class ByteBucketTests
{
    [Fact]
    public void It_gives_its_rate_over_time_whatever_the_size_of_what_begins()
    {
        var bucket = new ByteBucket(1000, nowMs: 0);
        var taken = 0L;
        for (var nowMs = 0L; nowMs < 100_000; nowMs += 7)
        {
            bucket.Advance(nowMs);
            if (bucket.HasAny)
            {
                bucket.Take(3333);
                taken += 3333;
            }

            Assert.True(taken <= (nowMs + 1000) + 3333);
        }

        Assert.InRange(taken, 98_000, 104_500);
    }

    [Fact]
    public void One_second_may_be_saved_and_no_more_however_long_it_rests()
    {
        var bucket = new ByteBucket(1000, nowMs: 0);
        bucket.Advance(long.MaxValue / 2);
        bucket.Take(1000);
        Assert.False(bucket.HasAny);
        bucket.Advance((long.MaxValue / 2) - 5);
        Assert.False(bucket.HasAny);
        bucket.Advance((long.MaxValue / 2) + 1);
        Assert.True(bucket.HasAny);
    }

    [Fact]
    public void A_lower_rate_holds_at_once()
    {
        var bucket = new ByteBucket(1_000_000, nowMs: 0);
        bucket.SetRate(10);
        bucket.Take(10);
        Assert.False(bucket.HasAny);
        Assert.Equal(10, bucket.BytesPerSecond);
    }
}
