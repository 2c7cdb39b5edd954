using DistFS.Raft.Tests.Harness;

namespace DistFS.Raft.Tests.Pitfalls;

/// <summary>Who disturbs, who goes on leading, who may vote.</summary>
public sealed class ElectionPitfalls
{
    /// <summary>Thesis, 9.6.</summary>
    [Fact]
    public void A_member_that_was_cut_off_does_not_raise_the_term_when_it_comes_back()
    {
        var cluster = new TestCluster(3);
        var leader = cluster.Elect(1);
        var term = leader.Core.Status.Term;
        cluster.Isolate(3);
        cluster.Run(100);
        Assert.True(cluster[3].Saw(RaftEventKind.PreCandidate));
        cluster.Heal();
        cluster.Run(30);
        Assert.All(cluster.Nodes, node => Assert.Equal(term, node.Core.Status.Term));
        Assert.Equal(RaftRole.Leader, leader.Core.Role);
    }

    /// <summary>Thesis, 4.2.3: a request for votes is no reason to leave a leader that is heard, whatever its
    /// term.</summary>
    [Fact]
    public void Nobody_helps_to_depose_a_leader_that_is_heard()
    {
        var cluster = new TestCluster(3);
        var leader = cluster.Elect(1);
        cluster.Run(3);
        var term = leader.Core.Status.Term;
        foreach (var to in new ulong[] { 1, 2 })
        {
            cluster.Arrive(new VoteRequest
            {
                From = new MemberId(3),
                FromStore = TestCluster.StoreOf(3),
                To = new MemberId(to),
                Term = new Term(9),
                Last = leader.Core.Status.Last,
            });
        }

        Assert.All([cluster[1], cluster[2]], node => Assert.Equal(term, node.Core.Status.Term));
    }

    /// <summary>Thesis, 6.2.</summary>
    [Fact]
    public void A_leader_that_is_cut_off_stops_leading()
    {
        var cluster = new TestCluster(3);
        var old = cluster.Elect(1);
        cluster.Isolate(1);
        old.Read(1);
        old.Propose("lost");
        cluster.Run(20);
        Assert.True(old.Saw(RaftEventKind.QuorumLost));
        Assert.Equal(RaftRole.Follower, old.Core.Role);
        Assert.Equal([1UL], old.ReadsRefused);
        Assert.Equal(ProposeStatus.NotLeader, old.Propose("x").Status);
    }

    /// <summary>Thesis, 6.2: it speaks and does not hear, so nobody else would ever take over.</summary>
    [Fact]
    public void A_leader_that_is_heard_but_does_not_hear_stops_leading()
    {
        var cluster = new TestCluster(3);
        cluster.Elect(1);
        cluster.CutOneWay(2, 1);
        cluster.CutOneWay(3, 1);
        cluster.Run(80);
        Assert.NotNull(cluster.Leader);
        Assert.NotEqual(cluster[1], cluster.Leader);
    }

    /// <summary>
    /// A member whose term is ahead, and whom nobody would vote for, must not be lost for ever (thesis, 3.3).
    /// </summary>
    [Fact]
    public void A_member_that_is_ahead_in_terms_draws_the_cluster_after_it()
    {
        var cluster = new TestCluster(3);
        cluster.Elect(1);
        cluster.Run(3);
        cluster.Isolate(3);
        cluster[3].Step(new Heartbeat
        {
            From = new MemberId(2),
            FromStore = TestCluster.StoreOf(2),
            To = new MemberId(3),
            Term = new Term(7),
            Commit = default,
            ReadRound = 0,
        });
        cluster.Heal();
        cluster.Run(80);
        Assert.NotNull(cluster.Leader);
        Assert.All(cluster.Nodes, node => Assert.Equal(cluster.Leader.Core.Status.Term, node.Core.Status.Term));
        Assert.True(cluster.Leader.Core.Status.Term > new Term(7));
    }

    /// <summary>Thesis, 3.8 and 11.7.2: what a lost folder had acknowledged is lost, so who comes back without it may
    /// not vote under the same name. The bug of the scenario: the new folder calls itself like the old one.</summary>
    [Fact]
    public void A_wiped_member_does_not_vote() => Planted.Bites(forgesStore =>
    {
        var cluster = new TestCluster(3);
        var leader = cluster.Elect(1);
        cluster.Isolate(3);
        leader.Propose("acknowledged");
        cluster.Stabilize();
        cluster[2].Wipe(forgesStore);
        leader.Crash();
        cluster.Heal();
        cluster.Run(100);
        Assert.Null(cluster.Leader);
    });

    /// <summary>The same for a log whose end was found corrupt. The bug of the scenario: the store takes the corruption
    /// for a torn tail.</summary>
    [Fact]
    public void A_member_that_lost_acknowledged_entries_elects_nobody_without_them() => Planted.Bites(takesItForTorn =>
    {
        var cluster = new TestCluster(3);
        var leader = cluster.Elect(1);
        cluster.Isolate(3);
        leader.Propose("acknowledged");
        cluster.Stabilize();
        cluster[2].Crash();
        cluster[2].Storage.LoseAfter(new LogIndex(1), notices: !takesItForTorn);
        cluster[2].Restart();
        leader.Crash();
        cluster.Heal();
        cluster.Run(100);
        Assert.Null(cluster.Leader);

        leader.Restart();
        cluster.Run(60);
        Assert.NotNull(cluster.Leader);
        Assert.True(cluster[2].Saw(RaftEventKind.Healed));
        Assert.True(cluster[2].Storage.IsWhole);
    });

    /// <summary>Not even for who has all that it lost, since it cannot know that; once healed it votes again.</summary>
    [Fact]
    public void A_member_that_is_not_whole_neither_votes_nor_leads()
    {
        var cluster = new TestCluster(3);
        var leader = cluster.Elect(1);
        leader.Propose("on all three");
        cluster.Stabilize();
        cluster[2].Crash();
        cluster[2].Storage.LoseAfter(default);
        cluster[2].Restart();
        leader.Crash();
        cluster.Run(100);
        Assert.Null(cluster.Leader);

        leader.Restart();
        cluster.Run(60);
        Assert.True(cluster[2].Storage.IsWhole);
        Assert.NotEqual(cluster[2], cluster.Leader);
        cluster.Leader!.Crash();
        cluster.Run(60);
        Assert.NotNull(cluster.Leader);
    }

    /// <summary>The storage takes its loss for a torn write, but the state machine has applied what is gone: who knows
    /// that something was committed which it lacks does not vote for who lacks it too.</summary>
    [Fact]
    public void A_member_whose_state_machine_is_ahead_of_its_log_elects_nobody_without_what_is_lost()
    {
        var cluster = new TestCluster(3);
        var leader = cluster.Elect(1);
        cluster.Isolate(3);
        leader.Propose("acknowledged");
        cluster.Stabilize();
        cluster.Run(3);
        Assert.Equal(leader.Core.Status.Commit, cluster[2].Machine.Applied);
        cluster[2].Crash();
        cluster[2].Storage.LoseAfter(new LogIndex(1), notices: false);
        cluster[2].Restart(keepsMachine: true);
        Assert.False(cluster[2].Core.Status.IsWhole);
        leader.Crash();
        cluster.Heal();
        cluster.Run(100);
        Assert.Null(cluster.Leader);

        leader.Restart();
        cluster.Run(60);
        Assert.NotNull(cluster.Leader);
        Assert.True(cluster[2].Core.Status.IsWhole);
    }

    /// <summary>A false alarm leaves nothing behind: the time-outs stay as different as they were.</summary>
    [Fact]
    public void A_rumour_that_the_leader_is_gone_does_not_depose_it()
    {
        var cluster = new TestCluster(5);
        var leader = cluster.Elect(1);
        cluster.Run(3);
        var term = leader.Core.Status.Term;
        for (var i = 0; i < 20; i++)
        {
            cluster[2].Core.Gone(leader.Id);
            cluster[2].Pump();
            cluster.Run(5);
        }

        Assert.Equal(leader, cluster.Leader);
        Assert.Equal(term, leader.Core.Status.Term);
    }

    /// <summary>Who has voted in an election that is under way does not disturb it.</summary>
    [Fact]
    public void A_pre_vote_of_a_laggard_does_not_make_a_voter_campaign_against_its_candidate()
    {
        var cluster = new TestCluster(3);
        var leader = cluster.Elect(1);
        cluster.Isolate(3);
        leader.Propose("x");
        cluster.Stabilize();
        cluster.Heal();
        leader.Crash();
        var voter = cluster[2];
        voter.Step(new VoteRequest
        {
            From = leader.Id,
            FromStore = TestCluster.StoreOf(1),
            To = voter.Id,
            Term = new Term(9),
            IsTransfer = true,
            Last = voter.Core.Status.Last,
        });
        Assert.Equal(leader.Id, voter.Core.Status.Vote);
        voter.Step(new VoteRequest
        {
            From = new MemberId(3),
            FromStore = TestCluster.StoreOf(3),
            To = voter.Id,
            Term = new Term(10),
            IsPreVote = true,
            Last = cluster[3].Core.Status.Last,
        });
        voter.Tick(4);
        Assert.Equal(RaftRole.Follower, voter.Core.Status.Role);
    }
}
