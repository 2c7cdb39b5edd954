using DistFS.Raft.Tests.Harness;

namespace DistFS.Raft.Tests;

/// <summary>Snapshots in pieces (thesis, 5.3).</summary>
public sealed class RaftCoreSnapshotsTests
{
    /// <summary>m3 has a tail that conflicts, and longer than the snapshot: the length of its log proves
    /// nothing.</summary>
    [Fact]
    public void A_spoilt_snapshot_is_not_reported_as_installed_behind_a_conflicting_tail()
    {
        var cluster = WithConflictingTail();
        cluster[3].Storage.SpoilsNextInstall = true;
        cluster.Run(3);
        cluster.Run(30);
        Assert.Equal(cluster.Leader!.Machine.Hash, cluster[3].Machine.Hash);
    }

    /// <summary>The disk is quicker than the core is told: the log that the core remembers is no longer
    /// there.</summary>
    [Fact]
    public void A_piece_of_a_newer_snapshot_while_the_core_does_not_know_of_the_install()
    {
        var cluster = WithConflictingTail();
        var follower = cluster[3];
        follower.HoldsDisk = true;
        for (var i = 0; i < 40 && !follower.Disk.Any(ready => ready.Install != null); i++)
        {
            cluster.Run(1);
            while (follower.Disk.Count > 0 && follower.Disk.First().Install == null)
            {
                follower.Persist();
            }
        }

        follower.Write();
        var leader = cluster.Leader!;
        var meta = leader.Storage.Snapshot!;
        var newer = meta with { Id = 99, Last = new EntryId(meta.Last.Term, new LogIndex(meta.Last.Index.Value + 2)) };
        cluster.Arrive(new SnapshotPiece
        {
            From = leader.Id,
            FromStore = leader.Options.Store,
            To = follower.Id,
            Term = leader.Core.Status.Term,
            Snapshot = newer,
            Offset = 0,
            Length = 10,
            Data = new byte[10],
        });
        follower.Tell();
        follower.Release();
        cluster.Run(30);
        Assert.Equal(leader.Machine.Hash, follower.Machine.Hash);
    }

    [Fact]
    public void One_lost_piece_does_not_multiply_the_traffic()
    {
        var cluster = new TestCluster(3, options: options => options with { SnapshotPieceBytes = 2 });
        var leader = BehindASnapshot(cluster);
        var (sent, lost) = (0, false);
        for (var i = 0; i < 400 && !cluster[3].Saw(RaftEventKind.SnapshotInstalled); i++)
        {
            if (i % 20 == 19)
            {
                leader.Tick();
            }

            sent += cluster.Wire.Count(message => message is SnapshotPiece);
            if (!lost && cluster.Wire.Count(message => message is SnapshotPiece) >= 3)
            {
                lost = true;
                cluster.Take(message => message is SnapshotPiece, 1);
            }

            cluster.Deliver();
        }

        Assert.True(lost && cluster[3].Saw(RaftEventKind.SnapshotInstalled));
        Assert.InRange(sent, TestMachine.SnapshotBytes / 2, TestMachine.SnapshotBytes / 2 * 2);
    }

    /// <summary>Else the log of a leader with one dead follower would grow without end.</summary>
    [Fact]
    public void A_dead_follower_does_not_keep_the_leader_from_taking_snapshots()
    {
        var cluster = new TestCluster(3);
        var leader = BehindASnapshot(cluster);
        cluster.Run(2);
        cluster[3].Crash();
        cluster[3].Storage.LoseAfter(default);
        cluster.Run(40);
        Assert.False(leader.Core.Status.SnapshotsInTransfer);
    }

    /// <summary>m1 leads, m3 was cut off and needs a snapshot.</summary>
    private static TestNode BehindASnapshot(TestCluster cluster)
    {
        var leader = cluster.Elect(1);
        cluster.Isolate(3);
        for (var i = 0; i < 5; i++)
        {
            leader.Propose($"x{i}");
        }

        cluster.Run(3);
        leader.Compact();
        cluster.Heal();
        return leader;
    }

    private static TestCluster WithConflictingTail()
    {
        var cluster = new TestCluster(3);
        cluster.Elect(3);
        cluster.Run(2);
        cluster.Isolate(3);
        for (var i = 0; i < 20; i++)
        {
            cluster[3].Propose($"lost {i}");
        }

        cluster.Run(40);
        var leader = cluster.Leader!;
        Assert.NotEqual(cluster[3], leader);
        leader.Propose("a");
        leader.Propose("b");
        cluster.Run(3);
        leader.Compact();
        cluster.Heal();
        return cluster;
    }
}
