using DistFS.Raft.Tests.Harness;

namespace DistFS.Raft.Tests.Pitfalls;

/// <summary>What is committed, what is cut off, what waits.</summary>
public sealed class LogPitfalls
{
    /// <summary>Thesis, 3.6.2 and figure 3.7 (the paper's figure 8).</summary>
    [Fact]
    public void An_entry_of_an_older_term_is_not_committed_by_counting() =>
        Planted.Bites(PlantedBug.OldTermCommittedByCount, () =>
        {
            var cluster = new TestCluster(5);

            // (a) S1 leads and gives entry 2 to S2 only.
            cluster.Elect(1);
            Only(cluster, 1, 2);
            cluster[1].Propose("a");
            cluster.Stabilize();

            // (b) S5 leads with the votes of S3 and S4, and has another entry 2 that it gives to nobody.
            cluster[1].Crash();
            Only(cluster, 3, 4, 5);
            ElectButLose(cluster, 5, lostIndex: 2);
            Assert.Equal(new EntryId(new Term(2), new LogIndex(2)), cluster[5].Storage.Last);
            cluster[5].Crash();

            // (c) S1 leads again and brings "a" to S3: a majority has it, but it is of an older term.
            cluster[1].Restart();
            Only(cluster, 1, 2, 3);
            ElectButLose(cluster, 1, lostIndex: 3);
            Assert.Equal(new EntryId(new Term(1), new LogIndex(2)), cluster[3].Storage.Last);

            // (d) S1 dies, S5 leads and overwrites it.
            cluster[1].Crash();
            cluster[5].Restart();
            Only(cluster, 2, 3, 4, 5);
            ElectButLose(cluster, 5, lostIndex: 100);
            Assert.Equal(new Term(2), cluster.Oracle.At(new LogIndex(2)).Term);
        });

    /// <summary>Thesis, 3.5: an append that says less than the follower has may be old.</summary>
    [Fact]
    public void A_duplicate_append_cuts_nothing_off() => Planted.Bites(PlantedBug.DuplicateAppendTruncates, () =>
    {
        var cluster = new TestCluster(3);
        var leader = cluster.Elect(1);
        cluster.Isolate(3);
        leader.Propose("a");
        var old = cluster.Wire.Single(message => message is AppendRequest { To.Value: 2 });
        cluster.Deliver(1, 2);
        var b = leader.Propose("b").Id;
        cluster.Deliver(1, 2);
        cluster.Arrive(old);
        cluster.Deliver(2, 1);
        Assert.Equal(b.Index, leader.Machine.Applied);

        leader.Crash();
        cluster.Take();
        cluster.Heal();
        cluster.Run(60);
        Assert.Equal(cluster[2], cluster.Leader);
    });

    /// <summary>The client that was told an entry's name finds out that another took its place (thesis, 6.3).</summary>
    [Fact]
    public void A_proposal_that_another_leader_replaced_is_told_by_its_name()
    {
        var cluster = new TestCluster(3);
        var old = cluster.Elect(1);
        cluster.Isolate(1);
        var lost = old.Propose("lost").Id;
        cluster.Elect(2);
        cluster[2].Propose("instead");
        cluster.Heal();
        cluster.Run(10);
        Assert.NotEqual(lost, cluster.Oracle.At(lost.Index));
        Assert.Equal(cluster[2].Machine.Hash, old.Machine.Hash);
    }

    /// <summary>A proposal of a deposed leader that its successor has is applied once, under the name that was
    /// told.</summary>
    [Fact]
    public void A_proposal_that_outlives_its_leader_keeps_its_name()
    {
        var cluster = new TestCluster(3);
        var old = cluster.Elect(1);
        var id = old.Propose("x").Id;
        cluster.Deliver(1, 2);
        cluster.Take();
        old.Crash();
        cluster.Elect(2);
        Assert.Equal(id, cluster.Oracle.At(id.Index));
    }

    [Fact]
    public void A_leader_does_not_take_more_than_it_may_leave_uncommitted()
    {
        var cluster = new TestCluster(3, options: options => options with
        {
            CommandBytesMax = 1000,
            UncommittedBytesMax = 3000,
        });
        var leader = cluster.Elect(1);
        cluster.Isolate(1);
        var accepted = 0;
        while (leader.Propose(new byte[1000]).Status == ProposeStatus.Accepted)
        {
            Assert.InRange(++accepted, 0, 3);
        }

        Assert.Equal(ProposeStatus.Busy, leader.Propose("x".PadRight(1000)).Status);
        Assert.Equal(ProposeStatus.TooLarge, leader.Propose(new byte[1001]).Status);
        cluster.Heal();
        cluster.Run(10);
        Assert.Equal(0, leader.Core.Status.UncommittedBytes);
        Assert.Equal(ProposeStatus.Accepted, leader.Propose(new byte[1000]).Status);
    }

    /// <summary>Heartbeats and their answers pass what is large and slow on its way (thesis, 10.2.1 and 9.5).</summary>
    [Fact]
    public void A_large_entry_on_its_way_and_a_slow_disk_starve_no_heartbeat()
    {
        var cluster = new TestCluster(3, options: options => options with { InflightAppendsMax = 1 });
        var leader = cluster.Elect(1);
        cluster.Run(3);
        cluster[2].HoldsDisk = cluster[3].HoldsDisk = true;
        leader.Propose(new byte[4 << 20]);
        leader.Propose("behind it");
        for (var i = 0; i < 50; i++)
        {
            cluster[1].Tick();
            cluster[2].Tick();
            cluster[3].Tick();

            // Appends crawl: none arrives.
            cluster.Deliver(message => message is not AppendRequest);
        }

        Assert.Equal(RaftRole.Leader, leader.Core.Role);
        Assert.All(cluster.Wire, message => Assert.IsNotType<Heartbeat>(message));
        Assert.Equal(leader.Id, cluster[2].Core.Leader);
        Assert.InRange(cluster.Wire.Count(message => message.To.Value == 2), 1, 50);
    }

    private static void Only(TestCluster cluster, params int[] together)
    {
        cluster.Heal();
        cluster.Take();
        for (var id = 1; id <= cluster.Nodes.Count; id++)
        {
            if (!together.Contains(id))
            {
                cluster.Isolate(id);
            }
        }
    }

    // Appends arrive without the entries of that index and after it.
    private static void ElectButLose(TestCluster cluster, int id, ulong lostIndex)
    {
        foreach (var node in cluster.Nodes.Where(node => node.Id.Value != (ulong)id))
        {
            node.Tick(node.Options.ElectionTicks);
        }

        cluster.Take();
        for (int i = 0, leading = 0; i < 300 && leading < 20; i++)
        {
            leading += cluster[id].Core.Role == RaftRole.Leader ? 1 : 0;
            cluster[id].Tick(i % 4 == 3 ? 1 : 0);
            foreach (var message in cluster.Take())
            {
                cluster.Arrive(message is AppendRequest append
                    ? append with { Entries = [.. append.Entries.TakeWhile(entry => entry.Index.Value < lostIndex)] }
                    : message);
            }
        }

        Assert.Equal(RaftRole.Leader, cluster[id].Core.Role);
    }
}
