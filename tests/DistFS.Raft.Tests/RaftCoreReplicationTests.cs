using DistFS.Raft.Tests.Harness;

namespace DistFS.Raft.Tests;

/// <summary>What a leader does about lost messages (thesis, 3.5, 10.2.1).</summary>
public sealed class RaftCoreReplicationTests
{
    [Fact]
    public void A_lost_acknowledgement_is_asked_for_again_without_another_proposal()
    {
        var cluster = new TestCluster(voters: 3);
        var leader = cluster.Elect(1);
        var last = leader.Propose("x").Id.Index;
        cluster.Deliver(message => message is AppendRequest);
        Assert.NotEmpty(cluster.Take(message => message is AppendReply));
        cluster.Run(10);
        Assert.Equal(last, leader.Core.Status.Commit);
    }

    /// <summary>Reads bring heartbeats between appends and their answers: no reason to send those again.</summary>
    [Fact]
    public void Reads_do_not_make_appends_that_are_on_their_way_look_lost()
    {
        var cluster = new TestCluster(3);
        var leader = cluster.Elect(1);
        cluster.Run(3);
        cluster[2].HoldsDisk = cluster[3].HoldsDisk = true;
        leader.Propose("x");
        for (var i = 0UL; i < 50; i++)
        {
            leader.Read(i);
            cluster.Stabilize();
        }

        Assert.Equal(50, leader.Reads.Count);
        Assert.All([cluster[2], cluster[3]], node => Assert.Single(node.Disk));
        Assert.All(leader.Core.Status.Progress, member => Assert.Equal(ProgressState.Replicate, member.State));
    }

    /// <summary>It has all that was sent, and is not sent it over and over: that would make it slower still.</summary>
    [Fact]
    public void A_follower_with_a_slow_disk_is_not_flooded()
    {
        var cluster = new TestCluster(3);
        var leader = cluster.Elect(1);
        cluster.Run(3);
        cluster[2].HoldsDisk = true;
        for (var i = 0; i < 20; i++)
        {
            leader.Propose("x");
            cluster.Stabilize();
        }

        cluster.Run(200);
        Assert.InRange(cluster[2].Disk.Count, 20, 30);
    }

    /// <summary>What is committed by others but not on the leader's own disk takes memory like what is not.</summary>
    [Fact]
    public void A_leader_whose_own_disk_hangs_takes_no_more_than_its_bound()
    {
        var cluster = new TestCluster(
            3, options: options => options with { UncommittedBytesMax = 1000, CommandBytesMax = 500 });
        var leader = cluster.Elect(1);
        cluster.Run(3);
        leader.HoldsDisk = true;
        var accepted = 0;
        for (; accepted < 100 && leader.Propose(new byte[200]).Status == ProposeStatus.Accepted; accepted++)
        {
            cluster.Stabilize();
        }

        Assert.InRange(accepted, 3, 5);
        Assert.Equal(leader.Core.Status.Last.Index, leader.Core.Status.Commit);
        leader.HoldsDisk = false;
        leader.Persist();
        cluster.Stabilize();
        Assert.Equal(ProposeStatus.Accepted, leader.Propose(new byte[200]).Status);
    }

    /// <summary>Answers may be lost, memory not: behind a disk that hangs they do not pile up for ever.</summary>
    [Fact]
    public void A_follower_whose_disk_hangs_keeps_a_bounded_number_of_answers()
    {
        var cluster = new TestCluster(3);
        cluster.Elect(1);
        cluster.Run(3);
        cluster[2].HoldsDisk = true;
        var term = cluster[2].Core.Status.Term.Value + 1;
        for (var i = 0UL; i < 6000; i++)
        {
            cluster[2].Step(new Heartbeat
            {
                From = new MemberId(3),
                FromStore = TestCluster.StoreOf(3),
                To = new MemberId(2),
                Term = new Term(term),
                Commit = default,
                ReadRound = i,
            });
        }

        Assert.InRange(cluster[2].Disk.Count, 1, 4100);
    }

    [Fact]
    public void A_full_window_of_lost_acknowledgements_does_not_stop_a_follower_for_ever()
    {
        var cluster = new TestCluster(3, options: options => options with { InflightAppendsMax = 4 });
        var leader = cluster.Elect(1);
        for (var i = 0; i < 10; i++)
        {
            leader.Propose($"x{i}");
            cluster.Deliver(message => message is AppendRequest);
            cluster.Take();
        }

        cluster.Run(15);
        Assert.Equal(leader.Core.Status.Last.Index, leader.Core.Status.Commit);
    }

    /// <summary>The follower's own tail, from an earlier leader, is as long as what the leader sent: its length says
    /// nothing about what arrived.</summary>
    [Fact]
    public void A_lost_append_is_noticed_behind_a_conflicting_tail_of_the_same_length()
    {
        var cluster = new TestCluster(3, options: options => options with { AppendBytesMax = 1 });
        cluster.Elect(1);
        cluster.Run(2);

        // Only m3 and m1 have a, b; only m1's log goes on with c, d, which nobody else ever gets.
        cluster.Isolate(1);
        cluster[1].Propose("c");
        cluster[1].Propose("d");
        cluster[1].Propose("e");
        cluster.Run(40);
        var leader = cluster.Leader!;
        Assert.NotEqual(cluster[1], leader);
        var third = cluster.Nodes.Single(node => node != cluster[1] && node != leader);

        // The new leader's entry reaches nobody but m1, as a probe that is accepted before the conflict.
        third.Crash();
        cluster.Heal();
        cluster.Run(15);
        Assert.Equal(leader.Core.Status.Last.Index, leader.Core.Status.Commit);
    }

    [Fact]
    public void An_append_lost_after_an_accepted_probe_is_noticed_behind_a_conflicting_tail()
    {
        var cluster = new TestCluster(3, options: options => options with { AppendBytesMax = 1 });
        var first = cluster.Elect(1);

        // m1 leads and makes 2..5; m2 gets 2 only, m3 nothing. Then m2 leads with 2 and its own no-op at 3.
        cluster.Cut(1, 3);
        first.Propose("2");
        cluster.Deliver(1, 2, 1);
        cluster.Take();
        cluster.Cut(1, 2);
        first.Propose("3");
        first.Propose("4");
        cluster.Take();
        first.Crash();
        cluster.Elect(2);
        cluster[3].Crash();
        var leader = cluster[2];
        cluster.Heal();
        first.Restart();

        // m1 ends at 4, like the leader if it gets one more entry; everything after the first accepted append is lost.
        leader.Propose("4 again");
        cluster.Take();
        leader.Tick(2);
        cluster.Deliver(message => message is Heartbeat);
        cluster.Deliver(message => message is HeartbeatReply);
        for (var i = 0; i < 4; i++)
        {
            cluster.Deliver(message => message is AppendRequest, 1);
            cluster.Take(message => message is AppendRequest);
            cluster.Deliver();
        }

        cluster.Run(10);
        Assert.Equal(leader.Core.Status.Last.Index, leader.Core.Status.Commit);
    }
}
