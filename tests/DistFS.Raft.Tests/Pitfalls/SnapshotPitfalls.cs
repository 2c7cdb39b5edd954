using DistFS.Raft.Tests.Harness;

namespace DistFS.Raft.Tests.Pitfalls;

/// <summary>Snapshots that meet what goes on beside them (thesis, 5).</summary>
public sealed class SnapshotPitfalls
{
    /// <summary>5.3: a late piece of an older snapshot arrives when newer state is there.</summary>
    [Fact]
    public void An_older_snapshot_is_not_installed_over_newer_state() =>
        Planted.Bites(PlantedBug.OlderSnapshotInstalled, () =>
        {
            var cluster = Behind();
            var leader = cluster[1];
            var late = new List<RaftMessage>();
            for (var i = 0; i < 10; i++)
            {
                cluster.Run(1);
                late.AddRange(cluster.Wire.OfType<SnapshotPiece>());
            }

            var old = Piece(leader, cluster[3]);
            leader.Propose("newer");
            cluster.Run(3);
            cluster[3].Compact();
            var before = cluster[3].Machine.Applied;
            cluster.Arrive(old);
            Assert.Equal(before, cluster[3].Machine.Applied);
            Assert.True(cluster[3].Core.Status.Commit >= before);
        });

    /// <summary>Entries that were handed out before the snapshot came must not be applied after it.</summary>
    [Fact]
    public void A_snapshot_waits_for_what_is_being_applied()
    {
        var cluster = new TestCluster(3);
        var leader = cluster.Elect(1);
        cluster.Run(2);
        cluster[3].HoldsApply = true;
        leader.Propose("handed out");
        cluster.Run(2);
        cluster.Isolate(3);
        for (var i = 0; i < 5; i++)
        {
            leader.Propose($"x{i}");
        }

        cluster.Run(2);
        leader.Compact();
        cluster.Heal();
        cluster.Run(30);
        cluster[3].Release();
        cluster.Run(3);
        Assert.True(cluster[3].Saw(RaftEventKind.SnapshotInstalled));
        Assert.Equal(leader.Machine.Hash, cluster[3].Machine.Hash);
    }

    /// <summary>Nothing is handed out to be applied while a snapshot is on its way to the disk.</summary>
    [Fact]
    public void Nothing_is_applied_while_a_snapshot_is_installed()
    {
        var cluster = Behind();
        cluster[3].HoldsDisk = true;
        for (var i = 0; i < 40 && !cluster[3].Disk.Any(ready => ready.Install != null); i++)
        {
            cluster.Run(1);
            while (cluster[3].Disk.Count > 0 && cluster[3].Disk.First().Install == null)
            {
                cluster[3].Persist();
            }
        }

        cluster[1].Propose("after the snapshot");
        cluster.Run(5);
        Assert.All(cluster[3].Disk, ready => Assert.Empty(ready.Append));
        Assert.True(cluster[3].Disk.Count(ready => ready.Install != null) == 1);

        // It neither votes nor campaigns while it does not know where its log ends.
        cluster[3].Tick(40);
        Assert.Equal(RaftRole.Follower, cluster[3].Core.Role);
        cluster[3].Release();
        cluster.Run(20);
        Assert.Equal(cluster[1].Machine.Hash, cluster[3].Machine.Hash);
    }

    /// <summary>The process dies with all pieces on the disk, before the snapshot is the newest.</summary>
    [Fact]
    public void A_crash_before_the_install_goes_on_where_it_was()
    {
        var cluster = Behind();
        cluster[3].HoldsDisk = true;
        for (var i = 0; i < 40 && !cluster[3].Disk.Any(ready => ready.Install != null); i++)
        {
            cluster.Run(1);
            while (cluster[3].Disk.Count > 0 && cluster[3].Disk.First().Install == null)
            {
                cluster[3].Persist();
            }
        }

        cluster[3].Storage.StorePieces(cluster[3].Disk.First());
        cluster[3].Crash();
        Assert.Equal(TestMachine.SnapshotBytes, cluster[3].Storage.Incoming!.Value.ReceivedBytes);
        cluster[3].Restart();
        cluster.Run(40);
        Assert.Equal(cluster[1].Machine.Hash, cluster[3].Machine.Hash);
    }

    /// <summary>The leader changes in the middle; the new one has another snapshot, and pieces are never
    /// mixed.</summary>
    [Fact]
    public void Pieces_of_two_snapshots_are_not_mixed()
    {
        var cluster = Behind();
        cluster[2].Compact();
        for (var i = 0; i < 40 && cluster[3].Storage.Incoming is not { ReceivedBytes: > 10 }; i++)
        {
            cluster.Deliver();
            cluster[1].Tick();
        }

        Assert.NotNull(cluster[3].Storage.Incoming);
        cluster[1].Crash();
        cluster.Run(60);
        Assert.Equal(cluster[2], cluster.Leader);
        Assert.Equal(cluster[2].Machine.Hash, cluster[3].Machine.Hash);
    }

    /// <summary>m3 was cut off, and what it lacks is gone from the leader's log.</summary>
    private static TestCluster Behind()
    {
        var cluster = new TestCluster(3, options: options => options with { SnapshotPieceBytes = 10 });
        var leader = cluster.Elect(1);
        cluster.Isolate(3);
        for (var i = 0; i < 5; i++)
        {
            leader.Propose($"x{i}");
        }

        cluster.Run(3);
        leader.Compact();
        cluster.Heal();
        return cluster;
    }

    private static SnapshotPiece Piece(TestNode from, TestNode to) => new()
    {
        From = from.Id,
        FromStore = from.Options.Store,
        To = to.Id,
        Term = from.Core.Status.Term,
        Snapshot = from.Storage.Snapshot!,
        Offset = 0,
        Length = TestMachine.SnapshotBytes,
        Data = from.Storage.SnapshotBytes,
    };
}
