namespace DistFS.Cli.Tests.Verbs;

/// <summary>Sums of files.</summary>
[Collection(VerbClusterTests.Name)]
public sealed class ChecksumVerbTests(VerbCluster cluster) : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Sums_are_those_of_sha256sum()
    {
        await cluster.OkAsync("mkdir", "/sums");
        await cluster.WriteAsync("/sums/a", new string('a', 3_000_000));
        await cluster.WriteAsync("/sums/b", "123456789");
        var sums = (await cluster.OkAsync("checksum", "/sums/*")).Out;
        await cluster.OkAsync("get", "-r", "/sums", _folder.Sub("sums"));
        var list = _folder.File("LIST", sums.Replace("/sums/", _folder.Sub("sums/"), StringComparison.Ordinal));
        using (var other = DfsProcess.Start("sha256sum", "-c", "--quiet", list))
        {
            var checkedBy = await DfsProcess.EndAsync(other);
            Assert.True(checkedBy.ExitCode == 0, checkedBy.Error + checkedBy.Out);
        }

        Assert.Equal("e3069283  /sums/b\n", (await cluster.OkAsync("checksum", "-a", "crc32c", "/sums/b")).Out);
        list = _folder.File("LIST", sums + "E3069283 */sums/b\n");
        Assert.Equal("/sums/a: OK\n/sums/b: OK\n/sums/b: OK\n", (await cluster.OkAsync("checksum", "-c", list)).Out);
        await cluster.WriteAsync("/sums/b", "12345678x");
        await cluster.OkAsync("rm", "/sums/a");
        var wrong = await cluster.RefusedAsync(ExitCodes.Failed, "3 files do not have", "checksum", "-c", "-q", list);
        Assert.Equal("/sums/b: FAILED\n/sums/b: FAILED\n", wrong.Out);
        Assert.Contains("/sums/a: no such file", wrong.Error, StringComparison.Ordinal);
        Assert.Equal(
            ExitCodes.Failed, (await cluster.RunWithAsync("e3069283  /sums/b\n", "checksum", "-c", "-")).ExitCode);
        await cluster.RefusedAsync(
            ExitCodes.Usage, "is no sum and name", "checksum", "-c", _folder.File("x", "nothing\n"));
        await cluster.RefusedAsync(ExitCodes.Failed, "DFS1511: local ", "checksum", "-c", _folder.Sub("none"));
    }

    [Theory]
    [InlineData("/a b", "e3069283  /a b")]
    [InlineData("/a\nb", @"\e3069283  /a\nb")]
    [InlineData(@"/a\b", @"\e3069283  /a\\b")]
    public void Names_of_lines_are_escaped_as_by_sha256sum(string path, string line)
    {
        Assert.Equal(line, SumLine.Of("e3069283", path));
        Assert.True(SumLine.TryParse(line, out var sum, out var read));
        Assert.Equal(("e3069283", path), (sum, read));
    }
}
