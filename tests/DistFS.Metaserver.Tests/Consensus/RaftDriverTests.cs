using DistFS.Metaserver.Consensus;

namespace DistFS.Metaserver.Tests.Consensus;

/// <summary>Three members in this process, over real frames and files.</summary>
public sealed class RaftDriverTests
{
    private static readonly TimeSpan Limit = Eventually.Limit;

    [Fact]
    public async Task WritesReachAllAndReadsOfAnyMemberSeeThem()
    {
        await using var cluster = TestCluster.Start();
        var leader = await cluster.LeaderAsync();
        var outcome = await leader.ProposeAsync("a");
        Assert.Equal(CallStatus.Done, outcome.Status);
        Assert.Equal(1, BitConverter.ToInt32(outcome.Reply.Span));
        foreach (var member in cluster.Members)
        {
            // No waiting for the followers: the read itself waits until this member has what was acknowledged (6.4).
            var read = await member.Driver.ReadAsync(Limit).Soon();
            Assert.Equal(CallStatus.Done, read.Status);
            Assert.Equal(["a"], member.Machine.Items);
            Assert.True(read.Index >= outcome.Id.Index);
        }
    }

    [Fact]
    public async Task OnlyTheLeaderTakesProposals()
    {
        await using var cluster = TestCluster.Start();
        var leader = await cluster.LeaderAsync();
        var follower = cluster.Members.First(member => member != leader);
        Assert.Equal(CallStatus.NotLeader, (await follower.ProposeAsync("a")).Status);
        Assert.Equal(leader.Id, follower.Driver.Leader);
        var large = new byte[cluster.Driver.Raft.CommandBytesMax + 1];
        Assert.Equal(CallStatus.TooLarge, (await leader.Driver.ProposeAsync(large, Limit).Soon()).Status);
    }

    /// <summary>What was checked under one leadership is not proposed under another.</summary>
    [Fact]
    public async Task AProposalForAnotherTermIsNotTaken()
    {
        await using var cluster = TestCluster.Start();
        var leader = await cluster.LeaderAsync();
        await Eventually.True(() => leader.Driver.LeadTerm != 0);
        var term = leader.Driver.LeadTerm;
        var refused = await leader.Driver.ProposeAsync("a"u8.ToArray(), Limit, term + 1).Soon();
        Assert.Equal(CallStatus.NotLeader, refused.Status);
        Assert.Equal(
            CallStatus.Done, (await leader.Driver.ProposeAsync("b"u8.ToArray(), Limit, term).Soon()).Status);
        await cluster.AllHave("b");
        Assert.All(
            cluster.Members.Where(member => member != leader), member => Assert.Equal(0UL, member.Driver.LeadTerm));
    }

    [Fact]
    public async Task ALeaderThatDiesIsReplacedAndCatchesUp()
    {
        await using var cluster = TestCluster.Start();
        var first = await cluster.LeaderAsync();
        await first.ProposeAsync("a");
        await first.StopAsync();
        var second = await cluster.LeaderAsync();
        Assert.NotEqual(first, second);
        Assert.Equal(CallStatus.Done, (await second.ProposeAsync("b")).Status);
        first.Start();
        await cluster.AllHave("a", "b");
    }

    [Fact]
    public async Task AFollowerWhoseEntriesAreGoneGetsASnapshot()
    {
        await using var cluster = TestCluster.Start(
            change: options => options with { SnapshotEntries = 40, KeepEntries = 5 });
        var leader = await cluster.LeaderAsync();
        var follower = cluster.Members.First(member => member != leader);
        await follower.StopAsync();
        var written = await cluster.WriteAsync(200);
        var others = cluster.Members.Where(member => member != follower);
        await Eventually.True(() => others.All(member => member.Store.Compacted.Index.Value > 100));
        follower.Start();
        await cluster.AllAgreeAndHave(written);
        Assert.True(follower.Machine.Restored > 0);
        Assert.True(follower.Store.Compacted.Index.Value > 0);

        // And what it got is on its disk: it comes back with it.
        await follower.StopAsync();
        follower.Start();
        await cluster.AllAgreeAndHave(written);
    }

    [Fact]
    public async Task ProposalsThatWaitTogetherAreSyncedTogether()
    {
        await using var cluster = TestCluster.Start(count: 1);
        var leader = await cluster.LeaderAsync();
        await leader.ProposeAsync("first");
        leader.Disk.Hold();
        var syncs = leader.Disk.LogSyncs;
        var proposals = Enumerable.Range(0, 100).Select(i => leader.ProposeAsync($"{i}")).ToList();
        await Eventually.True(() => leader.Disk.IsHolding);
        Assert.All(proposals, proposal => Assert.False(proposal.IsCompleted));

        // Those that came before the first sync, and all the others.
        Assert.True((await leader.Driver.StatusAsync(Limit).Soon()).Last.Index.Value > 100);
        leader.Disk.Release();
        var outcomes = await Task.WhenAll(proposals).Soon();
        Assert.All(outcomes, outcome => Assert.Equal(CallStatus.Done, outcome.Status));
        Assert.InRange(leader.Disk.LogSyncs - syncs, 1, 10);
    }

    [Fact]
    public async Task EntriesLeaveBeforeTheLeadersOwnDiskHasThem()
    {
        // Thesis, 10.2.1: the leader writes to its disk in parallel with its followers.
        await using var cluster = TestCluster.Start();
        var leader = await cluster.LeaderAsync();
        await leader.ProposeAsync("a");
        var before = leader.Store.Last.Index;
        leader.Disk.Hold();
        var proposal = leader.ProposeAsync("b");
        await Eventually.True(() => leader.Disk.IsHolding);
        await Eventually.True(() => cluster.Members
            .Where(member => member != leader)
            .All(member => member.Store.Last.Index > before));

        // A majority has it, so it is committed; but it is not applied before it is on this disk too.
        Assert.Equal(before, leader.Store.Last.Index);
        Assert.Equal(["a"], leader.Machine.Items);
        Assert.False(proposal.IsCompleted);
        leader.Disk.Release();
        Assert.Equal(CallStatus.Done, (await proposal).Status);
        await cluster.AllHave("a", "b");
    }

    [Fact]
    public async Task WhatALostLeaderCannotKnowIsReportedAsUnknown()
    {
        await using var cluster = TestCluster.Start();
        var leader = await cluster.LeaderAsync();
        await leader.ProposeAsync("a");
        foreach (var member in cluster.Members.Where(member => member != leader))
        {
            await member.StopAsync();
        }

        var outcome = await leader.ProposeAsync("b");
        Assert.Equal(CallStatus.Unknown, outcome.Status);
        await Eventually.True(() => !leader.Driver.IsLeader);
        Assert.Equal(CallStatus.NotLeader, (await leader.ProposeAsync("c")).Status);
        var read = await leader.Driver.ReadAsync(TimeSpan.FromMilliseconds(200)).Soon();
        Assert.NotEqual(CallStatus.Done, read.Status);
    }

    [Fact]
    public async Task TimeAndCancellationEndAWait()
    {
        await using var cluster = TestCluster.Start(count: 1);
        var leader = await cluster.LeaderAsync();
        await leader.ProposeAsync("a");
        leader.Disk.Hold();
        var late = await leader.Driver.ProposeAsync("late"u8.ToArray(), TimeSpan.FromMilliseconds(300)).Soon();
        Assert.Equal(CallStatus.Unknown, late.Status);
        using var source = new CancellationTokenSource();
        var cancelled = leader.Driver.ProposeAsync("cancelled"u8.ToArray(), Limit, source.Token);

        // Behind it in the core's queue: from here on it is in the log.
        await leader.Driver.StatusAsync(Limit).Soon();
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.Soon());
        leader.Disk.Release();

        // Unknown was the truth: both were done in the end.
        await cluster.AllHave("a", "late", "cancelled");
    }

    [Fact]
    public async Task TooManyCallsAreRefusedAtOnce()
    {
        await using var cluster = TestCluster.Start(count: 1, options => options with { CallsMax = 4 });
        var leader = await cluster.LeaderAsync();
        await leader.ProposeAsync("a");
        leader.Disk.Hold();
        var proposals = Enumerable.Range(0, 4).Select(i => leader.ProposeAsync($"{i}")).ToList();
        Assert.Equal(CallStatus.Busy, (await leader.ProposeAsync("more")).Status);
        leader.Disk.Release();
        await Task.WhenAll(proposals).Soon();
        Assert.Equal(CallStatus.Done, (await leader.ProposeAsync("now")).Status);
    }

    [Fact]
    public async Task ADiskThatFailsStopsItsMemberAndNoOther()
    {
        await using var cluster = TestCluster.Start();
        var leader = await cluster.LeaderAsync();
        await leader.ProposeAsync("a");
        leader.Disk.Hold();
        var proposal = leader.ProposeAsync("b");
        await Eventually.True(() => leader.Disk.IsHolding);
        leader.Disk.Fail();
        var reason = await leader.Failure.Soon();
        Assert.Equal(ErrorCatalog.DiskFailed, reason.Code);
        Assert.Equal(CallStatus.Unknown, (await proposal).Status);
        Assert.NotEqual(CallStatus.Done, (await leader.ProposeAsync("c")).Status);
        var next = await SomeOtherLeaderAsync(cluster, leader);
        Assert.Equal(CallStatus.Done, (await next.ProposeAsync("d")).Status);
    }

    [Fact]
    public async Task AMemberThatWaitsToBeAddedIsAnsweredAndAdded()
    {
        await using var cluster = TestCluster.Start();
        var leader = await cluster.LeaderAsync();
        await leader.ProposeAsync("a");
        var fourth = cluster.Add(4);
        fourth.Format(RaftConfiguration.Empty);
        fourth.Start();
        var learning = new RaftConfiguration(cluster.Members.Select(member =>
            member == fourth ? member.Member with { Role = MemberRole.Learner } : member.Member));
        var outcome = await leader.Driver.ChangeMembershipAsync(learning, Limit).Soon();
        Assert.Equal(CallStatus.Done, outcome.Status);
        await cluster.AllHave("a");

        // Once it has caught up it may vote.
        var promoted = CallStatus.Refused;
        for (var attempt = 0; attempt < 50 && promoted == CallStatus.Refused; attempt++)
        {
            // A round trip: what the leader knows of it may have grown.
            Assert.Equal(CallStatus.Done, (await leader.ProposeAsync($"b{attempt}")).Status);
            promoted = (await leader.Driver.ChangeMembershipAsync(cluster.Configuration, Limit).Soon()).Status;
        }

        Assert.Equal(CallStatus.Done, promoted);
    }

    [Fact]
    public async Task AMemberWhoseCommandsFitNeitherStoreNorFramesDoesNotStart()
    {
        await using var cluster = TestCluster.Start(count: 1);
        var member = cluster.Members[0];
        await member.StopAsync();
        cluster.Driver = cluster.Driver with { Store = cluster.Driver.Store with { EntryBytesMax = 1 << 20 } };
        var error = Assert.Throws<DistFsException>(member.Start);
        Assert.Equal(ErrorCatalog.Configuration, error.Code);
        Assert.Contains("CommandBytesMax", error.Message, StringComparison.Ordinal);
        await member.StopAsync();
        cluster.Driver = cluster.Driver with
        {
            Store = cluster.Driver.Store with { EntryBytesMax = 64 << 20 },
            Raft = cluster.Driver.Raft with { CommandBytesMax = RaftTransportOptions.MessageBytesMax + 1 },
        };
        error = Assert.Throws<DistFsException>(member.Start);
        Assert.Equal(ErrorCatalog.Configuration, error.Code);
        Assert.Contains($"at most {RaftTransportOptions.MessageBytesMax}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LeadershipIsHandedOver()
    {
        await using var cluster = TestCluster.Start();
        var leader = await cluster.LeaderAsync();
        await leader.ProposeAsync("a");
        var target = cluster.Members.First(member => member != leader);
        Assert.Equal(CallStatus.Done, (await leader.Driver.TransferLeadershipAsync(target.Id, Limit).Soon()).Status);
        await Eventually.True(() => target.Driver.IsLeader);
        Assert.Equal(CallStatus.Done, (await target.ProposeAsync("b")).Status);
    }

    [Fact]
    public async Task ALeaderWhoseDiskHangsHandsItsLeadershipOver()
    {
        // Its followers are a majority and could commit, but it answers nothing that is not on its own disk.
        await using var cluster = TestCluster.Start(
            change: options => options with { DiskStall = TimeSpan.FromMilliseconds(300) });
        var leader = await cluster.LeaderAsync();
        await leader.ProposeAsync("a");
        leader.Disk.Hold();
        var stuck = leader.ProposeAsync("b");
        var next = await SomeOtherLeaderAsync(cluster, leader);
        Assert.Equal(CallStatus.Done, (await next.ProposeAsync("c")).Status);
        leader.Disk.Release();
        await cluster.AllHave("a", "b", "c");
        Assert.Contains((await stuck).Status, new[] { CallStatus.Done, CallStatus.Unknown });
    }

    private static async Task<TestMember> SomeOtherLeaderAsync(TestCluster cluster, TestMember not)
    {
        TestMember? found = null;
        await Eventually.True(() =>
        {
            found = cluster.Members.Find(member => member != not && member.Driver.IsLeader);
            return found != null;
        });
        return found!;
    }
}
