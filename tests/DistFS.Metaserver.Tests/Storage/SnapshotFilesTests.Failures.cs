using System.Buffers.Binary;
using DistFS.Metaserver.Storage;

namespace DistFS.Metaserver.Tests.Storage;

/// <content>A disk that refuses a snapshot, and files that are no snapshots of ours.</content>
public sealed partial class SnapshotFilesTests
{
    [Fact]
    public void AnOwnSnapshotThatTheDiskRefusesIsTriedAgainLater()
    {
        var refused = 0;
        for (var step = 1; ; step++)
        {
            using var store = Stores.New(out var disk);
            store.AppendSynced(Stores.Entries(1, 1, 9));
            disk.FailAt = (disk.Steps + step, () => new FullException());
            var error = Record.Exception(() => store.TakeSnapshot(1, 7, 3 * Piece));
            if (error == null)
            {
                Assert.True(refused >= 6, $"{refused}");
                return;
            }

            Assert.Equal(ErrorCatalog.DiskFull, Assert.IsAssignableFrom<StoreFailedException>(error).Code);
            if (error is not SnapshotFailedException)
            {
                // It was getting its name.
                Assert.Throws<StoreFailedException>(store.Sync);
                continue;
            }

            refused++;
            Assert.Null(store.Snapshot);
            store.AppendSynced(Stores.Entry(1, 10));
            var meta = store.TakeSnapshot(1, 8);
            Assert.DoesNotContain("snapshot.tmp", disk.List());
            using var again = Stores.Open(disk.AfterCrash(CrashMode.LoseAll, 1));
            AssertContent(again, meta, Stores.Bytes(100, 8));
            Assert.Equal(Stores.Id(1, 10), again.Last);
        }
    }

    [Fact]
    public void AWriterThatWasRefusedWritesNoMore()
    {
        using var store = Stores.New(out var disk);
        store.AppendSynced(Stores.Entries(1, 1, 9));
        using (var writer = store.BeginSnapshot(Stores.Id(1, 7), Stores.Three))
        {
            writer.Write(Stores.Bytes(10, 1));
            disk.FailAt = (disk.Steps + 2, () => new IOException("Input/output error."));
            Assert.Throws<SnapshotFailedException>(writer.Finish);
            var steps = disk.Steps;
            Assert.Throws<SnapshotFailedException>(writer.Finish);
            Assert.Throws<SnapshotFailedException>(() => writer.Commit());
            Assert.Equal(steps, disk.Steps);
        }

        Assert.DoesNotContain("snapshot.tmp", disk.List());
        store.TakeSnapshot(1, 8);
    }

    [Fact]
    public void AReceivedSnapshotThatTheDiskRefusesIsDroppedAndSentAgain()
    {
        var refused = 0;
        for (var step = 1; ; step++)
        {
            using var store = Stores.New(out var disk, term: 4);
            store.AppendSynced(Stores.Entries(1, 1, 9));
            disk.FailAt = (disk.Steps + step, () => new FullException());
            var isInstalled = false;
            var error = Record.Exception(() => isInstalled = store.Receive(4, 40));
            if (isInstalled)
            {
                Assert.True(refused >= 9, $"{refused}");
                return;
            }

            if (error != null)
            {
                Assert.IsType<StoreFailedException>(error);
                Assert.Throws<StoreFailedException>(store.Sync);
                continue;
            }

            refused++;
            Assert.Equal(ErrorCatalog.DiskFull, store.IncomingFailure!.Code);
            Assert.Null(store.Incoming);
            Assert.DoesNotContain(disk.List(), name => name.StartsWith("incoming", StringComparison.Ordinal));
            store.AppendSynced(Stores.Entry(4, 10));
            Assert.Equal(Stores.Id(4, 10), store.Last);
            Assert.True(store.Receive(4, 40));
            Assert.Null(store.IncomingFailure);
            using var again = Stores.Open(disk.AfterCrash(CrashMode.LoseAll, 1));
            Assert.Equal((Stores.Id(4, 40), Stores.Id(4, 40)), (again.Snapshot!.Last, again.Last));
        }
    }

    [Fact]
    public void ATransferThatCannotBeReadIsDropped()
    {
        var content = Stores.Bytes(3000, 1);
        var meta = Stores.Foreign(4, 40, content);
        using var store = Stores.New(out var disk, term: 4);
        store.WritePiece(Stores.Piece(meta, content, 0, 3000));
        store.Sync();
        var copy = disk.AfterCrash(CrashMode.LoseAll, 1);
        disk.Unreadable = copy.Unreadable = (name, _, _) => name == "incoming.data";
        Assert.False(store.Install(meta));
        Assert.NotNull(store.IncomingFailure);
        store.AppendSynced(Stores.Entry(4, 1));
        using var again = Stores.Open(copy);
        Assert.Single(again.Findings);
        Assert.Null(again.Incoming);
    }

    [Fact]
    public void ASnapshotOfAnotherFormatIsRefusedAndStays()
    {
        var store = Stores.New(out var disk);
        store.AppendSynced(Stores.Entries(1, 1, 9));
        store.TakeSnapshot(1, 7);
        store.Dispose();
        var name = disk.List().Single(name => name.EndsWith(".snap", StringComparison.Ordinal));
        var bytes = disk.Bytes(name);
        var length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(^8..));
        foreach (var start in new[] { 100, 100 + length + 4096 })
        {
            var copy = bytes.AsSpan(start, length);
            copy[4] = 9;
            BinaryPrimitives.WriteUInt32LittleEndian(copy[^4..], Crc32C.Compute(copy[..^4]));
        }

        var error = Assert.Throws<StoreRefusedException>(() => Stores.Open(disk));
        Assert.Equal(ErrorCatalog.StoreFormatUnknown, error.Code);
        Assert.Contains(name, disk.List());
    }

    /// <summary>The one before it, or the whole log, serves as well.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(5)]
    public void ASnapshotThatCannotBeReadIsMissedOnlyIfTheLogNeedsIt(ulong compacted)
    {
        var store = Stores.New(out var disk);
        store.AppendSynced(Stores.Entries(1, 1, 9));
        var old = store.TakeSnapshot(1, 4);
        store.TakeSnapshot(1, 7);
        if (compacted > 0)
        {
            store.CompactTo(new LogIndex(compacted));
        }

        store.Dispose();
        var newest = disk.List().Last(name => name.EndsWith(".snap", StringComparison.Ordinal));
        disk.Bytes(newest).AsSpan(100).Clear();
        if (compacted > 4)
        {
            var error = Assert.Throws<StoreRefusedException>(() => Stores.Open(disk));
            Assert.Equal(ErrorCatalog.SnapshotCorrupt, error.Code);
            Assert.Contains(newest, disk.List());
            return;
        }

        using var again = Stores.Open(disk);
        Assert.Equal(old.Id, again.Snapshot!.Id);
        Assert.Equal(Stores.Id(1, 9), again.Last);
        Assert.Contains(newest, Assert.Single(again.Findings), StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIsNoSnapshotOfOursStays()
    {
        var store = Stores.New(out var disk);
        store.AppendSynced(Stores.Entries(1, 1, 9));
        store.TakeSnapshot(1, 7);
        store.Dispose();
        var mine = disk.List().Single(name => name.EndsWith(".snap", StringComparison.Ordinal));
        var renamed = mine.Replace('7', '5');
        disk.Put(renamed, disk.Bytes(mine));
        disk.Put("snap-before-upgrade.snap", [1, 2, 3]);
        disk.Put(mine + ".bak", [1]);
        disk.Put("snap-mine.tmp", [1]);
        var names = disk.List();
        using var again = Stores.Open(disk);
        Assert.Equal(names, disk.List());
        Assert.Equal(4, again.Findings.Count);
        Assert.Equal(Stores.Id(1, 7), again.Snapshot!.Last);
    }
}
