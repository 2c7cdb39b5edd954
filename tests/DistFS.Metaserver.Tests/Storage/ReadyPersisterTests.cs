using DistFS.Metaserver.Storage;

namespace DistFS.Metaserver.Tests.Storage;

public sealed class ReadyPersisterTests
{
    [Fact]
    public void AnOrdinaryAppendIsOneSyncAndACommitIndexIsNone()
    {
        using var store = Stores.New(out var disk);
        var persister = new ReadyPersister(store);
        var (files, folders) = (disk.FileSyncs, disk.FolderSyncs);
        var sequence = persister.Persist([
            new RaftReady { Sequence = 7, Append = Stores.Entries(1, 1, 2) },
            new RaftReady { Sequence = 8, Append = Stores.Entries(1, 3, 4), HardState = Stores.Hard(1, 0, 2) },
        ]);
        Assert.Equal(8UL, sequence);
        Assert.Equal((files + 1, folders), (disk.FileSyncs, disk.FolderSyncs));
        persister.Persist([new RaftReady { Sequence = 8, HardState = Stores.Hard(1, 0, 4) }]);
        Assert.Equal((files + 1, folders), (disk.FileSyncs, disk.FolderSyncs));
        persister.Persist([new RaftReady
        {
            Sequence = 9, HardState = Stores.Hard(2, 1, 4), TermOrVoteChanged = true, Append = [Stores.Entry(2, 5)],
        }]);
        Assert.Equal((files + 3, folders), (disk.FileSyncs, disk.FolderSyncs));
    }

    [Fact]
    public void EverythingOfAValueIsDoneInItsOrder()
    {
        using var store = Stores.New(out var disk);
        store.AppendSynced(Stores.Entries(1, 1, 5));
        var content = Stores.Bytes(3000, 1);
        var meta = Stores.Foreign(4, 40, content);
        new ReadyPersister(store).Persist([
            new RaftReady
            {
                Sequence = 3,
                HardState = Stores.Hard(4),
                TermOrVoteChanged = true,
                Pieces = [Stores.Piece(meta, content, 0, 1000), Stores.Piece(meta, content, 1000, 2000)],
            },
            new RaftReady { Sequence = 4, Install = meta },
            new RaftReady { Sequence = 5, Append = Stores.Entries(4, 41, 43) },
        ]);
        using var again = Stores.Open(disk.AfterCrash(CrashMode.LoseAll, 1));
        Assert.Equal((meta.Last, Stores.Id(4, 43)), (again.Compacted, again.Last));
        Assert.Equal(new Term(4), again.HardState.Term);
        Assert.Equal(0UL, new ReadyPersister(store).Persist([]));
    }
}
