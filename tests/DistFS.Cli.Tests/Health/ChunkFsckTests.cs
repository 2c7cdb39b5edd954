namespace DistFS.Cli.Tests.Health;

/// <summary>Chunks of paths; what is wrong with them is in tests/DistFS.TestCluster.Tests.</summary>
[Collection(VerbClusterTests.Name)]
public sealed class ChunkFsckTests(VerbCluster cluster)
{
    [Fact]
    public async Task Sound_chunks_are_counted_and_read()
    {
        await cluster.OkAsync("mkdir", "-p", "/fsck/below");
        await cluster.WriteAsync("/fsck/small", "in the metadata");
        await cluster.WriteAsync("/fsck/below/large", new string('x', 100_000));
        var report = (await cluster.OkAsync("fsck", "--read", "--json", "/fsck")).Json;
        Assert.Equal(
            (2, 1, 3, 300_000, 0),
            (Number("files"), Number("chunks"), Number("copies"), Number("bytesRead"), Number("findingsTotal")));
        var shown = await cluster.OkAsync("fsck", "/fsck/below/large", "/fsck/small");
        Assert.StartsWith("2 files, 1 chunks, 3 copies in ", shown.Out, StringComparison.Ordinal);
        Assert.EndsWith(": nothing is wrong\n", shown.Out, StringComparison.Ordinal);

        int Number(string name) => report.GetProperty(name).GetInt32();
    }

    [Fact]
    public async Task What_is_not_there_or_was_not_said_is_refused()
    {
        await cluster.RefusedAsync(ExitCodes.NotFound, "/no-such: no such file", "fsck", "/no-such");
        await cluster.RefusedAsync(ExitCodes.Usage, "either paths, or --metadata", "fsck");
        await cluster.RefusedAsync(ExitCodes.Usage, "either paths, or --metadata", "fsck", "--metadata", "/");
        await cluster.RefusedAsync(ExitCodes.Usage, "--read is of the chunks", "fsck", "--metadata", "--read");
    }
}
