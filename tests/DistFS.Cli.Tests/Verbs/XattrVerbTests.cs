namespace DistFS.Cli.Tests.Verbs;

/// <summary>Extended attributes.</summary>
[Collection(VerbClusterTests.Name)]
public sealed class XattrVerbTests(VerbCluster cluster)
{
    [Fact]
    public async Task Attributes_are_set_shown_and_removed()
    {
        await cluster.WriteAsync("/xattr", "");
        await cluster.OkAsync("xattr", "set", "/xattr", "origin", "lab 7");
        await cluster.OkAsync("xattr", "set", "/xattr", "user.bytes", "0x00ff");
        Assert.Equal("lab 7\n", (await cluster.OkAsync("xattr", "get", "/xattr", "user.origin")).Out);
        Assert.Equal("lab 7", (await cluster.OkAsync("xattr", "get", "--raw", "/xattr", "origin")).Out);
        Assert.Equal(
            "user.bytes=0x00ff\nuser.origin=\"lab 7\"\n", (await cluster.OkAsync("xattr", "list", "/xattr")).Out);
        await cluster.RefusedAsync(
            ExitCodes.Failed, "exists already", "xattr", "set", "--create", "/xattr", "origin", "x");
        await cluster.RefusedAsync(
            ExitCodes.NotFound, "no such attribute", "xattr", "set", "--replace", "/xattr", "new", "x");
        await cluster.RunWithAsync("from stdin", "xattr", "set", "/xattr", "origin", "-");
        var entry = (await cluster.OkAsync("xattr", "get", "--json", "/xattr", "origin")).Json;
        Assert.Equal(("from stdin", 10), (entry.GetProperty("text").GetString(), entry.GetProperty("size").GetInt32()));
        await cluster.OkAsync("xattr", "rm", "/xattr", "origin");
        await cluster.RefusedAsync(ExitCodes.NotFound, "no attribute user.origin", "xattr", "get", "/xattr", "origin");
        await cluster.RefusedAsync(ExitCodes.NotFound, "no such attribute", "xattr", "rm", "/xattr", "origin");
        await cluster.RefusedAsync(ExitCodes.Usage, "no even number", "xattr", "set", "/xattr", "a", "0xabc");
    }
}
