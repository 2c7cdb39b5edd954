using DistFS.Metadata.Members;
using DistFS.Metaserver.Hosting;

namespace DistFS.Metaserver.Tests.Hosting;

/// <summary>Who votes until it is taken out, and does not stay, counts for nothing.</summary>
public sealed class MembershipPlanTests
{
    private static readonly MemberId Self = new(1);

    [Fact]
    public void WhoIsRemovedAlreadyIsNoneOfThoseThatStay()
    {
        var status = StatusOf(alive: [1, 2, 3]);
        Assert.Equal((2, 2), MembershipPlan.Without(status, Self, [], new MemberId(2)));
        Assert.Equal((1, 1), MembershipPlan.Without(status, Self, Removed(3), new MemberId(2)));
        Assert.Equal((0, 0), MembershipPlan.Without(status, Self, Removed(2, 3), Self));
    }

    [Fact]
    public void WhoIsDeadStaysAndIsNotAlive()
    {
        var status = StatusOf(alive: [1, 3]);
        Assert.Equal((2, 1), MembershipPlan.Without(status, Self, [], new MemberId(3)));
        Assert.Equal((1, 0), MembershipPlan.Without(status, Self, Removed(1), new MemberId(3)));
    }

    /// <summary>Among two that both go the leadership would go back and forth.</summary>
    [Fact]
    public void TheHeirStays()
    {
        var status = StatusOf(alive: [1, 2, 3]);
        Assert.Equal(new MemberId(2), MembershipPlan.Heir(status, Self, Removed(1)));
        Assert.Equal(new MemberId(3), MembershipPlan.Heir(status, Self, Removed(1, 2)));
        Assert.Null(MembershipPlan.Heir(status, Self, Removed(1, 2, 3)));
        Assert.Null(MembershipPlan.Heir(StatusOf(alive: [1, 2]), Self, Removed(1, 2)));
    }

    /// <summary>Without an heir the leader does what else is due, and stays.</summary>
    [Fact]
    public void TheOthersGoAndTheLeaderStaysForItsHeir()
    {
        var next = MembershipPlan.Next(StatusOf(alive: [1, 2]), Self, Removed(1, 2), 100);
        Assert.Equal([1UL, 3], next!.Members.Select(member => member.Id.Value));
    }

    private static List<(MemberId, MemberRow)> Removed(params ulong[] ids) =>
        [.. ids.Select(id => (new MemberId(id), new MemberRow(new StoreId(id), "", IsRemoved: true)))];

    /// <summary>Three that vote, led by the first; the second has more of the log than the third.</summary>
    private static RaftStatus StatusOf(ulong[] alive) => new()
    {
        Role = RaftRole.Leader,
        Term = new Term(1),
        Vote = Self,
        Leader = Self,
        Commit = new LogIndex(10),
        Applied = new LogIndex(10),
        Last = default,
        Stable = new LogIndex(10),
        Configuration = new RaftConfiguration(
            [.. new ulong[] { 1, 2, 3 }.Select(id =>
                new RaftMember(new MemberId(id), new StoreId(id), $"127.0.0.1:{id}"))]),
        ConfigurationCommitted = true,
        IsWhole = true,
        IsEstablished = true,
        TransferTarget = default,
        SnapshotsInTransfer = false,
        UncommittedBytes = 0,
        Progress = [.. new ulong[] { 2, 3 }.Select(id => new MemberProgress(
            new MemberId(id),
            ProgressState.Replicate,
            new LogIndex(12 - id),
            new LogIndex(13 - id),
            0,
            alive.Contains(id)))],
    };
}
