using DistFS.Raft.Tests.Harness;

namespace DistFS.Raft.Tests.Pitfalls;

/// <summary>Reads that are older than what a client has seen (thesis, 6.4).</summary>
public sealed class ReadPitfalls
{
    [Fact]
    public void A_deposed_leader_that_does_not_know_it_grants_no_read() =>
        Planted.Bites(PlantedBug.ReadWithoutQuorum, () =>
    {
        var cluster = new TestCluster(3);
        var old = cluster.Elect(1);
        cluster.Isolate(1);
        cluster.Elect(2).Propose("new");
        cluster.Stabilize();
        Assert.Equal(RaftRole.Leader, old.Core.Role);
        old.Read(1);
        old.Tick(30);
        Assert.Equal([1UL], old.ReadsRefused);
    });

    /// <summary>The old leader still hears somebody, only nobody hears it.</summary>
    [Fact]
    public void Nor_under_an_asymmetric_partition() => Planted.Bites(PlantedBug.ReadWithoutQuorum, () =>
    {
        var cluster = new TestCluster(5);
        var old = cluster.Elect(1);
        for (var other = 2; other <= 5; other++)
        {
            cluster.CutOneWay(1, other);
        }

        cluster.CutOneWay(2, 1);
        cluster.Elect(2).Propose("new");
        cluster.Stabilize();
        if (old.Core.Role == RaftRole.Leader)
        {
            old.Read(1);
            cluster.Stabilize();
        }

        Assert.Empty(old.Reads);
    });

    /// <summary>6.4, step 1: m2 has the committed entry, but does not know yet that it is committed.</summary>
    [Fact]
    public void A_new_leader_grants_no_read_before_its_own_entry_is_committed() =>
        Planted.Bites(PlantedBug.ReadBeforeOwnNoOp, () =>
        {
            var cluster = new TestCluster(3);
            var old = cluster.Elect(1);
            cluster.Run(3);
            old.Propose("seen by a client");
            cluster.Deliver(message => message is AppendRequest);
            cluster.Deliver(message => message is AppendReply);
            cluster.Take();
            old.Crash();
            cluster[3].Tick(20);
            cluster.Take();
            cluster.Campaign(2);
            for (var i = 0; i < 10; i++)
            {
                cluster.Take(message => message is AppendRequest);
                cluster.Deliver();
                if (i == 5)
                {
                    Assert.Equal(ProposeStatus.Accepted, cluster[2].Read(1));
                }
            }

            Assert.Empty(cluster[2].Reads);
            cluster.Run(20);
            Assert.Single(cluster[2].Reads);
        });

    /// <summary>A confirmation of a heartbeat from before the read says nothing about after it.</summary>
    [Fact]
    public void An_answer_to_an_earlier_heartbeat_confirms_no_later_read()
    {
        var cluster = new TestCluster(3);
        var leader = cluster.Elect(1);
        leader.Tick(2);
        cluster.Deliver(message => message is Heartbeat);
        leader.Read(1);
        cluster.Deliver(message => message is HeartbeatReply);
        Assert.Empty(leader.Reads);
        cluster.Stabilize();
        Assert.Single(leader.Reads);
    }

    /// <summary>Thesis, 3.10 and 6.4.1: a transfer passes over the rule that nobody deposes a leader that is heard, so
    /// nothing may rest on that rule.</summary>
    [Fact]
    public void Leadership_is_transferred_while_reads_wait() => Planted.Bites(PlantedBug.ReadWithoutQuorum, () =>
    {
        var cluster = new TestCluster(3);
        var old = cluster.Elect(1);
        cluster.Run(3);
        old.Transfer(cluster[2]);
        cluster.Deliver(message => message is TimeoutNow);
        cluster.Isolate(1);
        cluster.Stabilize();
        cluster[2].Propose("new");
        cluster.Stabilize();
        Assert.Equal(RaftRole.Leader, old.Core.Role);
        old.Read(1);
        cluster[3].Read(2);
        cluster.Heal();
        cluster.Run(20);
        Assert.Equal([1UL], old.ReadsRefused);
        Assert.Single(cluster[3].Reads);
    });

    [Fact]
    public void Reads_of_followers_and_learners_wait_for_the_leader()
    {
        var cluster = new TestCluster(3, learners: 1);
        var leader = cluster.Elect(1);
        cluster.Run(3);
        leader.Propose("x");
        cluster.Run(1);
        cluster[2].Read(1);
        cluster[4].Read(2);
        cluster.Stabilize();
        Assert.Equal(leader.Core.Status.Commit, Assert.Single(cluster[2].Reads).Index);
        Assert.Equal(leader.Core.Status.Commit, Assert.Single(cluster[4].Reads).Index);

        // Who gets no answer refuses, so that the client asks elsewhere.
        cluster.Isolate(4);
        cluster[4].Read(3);
        cluster[4].Tick(10);
        Assert.Equal([3UL], cluster[4].ReadsRefused);
    }
}
