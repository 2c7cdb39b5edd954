using DistFS.Metaserver.Consensus;
using DistFS.Metaserver.Storage;
using DistFS.Metaserver.Tests.Storage;

namespace DistFS.Metaserver.Tests.Consensus;

/// <summary>The store as the core sees it, while the disk lane changes it.</summary>
public sealed class CoreStorageTests
{
    [Fact]
    public void WhatAnInstalledSnapshotTookAwayNeedsNoHiding()
    {
        using var store = Stores.New(out _);
        store.AppendSynced(Stores.Entries(1, 1, 20));
        var view = new CoreStorage(store);

        // The own snapshot is at 15 and about to be hidden; the disk lane installs one of a leader at 100.
        Install(store, Stores.Id(1, 100));
        Assert.False(view.TryHideBefore(new LogIndex(10)));
        Assert.False(view.TryHideBefore(new LogIndex(100)));
        Assert.Equal(Stores.Id(1, 100), view.Compacted);
        Assert.Equal(Stores.Three, view.CompactedConfiguration);
    }

    [Fact]
    public void AnIndexAfterTheLogIsAMistakeAndNotARace()
    {
        using var store = Stores.New(out _);
        store.AppendSynced(Stores.Entries(1, 1, 20));
        var view = new CoreStorage(store);
        Assert.Throws<ArgumentOutOfRangeException>(() => view.TryHideBefore(new LogIndex(21)));
        Assert.True(view.TryHideBefore(new LogIndex(20)));
        Assert.False(view.TryHideBefore(new LogIndex(20)));
        Assert.Equal(Stores.Id(1, 20), view.Compacted);
    }

    private static void Install(RaftStore store, EntryId last)
    {
        var bytes = new byte[100];
        var meta = new SnapshotMeta
        {
            Id = 5,
            Last = last,
            Configuration = Stores.Three,
            SizeBytes = 100,
            Checksum = Crc32C.Compute(bytes),
        };
        store.WritePiece(new SnapshotPiece
        {
            From = new MemberId(1),
            To = new MemberId(2),
            Term = new Term(1),
            Snapshot = meta,
            Offset = 0,
            Length = 100,
            Data = bytes,
        });
        Assert.True(store.Install(meta));
    }
}
