namespace DistFS.Cli.Tests;

public class DurationTests
{
    [Theory]
    [InlineData("500ms", 500, "500ms")]
    [InlineData("10s", 10_000, "10s")]
    [InlineData(" 1.5 m", 90_000, "90s")]
    [InlineData("2h", 7_200_000, "2h")]
    [InlineData("1d", 86_400_000, "1d")]
    [InlineData("1500ms", 1_500, "1500ms")]
    [InlineData("0s", 0, "0ms")]
    public void Reads_and_prints(string text, long milliseconds, string printed)
    {
        Assert.True(Duration.TryParse(text, out var duration));
        Assert.Equal(milliseconds, duration.TotalMilliseconds);
        Assert.Equal(printed, Duration.Format(duration));
    }

    [Theory]
    [InlineData("")]
    [InlineData("10")]
    [InlineData("s")]
    [InlineData("-1s")]
    [InlineData("1,5s")]
    [InlineData("1e3s")]
    [InlineData("10 parsecs")]
    [InlineData("99999999999999999999d")]
    public void Refuses_what_is_no_duration(string text) => Assert.False(Duration.TryParse(text, out _));

    [Theory]
    [InlineData(312, "312 µs")]
    [InlineData(1_240, "1.24 ms")]
    [InlineData(12_400, "12.4 ms")]
    [InlineData(3_500_000, "3.5 s")]
    [InlineData(125_000_000, "2m 5s")]
    [InlineData(7_500_000_000, "2h 5m")]
    [InlineData(270_000_000_000, "3d 3h")]
    public void Prints_for_people(long microseconds, string text) =>
        Assert.Equal(text, Duration.ForPeople(TimeSpan.FromMicroseconds(microseconds)));
}
