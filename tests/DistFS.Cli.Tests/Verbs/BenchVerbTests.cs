namespace DistFS.Cli.Tests.Verbs;

/// <summary>A running cluster is measured, and looks afterwards as before.</summary>
[Collection(VerbClusterTests.Name)]
public sealed class BenchVerbTests(VerbCluster cluster)
{
    [Fact]
    public async Task Every_test_has_a_rate_and_nothing_stays()
    {
        await cluster.OkAsync("mkdir", "/bench");
        string[] small = ["bench", "--in", "/bench", "--size", "6MiB", "--files", "20", "--parallel", "4"];
        var tests = (await cluster.OkAsync([.. small, "--json"])).Json.GetProperty("tests").EnumerateArray().ToList();
        Assert.Equal(6, tests.Count);
        Assert.All(tests.Take(2), static one =>
            Assert.True(one.GetProperty("bytesPerSecond").GetDouble() > 0 && one.GetProperty("bytes").GetInt64() > 0));
        Assert.All(tests.Skip(2), static one => Assert.InRange(
            one.GetProperty("p50Us").GetDouble(), 1, one.GetProperty("p99Us").GetDouble()));
        var shown = await cluster.OkAsync(small);
        Assert.Matches("(?m)^write, sequential +1 .*/s", shown.Out);
        Assert.Empty((await cluster.OkAsync("ls", "-a", "/bench")).Out);
    }
}
