namespace DistFS.Cli.Tests.Verbs;

/// <summary>Times of files.</summary>
[Collection(VerbClusterTests.Name)]
public sealed class TouchVerbTests(VerbCluster cluster)
{
    [Fact]
    public async Task Times_are_set_and_files_made()
    {
        await cluster.OkAsync("mkdir", "/touch");
        await cluster.OkAsync("touch", "/touch/a", "/touch/b");
        var made = (await cluster.Client.StatAsync("/touch/a")).ModifyTime;
        Assert.InRange(made.Seconds, DateTimeOffset.UtcNow.ToUnixTimeSeconds() - 60, long.MaxValue);
        await cluster.OkAsync("touch", "-c", "/touch/none");
        Assert.Null(await cluster.Client.TryStatAsync("/touch/none"));
        await cluster.OkAsync("touch", "-d", "2026-03-01T12:30:00.5Z", "/touch/a");
        Assert.Equal(new FileTime(1_772_368_200, 500_000_000), (await cluster.Client.StatAsync("/touch/a")).ModifyTime);
        await cluster.OkAsync("touch", "-m", "-d", "@1000", "/touch/a");
        await cluster.OkAsync("touch", "-r", "/touch/a", "/touch/b");
        var (a, b) = (await cluster.Client.StatAsync("/touch/a"), await cluster.Client.StatAsync("/touch/b"));
        Assert.Equal((1000, 1_772_368_200), (a.ModifyTime.Seconds, a.AccessTime.Seconds));
        Assert.Equal((a.ModifyTime, a.AccessTime), (b.ModifyTime, b.AccessTime));
        await cluster.OkAsync("touch", "/touch/*");
        Assert.True((await cluster.Client.StatAsync("/touch/b")).ModifyTime >= made);
        await cluster.RefusedAsync(ExitCodes.Usage, "-d '1.3.2026' is no time", "touch", "-d", "1.3.2026", "/touch/a");
        await cluster.RefusedAsync(
            ExitCodes.Usage, "Give one of -d, -t and -r", "touch", "-d", "@1", "-r", "/touch/a", "/touch/b");
    }

    /// <summary>POSIX, touch: years 69 to 99 are of the last century.</summary>
    [Theory]
    [InlineData("202603011230.15", 2026)]
    [InlineData("2603011230", 2026)]
    [InlineData("7003011230", 1970)]
    public void Stamps_are_read(string text, int year)
    {
        Assert.True(TimeArgument.TryParseStamp(text, out var time));
        Assert.Equal(year, DateTimeOffset.FromUnixTimeSeconds(time.Seconds).Year);
    }

    [Theory]
    [InlineData("")]
    [InlineData("2603")]
    [InlineData("260301123")]
    [InlineData("202613011230")]
    [InlineData("x603011230")]
    public void What_is_no_stamp_is_refused(string text) => Assert.False(TimeArgument.TryParseStamp(text, out _));
}
