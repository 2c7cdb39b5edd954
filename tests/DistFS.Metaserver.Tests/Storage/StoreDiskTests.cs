using DistFS.Metaserver.Storage;

namespace DistFS.Metaserver.Tests.Storage;

/// <summary>The rules of the disk bite: without each of them, a crash loses what was acknowledged.</summary>
public sealed class StoreDiskTests : IDisposable
{
    public void Dispose() => Teeth.Plant(PlantedBug.None);

    [Fact]
    public void WithoutTheFoldersSyncASegmentIsLost()
    {
        Assert.Equal(Stores.Id(1, 40), LastAfterLosingTheUnsynced());
        Teeth.Plant(PlantedBug.FolderNotSynced);
        Assert.ThrowsAny<Exception>(() => Assert.Equal(Stores.Id(1, 40), LastAfterLosingTheUnsynced()));
    }

    [Fact]
    public void AnIgnoredSyncErrorLosesEntries()
    {
        var store = Stores.New(out var disk);
        disk.FailAt = (disk.Steps + 2, () => new IOException("Input/output error."));
        Teeth.Plant(PlantedBug.FsyncErrorIgnored);
        store.AppendSynced(Stores.Entry(1, 1));
        Assert.Equal(Stores.Id(1, 1), store.Last);
        Teeth.Plant(PlantedBug.None);
        using var again = Stores.Open(disk.AfterCrash(CrashMode.LoseAll, 1));
        Assert.Equal(default, again.Last);
    }

    /// <summary>A process that died between a failed sync and the removal of the file: what the next one reads of it
    /// may be in the cache only, and is written again before it becomes a snapshot.</summary>
    [Fact]
    public void AReceivedSnapshotWhoseSyncFailedSurvivesItsInstallationAndAPowerFailure()
    {
        var content = Stores.Bytes(3000, 1);
        var meta = Stores.Foreign(4, 40, content);
        var store = Stores.New(out var disk, term: 4);
        store.WritePiece(Stores.Piece(meta, content, 0, 3000));
        disk.FailAt = (disk.Steps + 2, () => new IOException("Input/output error."));
        Teeth.Plant(PlantedBug.FsyncErrorIgnored);
        store.Sync();
        Teeth.Plant(PlantedBug.None);
        store.Dispose();
        using var next = Stores.Open(disk);
        Assert.Equal(3000, next.Incoming!.Value.ReceivedBytes);
        Assert.True(next.Install(meta));
        using var again = Stores.Open(disk.AfterCrash(CrashMode.LoseAll, 1));
        Assert.Equal(content, again.ReadPiece(meta.Id, 0, 3000));
        Assert.Equal(meta.Last, again.Last);
    }

    /// <summary>The entries are gone from the view by then, and the disk is between two states.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AChangeThatCouldNotReadEndsTheStore(bool isList)
    {
        using var store = Stores.New(out var disk);
        store.AppendSynced(Stores.Entries(1, 1, 6));
        store.SetHardState(Stores.Hard(2));
        store.Sync();
        var crc = SegmentHeader.AreaBytes + (2 * LogRecordCodec.SizeBytes(20)) + 4;
        disk.IsUnlistable = isList;
        disk.Unreadable = (_, offset, _) => !isList && offset == crc;
        Assert.Throws<StoreFailedException>(() => store.Append([Stores.Entry(2, 4)]));
        disk.IsUnlistable = false;
        disk.Unreadable = (_, _, _) => false;
        Action[] calls =
        [
            store.Sync,
            store.Settle,
            () => store.Append([Stores.Entry(2, store.Last.Index.Value + 1)]),
            () => store.SetHardState(Stores.Hard(3)),
            () => store.Read(new LogIndex(1), new LogIndex(1), 1),
        ];
        Assert.All(calls, call => Assert.Equal(
            ErrorCatalog.DiskFailed, Assert.Throws<StoreFailedException>(call).Code));
        using var again = Stores.Open(disk);
        Assert.True(again.IsWhole);
        Stores.AssertSame(Stores.Entries(1, 1, isList ? 3UL : 6UL), again.ReadAll());
    }

    [Fact]
    public void ArgumentsThatAreWrongEndNothing()
    {
        using var store = Stores.New(out _);
        Assert.Throws<ArgumentException>(() => store.Append([Stores.Entry(1, 9)]));
        Assert.Throws<ArgumentException>(() => store.Append([Stores.Entry(7, 1)]));
        Assert.Throws<ArgumentException>(() => store.CompactTo(new LogIndex(1)));
        store.AppendSynced(Stores.Entry(1, 1));
        Assert.Equal(Stores.Id(1, 1), store.Last);
    }

    [Fact]
    public void AFailedReadChangesNothing()
    {
        using var store = Stores.New(out var disk);
        store.AppendSynced(Stores.Entries(1, 1, 9, 300));
        disk.Unreadable = (_, _, _) => true;
        var error = Assert.Throws<StoreFailedException>(() => store.Read(new LogIndex(1), new LogIndex(1), 1));
        Assert.Equal(ErrorCatalog.DiskFailed, error.Code);
        disk.Unreadable = (_, _, _) => false;
        Assert.Equal(9, store.ReadAll().Count);
    }

    private static EntryId LastAfterLosingTheUnsynced()
    {
        var disk = Stores.Format();
        disk.SyncFolder();
        var store = Stores.Open(disk);
        store.SetHardState(Stores.Hard(1));
        store.AppendSynced(Stores.Entries(1, 1, 40, 300));
        using var again = Stores.Open(disk.AfterCrash(CrashMode.LoseAll, 1));
        return again.Last;
    }
}
