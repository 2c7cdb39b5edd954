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
