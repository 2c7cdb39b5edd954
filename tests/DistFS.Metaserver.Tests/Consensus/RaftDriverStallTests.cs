using System.Collections.Concurrent;
using System.Diagnostics;
using DistFS.Metaserver.Consensus;

namespace DistFS.Metaserver.Tests.Consensus;

/// <summary>Lanes that are held up: by the disk, by the state machine, or because the member stops.</summary>
public sealed class RaftDriverStallTests
{
    private static readonly TimeSpan Limit = Eventually.Limit;

    [Fact]
    public async Task ReadingASnapshotForAFollowerHoldsUpNobodyElse()
    {
        await using var cluster = TestCluster.Start(
            change: options => options with { SnapshotEntries = 40, KeepEntries = 5 });
        var (leader, follower) = await WithAFollowerThatNeedsASnapshotAsync(cluster);
        leader.Disk.Hold("read", "snap-");
        follower.Start();
        await Eventually.True(() => leader.Disk.IsHolding);
        var start = Stopwatch.GetTimestamp();
        var outcome = await leader.Driver.ProposeAsync("more"u8.ToArray(), TimeSpan.FromSeconds(1)).Soon();
        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromSeconds(2));
        Assert.Equal(CallStatus.Done, outcome.Status);
        Assert.Equal(CallStatus.Done, (await leader.Driver.ReadAsync(Limit).Soon()).Status);
        leader.Disk.Release();
        await Eventually.True(() => follower.Machine.Items.LastOrDefault() == "more");
    }

    [Fact]
    public async Task CallsEndInTimeAlsoWhileTheCoreWaitsForTheDisk()
    {
        // Entries that are in no cache any more are read by the core itself.
        await using var cluster = TestCluster.Start(
            change: options => options with { Store = options.Store with { CacheBytes = 0 } });
        var leader = await cluster.LeaderAsync();
        await leader.ProposeAsync("a");
        leader.Disk.Hold("read", "log-");
        var first = leader.Driver.ProposeAsync("b"u8.ToArray(), TimeSpan.FromSeconds(1)).Soon();
        await Eventually.True(() => leader.Disk.IsHolding);
        var start = Stopwatch.GetTimestamp();
        var second = leader.Driver.ProposeAsync("c"u8.ToArray(), TimeSpan.FromSeconds(1)).Soon();
        var read = leader.Driver.ReadAsync(TimeSpan.FromSeconds(1)).Soon();
        Assert.Equal(CallStatus.Unknown, (await first).Status);
        Assert.Equal(CallStatus.Unknown, (await second).Status);
        Assert.Equal(CallStatus.Unknown, (await read).Status);
        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task WhatTheCoreCannotTakeIsBoundedWhoeverStillWaitsForIt()
    {
        await using var cluster = TestCluster.Start(count: 1, options => options with
        {
            CallsMax = 10,
            Store = options.Store with { CacheBytes = 0 },
        });
        var leader = await cluster.LeaderAsync();
        leader.Disk.Hold("read", "log-");
        var last = leader.Driver.ProposeAsync("a"u8.ToArray(), Limit).Soon();
        await Eventually.True(() => leader.Disk.IsHolding);
        var isBusy = false;
        for (var i = 0; i < 100; i++)
        {
            var outcome = await leader.Driver.ProposeAsync("b"u8.ToArray(), TimeSpan.FromTicks(1)).Soon();
            var read = await leader.Driver.ReadAsync(TimeSpan.FromTicks(1)).Soon();
            isBusy |= outcome.Status == CallStatus.Busy && read.Status == CallStatus.Busy;
            if (isBusy)
            {
                break;
            }
        }

        Assert.True(isBusy);
        leader.Disk.Release();
        Assert.Equal(CallStatus.Done, (await last).Status);

        // It has taken its turn behind all that waited for the core: there is room again.
        await leader.Driver.StatusAsync(Limit).Soon();
        Assert.Equal(CallStatus.Done, (await leader.ProposeAsync("c")).Status);
    }

    [Fact]
    public async Task ALeaderWhoseDiskHangsWhenItHasNothingToDoHandsOverToo()
    {
        await using var cluster = TestCluster.Start(change: options => options with
        {
            DiskStall = TimeSpan.FromMilliseconds(300),
            SettleAfter = TimeSpan.FromMilliseconds(200),
        });
        var leader = await cluster.LeaderAsync();

        // In a term that it has on disk nothing but settling syncs this file.
        leader.Disk.Hold("sync", "hardstate");
        Assert.Equal(CallStatus.Done, (await leader.ProposeAsync("a")).Status);
        await Eventually.True(() => leader.Disk.IsHolding);
        await Eventually.True(() => cluster.Members.Exists(member => member != leader && member.Driver.IsLeader));
        leader.Disk.Release();
        await cluster.AllHave("a");
    }

    [Fact]
    public async Task AStateMachineThatHangsMakesProposalsBusyAndFillsNothing()
    {
        const ulong UnappliedMax = 500;
        await using var cluster = TestCluster.Start(count: 1, options => options with
        {
            UnappliedEntriesMax = UnappliedMax,
            CallsMax = 100,
        });
        var leader = await cluster.LeaderAsync();
        await leader.ProposeAsync("a");
        using var gate = new ManualResetEventSlim();
        leader.Machine.BeforeApply = () => Assert.True(gate.Wait(Limit));
        var statuses = new ConcurrentDictionary<CallStatus, int>();
        await Task.WhenAll(Enumerable.Range(0, 50).Select(async _ =>
        {
            for (var i = 0; i < 200; i++)
            {
                var outcome = await leader.Driver
                    .ProposeAsync("b"u8.ToArray(), TimeSpan.FromMilliseconds(20)).Soon();
                statuses.AddOrUpdate(outcome.Status, 1, static (_, count) => count + 1);
                if (i % 20 == 0)
                {
                    await leader.Driver.ReadAsync(TimeSpan.FromMilliseconds(20)).Soon();
                }
            }
        }));
        Assert.Equal(10_000, statuses.Values.Sum());
        Assert.True(statuses[CallStatus.Busy] > 5_000);
        Assert.DoesNotContain(CallStatus.Done, statuses.Keys);
        var status = await leader.Driver.StatusAsync(Limit).Soon();
        Assert.InRange(status.Last.Index.Value - leader.Driver.Applied.Value, 1UL, UnappliedMax + 1);
        await Eventually.True(() => leader.Driver.CallsHeld == 0);
        Assert.InRange(leader.Driver.QueueLength("apply"), 0, (int)UnappliedMax);

        // It goes on where it was.
        gate.Set();
        await Eventually.True(() => leader.Driver.Applied == status.Last.Index);
        Assert.Equal(CallStatus.Done, (await leader.ProposeAsync("c")).Status);
    }

    [Fact]
    public async Task AStopWaitsForASnapshotThatIsBegunMeanwhile()
    {
        await using var cluster = TestCluster.Start(count: 1, options => options with { SnapshotEntries = 5 });
        var leader = await cluster.LeaderAsync();
        using var never = new ManualResetEventSlim();
        var isWriting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        leader.Machine.BeforeWrite = () =>
        {
            // It takes long enough for a stop that does not wait to be over before it.
            isWriting.SetResult();
            Assert.False(never.Wait(300));
        };
        leader.Disk.Hold("create", "snapshot.tmp");

        // With the no-op of the leader these are the five after which one is due.
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal(CallStatus.Done, (await leader.ProposeAsync($"{i}")).Status);
        }

        await Eventually.True(() => leader.Disk.IsHolding);
        var stopped = leader.Driver.DisposeAsync().AsTask();
        leader.Disk.Release();
        await isWriting.Task.WaitAsync(Limit);
        await stopped.WaitAsync(Limit);
        Assert.Equal(0, leader.Machine.OpenViews);
        Assert.DoesNotContain("snapshot.tmp", leader.Disk.List());
        Assert.False(leader.Failure.IsCompleted);
    }

    [Fact]
    public async Task AStopEndsAViewThatWaitsForTheDisk()
    {
        await using var cluster = TestCluster.Start(count: 1, options => options with { SnapshotEntries = 5 });
        var leader = await cluster.LeaderAsync();
        await QueueASnapshotBehindTheDiskAsync(leader);
        Assert.Equal(1, leader.Machine.OpenViews);
        var stopped = leader.Driver.DisposeAsync().AsTask();
        leader.Disk.Release();
        await stopped.WaitAsync(Limit);
        Assert.Equal(0, leader.Machine.OpenViews);
    }

    [Fact]
    public async Task AStopInTheMiddleOfARoundOfTheDiskWritesNothingTwice()
    {
        await using var cluster = TestCluster.Start(count: 1, options => options with { SnapshotEntries = 5 });
        var leader = await cluster.LeaderAsync();
        var waiting = await QueueASnapshotBehindTheDiskAsync(leader);
        var queued = leader.Driver.QueueLength("disk");
        waiting.Add(leader.ProposeAsync("behind the snapshot"));
        await Eventually.True(() => leader.Driver.QueueLength("disk") > queued);

        // One round more: entries, the snapshot's file, entries. It stops while the first of them are synced.
        leader.Disk.Step();
        await Eventually.True(() => leader.Driver.QueueLength("disk") == 0 && leader.Disk.IsHolding);
        Assert.Equal(CallStatus.Done, (await waiting[1]).Status);
        var writes = leader.Disk.LogWrites;
        var last = leader.Store.Last;
        var stopped = leader.Driver.DisposeAsync().AsTask();
        leader.Disk.Release();
        await stopped.WaitAsync(Limit);
        Assert.False(leader.Failure.IsCompleted);
        Assert.Equal(writes, leader.Disk.LogWrites);
        Assert.Equal(last.Index.Next, leader.Store.Last.Index);

        Assert.All(
            await Task.WhenAll(waiting[2..]).Soon(), outcome => Assert.Equal(CallStatus.Unknown, outcome.Status));
    }

    [Fact]
    public async Task AnIdleGroupReplacesADamagedSnapshot()
    {
        await using var cluster = TestCluster.Start(
            change: options => options with { SnapshotEntries = 40, KeepEntries = 5 });
        var (leader, follower) = await WithAFollowerThatNeedsASnapshotAsync(cluster);

        // One of exactly the last entry has no other to take its place before the next entry.
        while (leader.Store.Snapshot!.Last.Index == leader.Store.Last.Index)
        {
            Assert.Equal(CallStatus.Done, (await leader.ProposeAsync("behind the snapshot")).Status);
        }

        var damaged = leader.Store.Snapshot!.Id;
        leader.Disk.Fail("read", "snap-");
        follower.Start();
        await Eventually.True(() => leader.Disk.Failed > 0);
        leader.Disk.Release();
        await Eventually.True(() => leader.Store.Snapshot?.Id != damaged);
        await cluster.AllHave(leader.Machine.Items);
        Assert.True(leader.Driver.IsLeader);
    }

    [Theory]
    [InlineData("create")]
    [InlineData("write")]
    [InlineData("sync")]
    public async Task ASnapshotThatTheDiskRefusesIsTriedAgainLater(string call)
    {
        await using var cluster = TestCluster.Start(count: 1, options => options with
        {
            SnapshotEntries = 5,
            SnapshotRetryMin = TimeSpan.FromMilliseconds(20),
            SnapshotRetryMax = TimeSpan.FromMilliseconds(50),
        });
        var leader = await cluster.LeaderAsync();
        leader.Disk.Fail(call, "snapshot.tmp");
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(CallStatus.Done, (await leader.ProposeAsync($"{i}")).Status);
        }

        // Also when nothing more is applied.
        var failed = leader.Disk.Failed;
        await Eventually.True(() => leader.Disk.Failed > failed + 3);
        Assert.Equal(CallStatus.Done, (await leader.ProposeAsync("more")).Status);
        Assert.Null(leader.Store.Snapshot);
        Assert.False(leader.Failure.IsCompleted);
        leader.Disk.Release();
        await Eventually.True(() => leader.Store.Snapshot?.Last.Index > new LogIndex(20));
        await Eventually.True(() => leader.Machine.OpenViews == 0);
    }

    /// <summary>A view was taken while the disk is held up, with entries waiting in front of its file.</summary>
    private static async Task<List<Task<ProposalOutcome>>> QueueASnapshotBehindTheDiskAsync(TestMember leader)
    {
        using var gate = new ManualResetEventSlim();
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(CallStatus.Done, (await leader.ProposeAsync($"{i}")).Status);
        }

        leader.Machine.BeforeApply = () => Assert.True(gate.Wait(Limit));
        var waiting = new List<Task<ProposalOutcome>> { leader.ProposeAsync("not yet applied") };

        // The no-op of the leader, three commands and this one are on disk; the next one is on its way there.
        await Eventually.True(() => leader.Store.Last.Index.Value == 5);
        await Eventually.True(() => leader.Driver.QueueLength("disk") == 0);
        leader.Disk.Hold();
        waiting.Add(leader.ProposeAsync("on its way to the disk"));
        await Eventually.True(() => leader.Disk.IsHolding);
        waiting.Add(leader.ProposeAsync("behind it"));
        await Eventually.True(() => leader.Driver.QueueLength("disk") == 1);
        gate.Set();
        await Eventually.True(() => leader.Driver.QueueLength("disk") == 2);
        leader.Machine.BeforeApply = null;
        return waiting;
    }

    /// <summary>The follower is stopped, and the leader's log does not have what it needs any more.</summary>
    private static async Task<(TestMember Leader, TestMember Follower)> WithAFollowerThatNeedsASnapshotAsync(
        TestCluster cluster)
    {
        var leader = await cluster.LeaderAsync();
        var follower = cluster.Members.First(member => member != leader);
        await follower.StopAsync();

        // The snapshot is not of the last entry.
        for (var i = 0; i < 60; i++)
        {
            Assert.Equal(CallStatus.Done, (await leader.ProposeAsync($"command {i}")).Status);
        }

        await Eventually.True(() => leader.Store.Compacted.Index.Value > 10);
        return (leader, follower);
    }
}
