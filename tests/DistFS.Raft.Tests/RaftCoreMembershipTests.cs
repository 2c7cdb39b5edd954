using DistFS.Raft.Tests.Harness;

namespace DistFS.Raft.Tests;

/// <summary>What a leader accepts as a change of the members (thesis, 4).</summary>
public sealed class RaftCoreMembershipTests
{
    [Theory]
    [InlineData(3, MemberRole.Learner)]
    [InlineData(3, MemberRole.Voter)]
    [InlineData(4, MemberRole.Learner)]
    [InlineData(4, MemberRole.Voter)]
    public void A_member_never_changes_its_data_folder(int id, MemberRole role)
    {
        var cluster = new TestCluster(3, learners: 1);
        var leader = cluster.Elect(1);
        cluster.Run(2);
        var changed = cluster.Bootstrap.Members.Select(member =>
            member.Id.Value == (ulong)id ? member with { Store = new StoreId(77), Role = role } : member);
        Assert.Equal(ProposeStatus.Refused, leader.ChangeMembership(new RaftConfiguration(changed)).Status);
    }

    [Fact]
    public void A_learner_that_was_never_heard_is_not_promoted()
    {
        var cluster = new TestCluster(1, spares: 1);
        var leader = cluster.Elect(1);
        cluster[2].Crash();
        Assert.Equal(ProposeStatus.Accepted, leader.ChangeMembership(TestCluster.Configuration([1], [2])).Status);
        cluster.Run(3);
        Assert.Equal(ProposeStatus.Refused, leader.ChangeMembership(TestCluster.Configuration([1, 2])).Status);
    }

    [Fact]
    public void Who_is_no_member_yet_becomes_a_learner_first()
    {
        var cluster = new TestCluster(1, spares: 1);
        var leader = cluster.Elect(1);
        Assert.Equal(ProposeStatus.Refused, leader.ChangeMembership(TestCluster.Configuration([1, 2])).Status);
    }

    [Fact]
    public void More_members_than_a_joint_configuration_holds_are_refused()
    {
        var cluster = new TestCluster(2, learners: 62);
        var leader = cluster.Elect(1);
        cluster.Run(2);
        var members = Enumerable.Range(100, 63).Select(id => (ulong)id);
        Assert.Equal(ProposeStatus.Refused, leader.ChangeMembership(TestCluster.Configuration([1], members)).Status);
    }

    [Theory]
    [InlineData(300)]
    [InlineData(-1)]
    public void An_address_that_cannot_be_written_is_refused(int length)
    {
        var cluster = new TestCluster(1);
        var leader = cluster.Elect(1);
        var address = length < 0 ? "\ud800" : new string('a', length);
        var target = new RaftConfiguration([leader.Core.Status.Configuration.Members[0] with { Address = address }]);
        Assert.Equal(ProposeStatus.Refused, leader.ChangeMembership(target).Status);
    }

    /// <summary>
    /// Who cannot campaign still forgets a leader that fell silent: it would refuse its vote to the next one.
    /// </summary>
    [Fact]
    public void A_learner_forgets_a_silent_leader()
    {
        var cluster = new TestCluster(3, learners: 1);
        cluster.Elect(1);
        cluster.Run(2);
        cluster[4].Tick(20);
        Assert.Equal(default, cluster[4].Core.Leader);
    }
}
