namespace DistFS.Cli.Tests.Verbs;

/// <summary>Links.</summary>
[Collection(VerbClusterTests.Name)]
public sealed class LnVerbTests(VerbCluster cluster)
{
    [Fact]
    public async Task Links_are_made_and_replaced()
    {
        await cluster.OkAsync("mkdir", "-p", "/ln/dir");
        await cluster.WriteAsync("/ln/a", "a");
        await cluster.WriteAsync("/ln/b", "b");
        await cluster.OkAsync("ln", "/ln/a", "/ln/hard");
        Assert.Equal(2u, (await cluster.Client.StatAsync("/ln/hard")).Links);
        await cluster.OkAsync("ln", "-s", "a", "/ln/soft");
        Assert.Equal("a", await cluster.ReadAsync("/ln/soft"));
        await cluster.RefusedAsync(ExitCodes.Failed, "exists already", "ln", "-s", "b", "/ln/soft");
        await cluster.OkAsync("ln", "-s", "-f", "b", "/ln/soft");
        Assert.Equal("b", await cluster.ReadAsync("/ln/soft"));
        await cluster.OkAsync("ln", "-f", "/ln/b", "/ln/hard");
        await cluster.OkAsync("ln", "-f", "/ln/b", "/ln/hard");
        Assert.Equal("b", await cluster.ReadAsync("/ln/hard"));
        await cluster.OkAsync("ln", "-s", "../a", "/ln/dir");
        Assert.Equal("a", await cluster.ReadAsync("/ln/dir/a"));

        // With -f a link to a directory is replaced, and not entered; and nothing temporary stays.
        await cluster.OkAsync("ln", "-s", "dir", "/ln/current");
        await cluster.OkAsync("ln", "-s", "-f", "other", "/ln/current");
        Assert.Equal("other", await cluster.Client.ReadLinkAsync("/ln/current"));
        Assert.Equal("a\nb\ncurrent\ndir\nhard\nsoft\n", (await cluster.OkAsync("ls", "-a", "/ln")).Out);
        await cluster.RefusedAsync(ExitCodes.NotFound, "no such file", "ln", "/ln/none", "/ln/x");
    }
}
