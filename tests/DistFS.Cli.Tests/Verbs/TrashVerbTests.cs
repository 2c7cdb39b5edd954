namespace DistFS.Cli.Tests.Verbs;

/// <summary>What was removed and is kept for a while.</summary>
[Collection(VerbClusterTests.Name)]
public sealed class TrashVerbTests(VerbCluster cluster)
{
    [Fact]
    public async Task What_was_removed_comes_back_or_goes_for_good()
    {
        await cluster.OkAsync("mkdir", "-p", "/trash/tree/sub");
        Assert.Contains("not kept", (await cluster.OkAsync("trash", "keep", "/trash")).Out, StringComparison.Ordinal);
        Assert.Equal(
            "/trash: what is removed is kept for 7d (its own setting)\n",
            (await cluster.OkAsync("trash", "keep", "/trash", "7d")).Out);
        Assert.Equal(
            "/trash/tree: what is removed is kept for 7d (the setting of a directory above)\n",
            (await cluster.OkAsync("trash", "keep", "/trash/tree")).Out);
        await cluster.WriteAsync("/trash/a", "first");
        await cluster.OkAsync("rm", "/trash/a");
        await cluster.WriteAsync("/trash/a", "second");
        await cluster.OkAsync("rm", "/trash/a");
        Assert.Equal(["/trash/a 5", "/trash/a 6"], await ListAsync());

        // What was removed last comes back; then its name is taken.
        await cluster.OkAsync("trash", "restore", "/trash/a");
        Assert.Equal("second", await cluster.ReadAsync("/trash/a"));
        await cluster.RefusedAsync(ExitCodes.Failed, "exists already", "trash", "restore", "/trash/a");
        await cluster.OkAsync("trash", "restore", "/trash/a", "--to", "/trash/tree/b");
        Assert.Equal("first", await cluster.ReadAsync("/trash/tree/b"));
        await cluster.RefusedAsync(ExitCodes.NotFound, "not in the trash", "trash", "restore", "/trash/a");

        await cluster.WriteAsync("/trash/tree/sub/deep", "deep");
        await cluster.OkAsync("rm", "-r", "/trash/tree");
        Assert.Equal(
            ["/trash/tree 0", "/trash/tree/b 5", "/trash/tree/sub 0", "/trash/tree/sub/deep 4"], await ListAsync());
        await cluster.OkAsync("trash", "restore", "-r", "/trash/tree");
        Assert.Equal("deep", await cluster.ReadAsync("/trash/tree/sub/deep"));
        await cluster.OkAsync("rm", "-r", "/trash/tree");
        Assert.Equal(
            "4 files and directories, 9 B would go for good\n",
            (await cluster.OkAsync("trash", "empty", "--dry-run", "/trash")).Out);
        Assert.Equal(4, (await ListAsync()).Length);
        await cluster.OkAsync("trash", "empty", "/trash");
        Assert.Empty(await ListAsync());
        await cluster.OkAsync("trash", "list");
        await cluster.OkAsync("trash", "keep", "/trash", "inherit");
        await cluster.RefusedAsync(ExitCodes.Usage, "'soon' is no time", "trash", "keep", "/trash", "soon");
    }

    private async Task<string[]> ListAsync() =>
    [
        .. (await cluster.OkAsync("trash", "list", "--json", "/trash")).Json.GetProperty("entries").EnumerateArray()
            .Select(static one => $"{one.GetProperty("path")} {one.GetProperty("size")}").Order(StringComparer.Ordinal),
    ];
}
