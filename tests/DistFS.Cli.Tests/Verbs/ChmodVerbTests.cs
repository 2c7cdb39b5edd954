namespace DistFS.Cli.Tests.Verbs;

/// <summary>Permission bits.</summary>
[Collection(VerbClusterTests.Name)]
public sealed class ChmodVerbTests(VerbCluster cluster)
{
    [Fact]
    public async Task Bits_are_set_also_of_trees()
    {
        await cluster.OkAsync("mkdir", "-p", "/chmod/a/b");
        await cluster.WriteAsync("/chmod/a/b/file", "");
        await cluster.OkAsync("ln", "-s", "b/file", "/chmod/a/link");
        await cluster.OkAsync("chmod", "600", "/chmod/a/b/file");
        await cluster.OkAsync("chmod", "g+r,o=r", "/chmod/a/link");
        Assert.Equal("-rw-r--r--", await ModeAsync("/chmod/a/b/file"));
        await cluster.OkAsync("chmod", "-R", "u=rwX,go=X", "/chmod/a");
        Assert.Equal("drwx--x--x", await ModeAsync("/chmod/a"));
        Assert.Equal("drwx--x--x", await ModeAsync("/chmod/a/b"));
        Assert.Equal("-rw-------", await ModeAsync("/chmod/a/b/file"));
        await cluster.RefusedAsync(ExitCodes.Usage, "'u+y' is no mode", "chmod", "u+y", "/chmod/a");
        await cluster.RefusedAsync(ExitCodes.NotFound, "no such file", "chmod", "-R", "700", "/chmod/none");
    }

    /// <summary>POSIX, chmod; what GNU does where it leaves a choice.</summary>
    [Theory]
    [InlineData("644", 0b111_111_111, false, 0b110_100_100)]
    [InlineData("u+x", 0b110_100_100, false, 0b111_100_100)]
    [InlineData("go-r", 0b110_100_100, false, 0b110_000_000)]
    [InlineData("a=r", 0b110_100_100, false, 0b100_100_100)]
    [InlineData("+w", 0b100_100_100, false, 0b110_100_100)]
    [InlineData("a+w", 0b100_100_100, false, 0b110_110_110)]
    [InlineData("g=u", 0b110_000_000, false, 0b110_110_000)]
    [InlineData("o=", 0b110_100_100, false, 0b110_100_000)]
    [InlineData("u+rw-x", 0b001_000_000, false, 0b110_000_000)]
    [InlineData("a+X", 0b110_100_100, false, 0b110_100_100)]
    [InlineData("a+X", 0b111_100_100, false, 0b111_101_101)]
    [InlineData("a+X", 0b110_100_100, true, 0b111_101_101)]
    [InlineData("u+s", 0b111_101_101, false, 0b100_111_101_101)]
    [InlineData("+t", 0b111_111_111, true, 0b001_111_111_111)]
    [InlineData("2755", 0b111_000_000, true, 0b010_111_101_101)]
    [InlineData("755", 0b010_111_000_000, true, 0b010_111_101_101)]
    [InlineData("755", 0b010_111_000_000, false, 0b111_101_101)]
    [InlineData("00755", 0b010_111_000_000, true, 0b111_101_101)]
    [InlineData("g=rx", 0b010_111_111_000, true, 0b010_111_101_000)]
    public void Changes_are_those_of_chmod(string text, int before, bool isDirectory, int after)
    {
        Assert.True(ModeChange.TryParse(text, umask: 0b000_010_010, out var change));
        Assert.Equal((uint)after, change!.Apply((uint)before, isDirectory));
    }

    [Theory]
    [InlineData("")]
    [InlineData("888")]
    [InlineData("17777")]
    [InlineData("u")]
    [InlineData("ux")]
    [InlineData("u+x,")]
    [InlineData("z+x")]
    [InlineData("u+ur")]
    public void What_is_no_mode_is_refused(string text) => Assert.False(ModeChange.TryParse(text, 0, out _));

    private async Task<string?> ModeAsync(string path) =>
        (await cluster.OkAsync("stat", "--json", path)).Json.GetProperty("mode").GetString();
}
