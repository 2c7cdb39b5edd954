using DistFS.Cli.Health;

namespace DistFS.Cli.Tests.Health;

/// <summary>What is said of a cluster.</summary>
public sealed class HealthRulesTests
{
    private static readonly ChunksLine Whole = new(100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, true, 0);

    [Fact]
    public void A_cluster_as_it_should_be_is_healthy()
    {
        var report = HealthRules.Judge(1, Metaservers("leader", "follower", "follower"), [Server("up")], Whole);
        Assert.True(report.Healthy);
        Assert.Empty(report.Warnings);
        Assert.True(HealthRules.Judge(1, Metaservers("leader"), [Server("draining")], Whole).Healthy);
    }

    [Theory]
    [InlineData("leader follower down", "DFS1551 DFS1552")]
    [InlineData("leader follower follower follower down", "DFS1551")]
    [InlineData("leader follower follower down down", "DFS1551 DFS1551 DFS1552")]
    [InlineData("leader follower follower learner", "")]
    [InlineData("leader follower", "")]
    public void Metaservers_that_fail_are_told(string states, string expected)
    {
        var report = HealthRules.Judge(1, Metaservers(states.Split(' ')), [], Whole);
        Assert.Equal(expected, string.Join(' ', report.Warnings.Select(static one => one.Code)));
        Assert.Equal(expected.Length == 0, report.Healthy);
    }

    [Fact]
    public void Without_a_leader_nothing_else_is_known()
    {
        var report = HealthRules.Judge(null, Metaservers("unknown", "unknown", "unknown"), [], null);
        Assert.Equal("DFS1550", Assert.Single(report.Warnings).Code);
        Assert.False(report.Healthy);
    }

    [Theory]
    [InlineData("suspect", "DFS1553")]
    [InlineData("away", "DFS1553")]
    [InlineData("dead", "DFS1553")]
    [InlineData("full", "DFS1561")]
    [InlineData("starting", "")]
    public void Chunk_servers_that_fail_are_told(string state, string expected)
    {
        var report = HealthRules.Judge(1, Metaservers("leader"), [Server(state), Server("up")], Whole);
        Assert.Equal(expected, string.Join(' ', report.Warnings.Select(static one => one.Code)));
    }

    [Fact]
    public void What_is_full_counts_only_where_it_can_be_used()
    {
        ChunkserverLine[] servers = [Server("up") with { Used = 86 }, Server("dead") with { Used = 0 }];
        Assert.Contains(
            HealthRules.Judge(1, Metaservers("leader"), servers, Whole).Warnings,
            static one => one.Code == ErrorCatalog.ClusterNearlyFull.Id);
        servers[1] = Server("up");
        Assert.True(HealthRules.Judge(1, Metaservers("leader"), servers, Whole).Healthy);
    }

    [Fact]
    public void What_is_mended_is_told_and_healthy()
    {
        var report = HealthRules.Judge(1, Metaservers("leader"), [Server("up") with { DamagedBlocks = 3 }], Whole);
        Assert.Equal((true, "DFS1558"), (report.Healthy, Assert.Single(report.Warnings).Code));
    }

    /// <summary>The gravest first: what cannot be read stands above what is being made good.</summary>
    [Fact]
    public void Chunks_are_told_of()
    {
        var chunks = Whole with
        {
            UnderReplicated = 7,
            OneCopy = 2,
            Missing = 1,
            Waiting = 1,
            Corrupt = 1,
            Complete = false,
            UnknownCopies = 9,
        };
        var report = HealthRules.Judge(1, Metaservers("leader"), [Server("up")], chunks);
        Assert.Equal(
            ["DFS1554", "DFS1555", "DFS1556", "DFS1559", "DFS1557", "DFS1563", "DFS1562"],
            report.Warnings.Select(static one => one.Code));
        Assert.Equal("1 chunk has no copy that can be read", report.Warnings[0].Message);
        Assert.Equal("DFS1563", Assert.Single(HealthRules.Judge(1, Metaservers("leader"), [], null).Warnings).Code);
    }

    private static MetaserverLine[] Metaservers(params string[] states) =>
        [.. states.Select(static (state, i) => new MetaserverLine((ulong)i + 1, $"m{i}:1", state, 0))];

    private static ChunkserverLine Server(string state) => new(1, "c:1", state, "r", 0, 100, 0, 0, 0);
}
