namespace DistFS.Cli.Tests.Verbs;

/// <summary>Copies within the cluster.</summary>
[Collection(VerbClusterTests.Name)]
public sealed class CpVerbTests(VerbCluster cluster)
{
    [Fact]
    public async Task A_copy_shares_the_bytes_until_one_is_written()
    {
        await cluster.OkAsync("mkdir", "-p", "/cp/into");
        var text = string.Concat(Enumerable.Repeat("0123456789abcdef", 20_000));
        await cluster.WriteAsync("/cp/big", text);
        await cluster.WriteAsync("/cp/small", "small");
        await cluster.WriteAsync("/cp/empty", "");
        await cluster.OkAsync("chmod", "440", "/cp/small");
        await cluster.OkAsync("cp", "/cp/big", "/cp/small", "/cp/empty", "/cp/into");
        Assert.Equal(text, await cluster.ReadAsync("/cp/into/big"));
        Assert.Equal("small", await cluster.ReadAsync("/cp/into/small"));
        Assert.Equal("", await cluster.ReadAsync("/cp/into/empty"));
        Assert.Equal(0b100_100_000u, (await cluster.Client.StatAsync("/cp/into/small")).Mode);
        Assert.Equal(await ChunksAsync("/cp/big"), await ChunksAsync("/cp/into/big"));
        await using (var file = await cluster.Client.OpenWriteAsync("/cp/into/big"))
        {
            await file.WriteAsync(0, "X"u8.ToArray());
        }

        Assert.Equal(text, await cluster.ReadAsync("/cp/big"));
        Assert.Equal("X" + text[1..], await cluster.ReadAsync("/cp/into/big"));
        await cluster.RefusedAsync(ExitCodes.Failed, "DFS1510: /cp/into/big: exists", "cp", "/cp/big", "/cp/into");
        await cluster.OkAsync("cp", "-f", "/cp/big", "/cp/into/big");
        Assert.Equal(text, await cluster.ReadAsync("/cp/into/big"));
        await cluster.RefusedAsync(ExitCodes.Failed, "the same file", "cp", "-f", "/cp/big", "/cp/big");
        Assert.Equal("big\nempty\ninto\nsmall\n", (await cluster.OkAsync("ls", "-a", "/cp")).Out);
        Assert.Equal("big\nempty\nsmall\n", (await cluster.OkAsync("ls", "-a", "/cp/into")).Out);
    }

    [Fact]
    public async Task A_tree_is_copied_with_modes_times_and_links()
    {
        await cluster.OkAsync("mkdir", "-p", "/cpr/a/b/c");
        await cluster.WriteAsync("/cpr/a/b/file", "content");
        await cluster.OkAsync("ln", "-s", "b/file", "/cpr/a/link");
        await cluster.OkAsync("chmod", "711", "/cpr/a/b");
        await cluster.OkAsync("touch", "-d", "2020-02-03T04:05:06Z", "/cpr/a/b/file", "/cpr/a/b");
        await cluster.RefusedAsync(ExitCodes.Failed, "is a directory; add -r to cp", "cp", "/cpr/a", "/cpr/x");
        await cluster.OkAsync("cp", "-r", "-p", "/cpr/a", "/cpr/copy");
        var (file, directory) = (await StatAsync("/cpr/copy/b/file"), await StatAsync("/cpr/copy/b"));
        Assert.Equal("2020-02-03 04:05:06.000000000Z", file.GetProperty("modified").GetString());
        Assert.Equal("2020-02-03 04:05:06.000000000Z", directory.GetProperty("modified").GetString());
        Assert.Equal("drwx--x--x", directory.GetProperty("mode").GetString());
        Assert.Equal("b/file", await cluster.Client.ReadLinkAsync("/cpr/copy/link"));
        Assert.Equal("content", await cluster.ReadAsync("/cpr/copy/link"));
        Assert.True((await cluster.Client.StatAsync("/cpr/copy/b/c")).IsDirectory);

        // Into itself it is copied once, and not for ever.
        await cluster.RefusedAsync(ExitCodes.Failed, "into itself", "cp", "-r", "/cpr/a", "/cpr/a/b");
        Assert.Equal("content", await cluster.ReadAsync("/cpr/a/b/a/b/file"));
        Assert.Null(await cluster.Client.TryStatAsync("/cpr/a/b/a/b/a"));
    }

    private async Task<System.Text.Json.JsonElement> StatAsync(string path) =>
        (await cluster.OkAsync("stat", "--json", path)).Json;

    private async Task<IEnumerable<ChunkId>> ChunksAsync(string path) =>
        (await cluster.Client.GetBlockLocationsAsync(path)).Select(static one => one.Chunk);
}
