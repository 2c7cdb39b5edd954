namespace DistFS.Cli.Tests.Verbs;

/// <summary>The last part of files.</summary>
[Collection(VerbClusterTests.Name)]
public sealed class TailVerbTests(VerbCluster cluster)
{
    [Fact]
    public async Task The_last_lines_or_bytes_are_printed()
    {
        await cluster.OkAsync("mkdir", "/tail");
        await cluster.WriteAsync("/tail/a", string.Concat(Enumerable.Range(1, 20).Select(static i => $"line {i}\n")));
        await cluster.WriteAsync("/tail/b", "one\ntwo");
        await cluster.WriteAsync("/tail/empty", "");
        Assert.StartsWith(
            "line 11\nline 12\n", (await cluster.OkAsync("tail", "/tail/a")).Out, StringComparison.Ordinal);
        Assert.Equal("line 19\nline 20\n", (await cluster.OkAsync("tail", "-n", "2", "/tail/a")).Out);
        Assert.Equal("line 20\n", (await cluster.OkAsync("tail", "-n", "+20", "/tail/a")).Out);
        Assert.Equal("two", (await cluster.OkAsync("tail", "-n", "1", "/tail/b")).Out);
        Assert.Equal("one\ntwo", (await cluster.OkAsync("tail", "-n", "2", "/tail/b")).Out);
        Assert.Equal("wo", (await cluster.OkAsync("tail", "-c", "2", "/tail/b")).Out);
        Assert.Equal("ne\ntwo", (await cluster.OkAsync("tail", "-c", "+2", "/tail/b")).Out);
        Assert.Equal("", (await cluster.OkAsync("tail", "/tail/empty")).Out);
    }

    /// <summary>Lines that lie across many reads, and an end that is found without reading what is before.</summary>
    [Fact]
    public async Task Long_files_are_read_from_their_end()
    {
        await cluster.OkAsync("mkdir", "/tail-long");
        var (first, last) = (new string('a', 1_500_000), new string('b', 2_500_000));
        await cluster.WriteAsync("/tail-long/a", $"{first}\n{last}\nc\n");
        Assert.Equal($"{last}\nc\n", (await cluster.OkAsync("tail", "-n", "2", "/tail-long/a")).Out);
        Assert.Equal($"{last}\nc\n", (await cluster.OkAsync("tail", "-n", "+2", "/tail-long/a")).Out);
        Assert.Equal($"{first}\n", (await cluster.OkAsync("head", "-n", "1", "/tail-long/a")).Out);

        // 1 TiB of zeros, of which a tail that read from the start would not come to the end.
        await cluster.OkAsync("truncate", "-s", "1TiB", "/tail-long/hole");
        await using (var file = await cluster.Client.OpenWriteAsync("/tail-long/hole"))
        {
            await file.WriteAsync(1L << 40, "\nend\n"u8.ToArray());
        }

        Assert.Equal("end\n", (await cluster.OkAsync("tail", "-n", "1", "/tail-long/hole")).Out);
    }
}
