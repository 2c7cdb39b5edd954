using DistFS.Raft.Tests.Harness;

namespace DistFS.Raft.Tests.Pitfalls;

/// <summary>Changes of the members (thesis, 4).</summary>
public sealed class MembershipPitfalls
{
    /// <summary>The bug of 2015 (groups.google.com/g/raft-dev/c/t4xj6dJTP6E): a new leader does not know yet whether a
    /// change of its predecessor is committed.</summary>
    [Fact]
    public void A_new_leader_changes_no_members_before_its_own_entry_is_committed() =>
        Planted.Bites(PlantedBug.ConfigurationBeforeOwnNoOp, () =>
        {
            var cluster = new TestCluster(4, learners: 1);
            foreach (var node in cluster.Nodes.Skip(1))
            {
                node.Tick(10);
            }

            cluster.Take();
            cluster.Campaign(1);
            while (cluster[1].Core.Role != RaftRole.Leader)
            {
                cluster.Deliver();
            }

            var target = TestCluster.Configuration([1, 2, 3], [5]);
            Assert.Equal(ProposeStatus.Busy, cluster[1].ChangeMembership(target).Status);
            cluster.Run(3);
            Assert.Equal(ProposeStatus.Accepted, cluster[1].ChangeMembership(target).Status);
        });

    [Fact]
    public void One_change_is_under_way_at_a_time()
    {
        var cluster = new TestCluster(3, learners: 1);
        var leader = cluster.Elect(1);
        cluster.Run(3);
        Assert.Equal(ProposeStatus.Accepted, leader.ChangeMembership(TestCluster.Configuration([1, 2, 3, 4])).Status);
        Assert.Equal(ProposeStatus.Busy, leader.ChangeMembership(TestCluster.Configuration([1, 2])).Status);
        cluster.Run(3);
        Assert.Equal(TestCluster.Configuration([1, 2, 3, 4]), leader.Core.Status.Configuration);
        Assert.Equal(ProposeStatus.Accepted, leader.ChangeMembership(TestCluster.Configuration([1, 2])).Status);
    }

    /// <summary>4.3: neither the old nor the new voters decide alone.</summary>
    [Theory]
    [InlineData(new[] { 2, 3 }, true)]
    [InlineData(new[] { 4, 5 }, true)]
    [InlineData(new[] { 3, 5 }, false)]
    public void A_joint_configuration_needs_both_majorities(int[] silent, bool isStuck)
    {
        var cluster = new TestCluster(3, learners: 2);
        var leader = cluster.Elect(1);
        cluster.Run(3);
        foreach (var id in silent)
        {
            cluster.Isolate(id);
        }

        leader.ChangeMembership(TestCluster.Configuration([1, 4, 5]));
        cluster.Stabilize();
        Assert.Equal(isStuck, leader.Core.Status.Configuration.IsJoint);
    }

    /// <summary>4.2.2: it leads until the configuration without it is committed, and counts itself in no quorum of the
    /// new one.</summary>
    [Fact]
    public void A_leader_that_is_removed_finishes_the_change_and_stops()
    {
        var cluster = new TestCluster(3);
        var old = cluster.Elect(1);
        cluster.Run(3);
        old.ChangeMembership(TestCluster.Configuration([2, 3]));
        cluster.Stabilize();
        Assert.True(old.Saw(RaftEventKind.Removed));
        Assert.Equal(RaftRole.Follower, old.Core.Role);
        cluster.Run(60);
        Assert.NotEqual(old, cluster.Leader!);
        Assert.NotNull(cluster.Leader);
        Assert.All([cluster[2], cluster[3]], node =>
            Assert.Equal(TestCluster.Configuration([2, 3]), node.Core.Status.Configuration));
    }

    /// <summary>4.2.3: who was removed and does not know it does not disturb those who stay.</summary>
    [Fact]
    public void A_removed_member_does_not_disturb()
    {
        var cluster = new TestCluster(4);
        var leader = cluster.Elect(1);
        cluster.Run(3);
        cluster.Isolate(4);
        leader.ChangeMembership(TestCluster.Configuration([1, 2, 3]));
        cluster.Run(3);
        var term = leader.Core.Status.Term;
        cluster.Heal();
        cluster.Run(200);
        Assert.True(cluster[4].Saw(RaftEventKind.PreCandidate));
        Assert.Equal(term, leader.Core.Status.Term);
        Assert.Equal(RaftRole.Leader, leader.Core.Role);
    }

    /// <summary>4.2.2, figure 4.6: only m1 has the configuration without itself, and with its longer log nobody else
    /// can win: it must campaign although it is no voter of it.</summary>
    [Theory]
    [InlineData(new ulong[] { 2 }, new ulong[] { })]
    [InlineData(new ulong[] { 2 }, new ulong[] { 1 })]
    public void Who_is_no_voter_any_more_still_leads_until_that_is_committed(ulong[] voters, ulong[] learners)
    {
        var cluster = new TestCluster(2);
        var old = cluster.Elect(1);
        cluster.Run(3);
        old.ChangeMembership(TestCluster.Configuration(voters, learners));
        while (old.Core.Status.Configuration.IsJoint)
        {
            cluster.Deliver(count: 1);
        }

        cluster.Isolate(1);
        cluster.Run(40);
        Assert.Null(cluster.Leader);
        cluster.Heal();
        cluster.Run(120);
        Assert.Equal(cluster[2], cluster.Leader);
        Assert.Equal(TestCluster.Configuration(voters, learners), cluster[2].Core.Status.Configuration);
    }

    /// <summary>4.2.1.</summary>
    [Fact]
    public void A_learner_is_promoted_only_when_it_has_caught_up()
    {
        var cluster = new TestCluster(3, learners: 1, options: options => options with { PromotionLagMax = 5 });
        var leader = cluster.Elect(1);
        cluster.Run(3);
        cluster.Isolate(4);
        for (var i = 0; i < 10; i++)
        {
            leader.Propose($"x{i}");
            cluster.Stabilize();
        }

        var target = TestCluster.Configuration([1, 2, 3, 4]);
        Assert.Equal(ProposeStatus.Refused, leader.ChangeMembership(target).Status);
        cluster.Heal();
        cluster.Run(20);
        Assert.Equal(ProposeStatus.Accepted, leader.ChangeMembership(target).Status);
    }

    /// <summary>3.10: given up after an election time-out, and then the leader serves again.</summary>
    [Fact]
    public void A_transfer_to_a_silent_member_is_given_up()
    {
        var cluster = new TestCluster(3);
        var leader = cluster.Elect(1);
        cluster.Run(3);
        cluster.Isolate(2);
        Assert.Equal(ProposeStatus.Accepted, leader.Transfer(cluster[2]));
        Assert.Equal(ProposeStatus.Busy, leader.Propose("x").Status);
        Assert.Equal(ProposeStatus.Busy, leader.Transfer(cluster[3]));
        cluster.Run(10);
        Assert.True(leader.Saw(RaftEventKind.TransferFailed));
        Assert.Equal(ProposeStatus.Accepted, leader.Propose("x").Status);
    }

    [Fact]
    public void A_transfer_waits_until_the_target_has_everything()
    {
        var cluster = new TestCluster(3);
        var leader = cluster.Elect(1);
        cluster.Run(3);
        leader.Propose("x");
        leader.Transfer(cluster[2]);
        Assert.DoesNotContain(cluster.Wire, message => message is TimeoutNow);
        cluster.Stabilize();
        Assert.Equal(cluster[2], cluster.Leader);
    }
}
