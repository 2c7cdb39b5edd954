namespace DistFS.Cli.Tests.Verbs;

/// <summary>How full the cluster is.</summary>
[Collection(VerbClusterTests.Name)]
public sealed class DfVerbTests(VerbCluster cluster)
{
    [Fact]
    public async Task The_capacity_of_all_servers_is_shown()
    {
        var report = (await cluster.OkAsync("df", "--json")).Json;
        var servers = report.GetProperty("servers").EnumerateArray().ToList();
        Assert.True(servers.Count >= 4);
        Assert.Equal(
            report.GetProperty("capacityBytes").GetInt64(),
            servers.Sum(static one => one.GetProperty("capacityBytes").GetInt64()));
        Assert.InRange(report.GetProperty("availableForFilesBytes").GetInt64(), 1, long.MaxValue);
        var shown = await cluster.OkAsync("df", "-h");
        Assert.Contains("USE%", shown.Out, StringComparison.Ordinal);
        var help = (await cluster.OkAsync("df", "--help")).Out;
        Assert.Contains("--human, -h", help, StringComparison.Ordinal);
        Assert.DoesNotContain("--help, -h", help, StringComparison.Ordinal);
        Assert.Contains("with 3 copies of each", shown.Out, StringComparison.Ordinal);
    }
}
