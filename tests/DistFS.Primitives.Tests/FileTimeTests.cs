using System.Globalization;
namespace DistFS.Primitives.Tests;

public sealed class FileTimeTests
{
    [Fact]
    public void It_is_ordered_by_seconds_and_then_nanoseconds()
    {
        FileTime[] times = [new(-2, 5), new(-1, 0), new(-1, 999_999_999), new(0, 0), new(0, 1), new(long.MaxValue, 0)];
        Assert.Equal(times, times.Reverse().Order());
        Assert.True(times[0] < times[1] && times[1] <= times[2]);
        Assert.True(times[3] > times[2] && times[3] >= new FileTime(0, 0));
    }

    [Fact]
    public void The_next_one_is_a_nanosecond_later()
    {
        Assert.Equal(new FileTime(5, 1), new FileTime(5, 0).Next);
        Assert.Equal(new FileTime(0, 0), new FileTime(-1, 999_999_999).Next);
    }

    [Theory]
    [InlineData(0, 0, 0, 0, 0)]
    [InlineData(1, 999_999_950, 1, 3, 50)]
    [InlineData(-1, 0, 20_000_000, 1, 0)]
    public void Later_by_a_time(long seconds, uint nanoseconds, long ticks, long laterSeconds, uint laterNanoseconds)
    {
        var time = ticks == 1 ? new TimeSpan(TimeSpan.TicksPerSecond + 1) : new TimeSpan(ticks);
        Assert.Equal(
            new FileTime(laterSeconds, laterNanoseconds), new FileTime(seconds, nanoseconds).Plus(time));
    }

    [Theory]
    [InlineData(0, 0, "0.000000000")]
    [InlineData(12, 5, "12.000000005")]
    [InlineData(-1, 0, "-1.000000000")]
    [InlineData(-1, 999_999_999, "-0.000000001")]
    [InlineData(-3, 250_000_000, "-2.750000000")]
    public void It_is_printed_as_seconds(long seconds, uint nanoseconds, string text) =>
        Assert.Equal(text, new FileTime(seconds, nanoseconds).ToString());

    [Fact]
    public void What_is_no_time()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new FileTime(0, FileTime.NanosecondsPerSecond));
        Assert.Throws<ArgumentOutOfRangeException>(() => new FileTime(0, 0).Plus(new TimeSpan(-1)));
    }

    [Theory]
    [InlineData("1970-01-01T00:00:00Z", 0, 0)]
    [InlineData("1970-01-01T00:00:01.5Z", 1, 500_000_000)]
    [InlineData("1969-12-31T23:59:59.9999999Z", -1, 999_999_900)]
    [InlineData("1969-12-31T23:59:58Z", -2, 0)]
    [InlineData("2026-01-01T01:00:00+01:00", 1_767_225_600, 0)]
    public void A_moment_of_the_system(string time, long seconds, uint nanoseconds) => Assert.Equal(
        new FileTime(seconds, nanoseconds), FileTime.Of(DateTimeOffset.Parse(time, CultureInfo.InvariantCulture)));
}
