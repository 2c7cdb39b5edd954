using DistFS.Raft.Tests.Harness;

namespace DistFS.Raft.Tests.Pitfalls;

/// <summary>What is told before it is on disk (thesis, 3.8 and figure 3.1: "updated on stable storage before
/// responding").
/// </summary>
public sealed class DurabilityPitfalls
{
    [Fact]
    public void A_vote_is_told_only_when_it_is_on_disk() => Planted.Bites(PlantedBug.VoteReplyBeforeFsync, () =>
    {
        var cluster = TwoCandidatesOfOneTerm();
        cluster[3].HoldsDisk = true;
        cluster.Deliver(1, 3);
        cluster.Deliver(3, 1);
        cluster[3].Crash();
        cluster[3].Restart();
        cluster.Stabilize();
    });

    [Fact]
    public void A_vote_is_remembered_over_a_restart() => Planted.Bites(PlantedBug.VoteNotPersisted, () =>
    {
        var cluster = TwoCandidatesOfOneTerm();
        cluster.Deliver(1, 3);
        cluster.Deliver(3, 1);
        cluster[3].Restart();
        cluster.Stabilize();
    });

    [Fact]
    public void An_append_is_acknowledged_only_when_it_is_on_disk() =>
        Planted.Bites(PlantedBug.AppendReplyBeforeFsync, () =>
        {
            var cluster = new TestCluster(3) { Oracle = { ChecksDurability = false } };
            var leader = cluster.Elect(1);
            cluster.Isolate(3);
            cluster[2].HoldsDisk = true;
            leader.Propose("acknowledged");
            cluster.Stabilize();
            cluster[1].Crash();
            cluster[2].Crash();
            cluster.Heal();
            cluster[2].Restart();
            cluster.Run(60);
            Assert.NotNull(cluster.Leader);
        });

    /// <summary>ABA: what the finished write says about entry 2 is no longer about the entry 2 that counts.</summary>
    [Fact]
    public void An_old_write_that_ends_late_says_nothing_about_the_entries_that_replaced_its_own()
    {
        var (cluster, node) = Follower();
        Append(cluster, leader: 1, term: 1, previous: default, 1, 1, 1);
        Append(cluster, leader: 2, term: 2, previous: Id(1, 1), 2);
        Assert.Equal(2, node.Disk.Count);

        node.Persist();
        Assert.Equal(Id(3, 1), node.Storage.Last);
        Assert.Equal(new LogIndex(1), node.Core.Status.Stable);
        Assert.DoesNotContain(cluster.Wire, message => message is AppendReply { Term.Value: 2 });

        node.Persist();
        Assert.Equal(new LogIndex(2), node.Core.Status.Stable);
        Assert.Contains(cluster.Wire, message => message is AppendReply { Term.Value: 2, Index.Value: 2 });
    }

    /// <summary>The very same entry comes back: the first write had it, but the second one cuts it off again before the
    /// third brings it back.</summary>
    [Fact]
    public void An_entry_that_was_cut_off_and_came_back_counts_only_from_its_second_write()
    {
        var (cluster, node) = Follower();
        Append(cluster, leader: 1, term: 1, previous: default, 1, 1, 1);
        Append(cluster, leader: 2, term: 2, previous: Id(1, 1), 2);
        Append(cluster, leader: 1, term: 3, previous: Id(1, 1), 1, 3);
        Assert.Equal(3, node.Disk.Count);

        foreach (var stable in new ulong[] { 1, 1, 3 })
        {
            node.Persist();
            Assert.Equal(new LogIndex(stable), node.Core.Status.Stable);
        }

        var reply = Assert.IsType<AppendReply>(Assert.Single(cluster.Wire, m => m is AppendReply { Term.Value: 3 }));
        Assert.Equal(new LogIndex(3), reply.Index);
    }

    /// <summary>The same with one fsync for all that was on its way.</summary>
    [Fact]
    public void One_sync_may_serve_writes_that_contradict_each_other()
    {
        var (cluster, node) = Follower();
        Append(cluster, leader: 1, term: 1, previous: default, 1, 1, 1);
        Append(cluster, leader: 2, term: 2, previous: Id(1, 1), 2);
        node.Write();
        node.Write();
        node.Tell();
        Assert.Equal(new LogIndex(2), node.Core.Status.Stable);
        Assert.Equal(Id(2, 2), node.Storage.Last);
    }

    /// <summary>The candidate's own vote counts like any other: when it is on disk.</summary>
    [Fact]
    public void A_candidate_asks_for_votes_only_when_its_own_is_on_disk()
    {
        var cluster = new TestCluster(3);
        cluster[1].HoldsDisk = true;
        cluster.Campaign(1);
        cluster.Stabilize();
        Assert.Equal(RaftRole.Candidate, cluster[1].Core.Role);
        Assert.Equal(default, cluster[2].Core.Status.Term);
        cluster[1].Release();
        cluster.Stabilize();
        Assert.Equal(RaftRole.Leader, cluster[1].Core.Role);
    }

    /// <summary>The leader may commit what a majority has while its own disk is slow, but it applies only what its own
    /// disk has (thesis, 10.2.1).</summary>
    [Fact]
    public void A_leader_with_a_slow_disk_counts_itself_last()
    {
        var cluster = new TestCluster(3);
        var leader = cluster.Elect(1);
        leader.HoldsDisk = true;
        var id = leader.Propose("x").Id;
        cluster.Stabilize();
        Assert.Equal(id.Index, leader.Core.Status.Commit);
        Assert.Equal(id.Index.Previous, leader.Machine.Applied);
        cluster.Isolate(3);
        leader.Propose("y");
        cluster.Stabilize();
        Assert.Equal(id.Index, leader.Core.Status.Commit);
        leader.Release();
        Assert.Equal(id.Index.Next, leader.Machine.Applied);
    }

    /// <summary>m1 and m2 both campaign in term 1, and what they ask m3 is on the wire.</summary>
    private static TestCluster TwoCandidatesOfOneTerm()
    {
        var cluster = new TestCluster(3) { Oracle = { ChecksDurability = false } };
        cluster.Cut(1, 2);
        cluster.Campaign(1);
        cluster.Campaign(2);
        cluster.Deliver(message => message is VoteRequest);
        cluster.Deliver(message => message is VoteReply);
        Assert.All([cluster[1], cluster[2]], node => Assert.Equal(RaftRole.Candidate, node.Core.Role));
        return cluster;
    }

    private static (TestCluster Cluster, TestNode Node) Follower()
    {
        var cluster = new TestCluster(3);
        cluster[3].HoldsDisk = true;
        return (cluster, cluster[3]);
    }

    private static EntryId Id(ulong index, ulong term) => new(new Term(term), new LogIndex(index));

    private static void Append(TestCluster cluster, ulong leader, ulong term, EntryId previous, params ulong[] terms) =>
        cluster.Arrive(new AppendRequest
        {
            From = new MemberId(leader),
            FromStore = TestCluster.StoreOf(leader),
            To = new MemberId(3),
            Term = new Term(term),
            Previous = previous,
            Commit = default,
            Entries = [.. terms.Select((t, i) => new RaftEntry { Id = Id(previous.Index.Value + (ulong)i + 1, t) })],
        });
}
