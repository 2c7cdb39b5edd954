namespace DistFS.Cli.Tests;

public class NearestNameTests
{
    [Theory]
    [InlineData("", "", 0)]
    [InlineData("abc", "", 3)]
    [InlineData("pign", "ping", 1)]
    [InlineData("ping", "pong", 1)]
    [InlineData("kitten", "sitting", 3)]
    [InlineData("ca", "abc", 3)]
    public void Distance_counts_edits_and_exchanges(string from, string to, int distance)
    {
        Assert.Equal(distance, NearestName.Distance(from, to));
        Assert.Equal(distance, NearestName.Distance(to, from));
    }

    [Theory]
    [InlineData("verson", "version")]
    [InlineData("VERSION", "version")]
    [InlineData("ver", "version")]
    [InlineData("mount", "unmount")]
    [InlineData("q", null)]
    [InlineData("hello", null)]
    public void Only_what_is_near_is_proposed(string name, string? nearest) =>
        Assert.Equal(nearest, NearestName.Of(name, ["version", "put", "get", "unmount"]));
}
