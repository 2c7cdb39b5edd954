namespace DistFS.Cli.Tests.Verbs;

/// <summary>The first part of files.</summary>
[Collection(VerbClusterTests.Name)]
public sealed class HeadVerbTests(VerbCluster cluster)
{
    [Fact]
    public async Task The_first_lines_or_bytes_are_printed()
    {
        await cluster.OkAsync("mkdir", "/head");
        await cluster.WriteAsync("/head/a", string.Concat(Enumerable.Range(1, 20).Select(static i => $"line {i}\n")));
        await cluster.WriteAsync("/head/b", "no end");
        Assert.EndsWith("line 9\nline 10\n", (await cluster.OkAsync("head", "/head/a")).Out, StringComparison.Ordinal);
        Assert.Equal("line 1\nline 2\n", (await cluster.OkAsync("head", "-n", "2", "/head/a")).Out);
        Assert.Equal("line 1\n", (await cluster.OkAsync("head", "-n", "-19", "/head/a")).Out);
        Assert.Equal("line", (await cluster.OkAsync("head", "-c", "4", "/head/a")).Out);
        Assert.Equal("no ", (await cluster.OkAsync("head", "-c", "-3", "/head/b")).Out);
        Assert.Equal("", (await cluster.OkAsync("head", "-n", "0", "/head/a")).Out);
        Assert.Equal("no end", (await cluster.OkAsync("head", "-n", "5", "/head/b")).Out);
        Assert.Equal(
            "==> /head/a <==\nline 1\n\n==> /head/b <==\nno end",
            (await cluster.OkAsync("head", "-n", "1", "/head/*")).Out);
        Assert.Equal("lino ", (await cluster.OkAsync("head", "-q", "-c", "2", "/head/a", "/head/b")).Out[..2]
            + (await cluster.OkAsync("head", "-c", "3", "/head/b")).Out);
        await cluster.RefusedAsync(ExitCodes.NotFound, "/head/c: no such file", "head", "/head/c");
        await cluster.RefusedAsync(ExitCodes.Usage, "-n 'x' is no number", "head", "-n", "x", "/head/a");
    }
}
