namespace DistFS.Cli.Tests.Verbs;

/// <summary>What directories take.</summary>
[Collection(VerbClusterTests.Name)]
public sealed class DuVerbTests(VerbCluster cluster)
{
    [Fact]
    public async Task What_directories_take_is_added_up()
    {
        await cluster.OkAsync("mkdir", "-p", "/du/a/b");
        await cluster.WriteAsync("/du/a/x", new string('x', 1000));
        await cluster.WriteAsync("/du/a/b/y", new string('y', 200));
        await cluster.OkAsync("ln", "/du/a/x", "/du/a/b/hard");
        await cluster.OkAsync("truncate", "-s", "1GiB", "/du/hole");
        Assert.Equal("1200\t/du/a/b\n1200\t/du/a\n1200\t/du\n", (await cluster.OkAsync("du", "/du")).Out);
        Assert.Equal(
            $"{(1L << 30) + 1200}\t/du\n", (await cluster.OkAsync("du", "-s", "--apparent", "/du")).Out);
        Assert.Equal("1 GiB\t/du\n", (await cluster.OkAsync("du", "-s", "--apparent", "--human", "/du")).Out);
        Assert.Equal("1 GiB\t/du\n", (await cluster.OkAsync("du", "-sh", "--apparent", "/du")).Out);
        Assert.Contains("Usage:", (await cluster.OkAsync("du", "--help")).Out, StringComparison.Ordinal);
        Assert.Equal("1200\t/du/a\n1200\t/du\n", (await cluster.OkAsync("du", "-d", "1", "/du")).Out);
        Assert.Contains("0\t/du/hole\n", (await cluster.OkAsync("du", "-a", "/du")).Out, StringComparison.Ordinal);
        var document = (await cluster.OkAsync("du", "-s", "--json", "/du/*")).Json.GetProperty("entries");
        Assert.Equal(
            ["/du/a 1200 5", "/du/hole 0 1"],
            document.EnumerateArray().Select(static one =>
                $"{one.GetProperty("path")} {one.GetProperty("storedBytes")} {one.GetProperty("inodes")}"));
        await cluster.RefusedAsync(ExitCodes.NotFound, "no such file", "du", "/du/none");
    }
}
