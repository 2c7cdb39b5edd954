using DistFS.Raft.Tests.Harness;

namespace DistFS.Raft.Tests;

/// <summary>Reads without the log (thesis, 6.4).</summary>
public sealed class RaftCoreReadsTests
{
    /// <summary>The number of a batch must not come back with a restarted process: the answer to an old batch would be
    /// taken for that of a new one.</summary>
    [Fact]
    public void An_answer_from_before_a_restart_does_not_grant_a_read_of_after()
    {
        var cluster = new TestCluster(3);
        var leader = cluster.Elect(1);
        cluster.Run(2);
        cluster[2].Read(1);
        cluster.Deliver(message => message is ReadIndexRequest);
        cluster.Deliver(message => message is Heartbeat);
        cluster.Deliver(message => message is HeartbeatReply);
        var late = Assert.IsType<ReadIndexReply>(Assert.Single(cluster.Take(message => message is ReadIndexReply)));

        cluster[2].Restart();
        leader.Propose("x");
        cluster.Run(3);
        Assert.Equal(ProposeStatus.Accepted, cluster[2].Read(2));
        cluster.Arrive(late);
        Assert.DoesNotContain(cluster[2].Reads, read => read.Context == 2);
        cluster.Run(3);
        Assert.Single(cluster[2].Reads, read => read.Context == 2);
    }

    [Fact]
    public void A_read_that_waits_is_granted_when_the_others_are_removed()
    {
        var cluster = new TestCluster(3);
        var leader = cluster.Elect(1);
        cluster.Run(2);
        Assert.Equal(ProposeStatus.Accepted, leader.ChangeMembership(TestCluster.Configuration([1])).Status);
        cluster.Take(message => message is Heartbeat);
        leader.Read(1);
        for (var i = 0; i < 10; i++)
        {
            cluster.Take(message => message is Heartbeat or HeartbeatReply);
            cluster.Deliver();
        }

        Assert.Single(leader.Core.Status.Configuration.Members);
        Assert.Single(leader.Reads);
    }
}
