using DistFS.Metaserver.Chunks;
using DistFS.Metaserver.Tests.Consensus;

namespace DistFS.Metaserver.Tests.Chunks;

/// <summary>What a leader keeps in memory of chunk servers.</summary>
public sealed class ChunkDutiesTests
{
    /// <summary>
    /// A member that leads again before it has looked around: another may have led between, and what it knew is old.
    /// </summary>
    [Fact]
    public async Task What_is_known_is_of_the_term_that_it_was_learned_in()
    {
        await using var cluster = await ChunkCluster.StartAsync(
            new ChunkServerOptions { Interval = TimeSpan.FromSeconds(2) }, "a");
        var driver = cluster.Host.Driver;
        var (term, before) = (driver.LeadTerm, cluster.Host.Chunks.Lead!);
        Assert.Equal(term, before.Term);
        driver.Receive(
            [
                new VoteRequest
                {
                    From = new MemberId(99),
                    To = cluster.Host.Member,
                    Term = new Term(term + 1),
                    Last = default,
                    IsPreVote = false,
                    IsTransfer = true,
                },
            ],
            bytes: 0);
        await Eventually.True(() => driver.LeadTerm > term);
        Assert.NotSame(before, cluster.Host.Chunks.Lead);
        await Eventually.True(() => cluster.Host.Chunks.Lead != null);
        Assert.NotSame(before, cluster.Host.Chunks.Lead);
        Assert.Equal(driver.LeadTerm, cluster.Host.Chunks.Lead!.Term);
    }
}
