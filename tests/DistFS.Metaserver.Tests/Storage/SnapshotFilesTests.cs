using DistFS.Metaserver.Storage;

namespace DistFS.Metaserver.Tests.Storage;

public sealed partial class SnapshotFilesTests
{
    private const int Piece = SnapshotFile.PieceBytes;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(Piece)]
    [InlineData((3 * Piece) + 17)]
    public void ASnapshotIsReadAsItWasWritten(int size)
    {
        var content = Stores.Bytes(size, 5);
        var store = Stores.New(out var disk);
        store.AppendSynced(Stores.Entries(1, 1, 9));
        SnapshotMeta meta;
        using (var writer = store.BeginSnapshot(Stores.Id(1, 7), Stores.Three))
        {
            for (var at = 0; at < size; at += 100_003)
            {
                writer.Write(content.AsSpan(at, Math.Min(100_003, size - at)));
            }

            meta = writer.Commit()!;
        }

        Assert.Equal((size, Crc32C.Compute(content), Stores.Id(1, 7)), (meta.SizeBytes, meta.Checksum, meta.Last));
        AssertContent(store, meta, content);
        store.Dispose();
        using var again = Stores.Open(disk);
        Assert.Equal(meta.ToString(), again.Snapshot!.ToString());
        Assert.Equal(Stores.Three, again.Snapshot.Configuration);
        AssertContent(again, meta, content);
    }

    [Fact]
    public void TheOneBeforeIsServedUntilTheNextAndThenGone()
    {
        using var store = Stores.New(out var disk);
        store.AppendSynced(Stores.Entries(1, 1, 9));
        var (one, two) = (store.TakeSnapshot(1, 3), store.TakeSnapshot(1, 5));
        Assert.Equal(Stores.Bytes(100, 3), store.ReadPiece(one.Id, 0, 1000));
        var three = store.TakeSnapshot(1, 7);
        Assert.Throws<SnapshotGoneException>(() => store.ReadPiece(one.Id, 0, 1000));
        Assert.Equal(Stores.Bytes(100, 5), store.ReadPiece(two.Id, 0, 1000));
        Assert.Equal(Stores.Bytes(100, 7), store.ReadPiece(three.Id, 0, 1000));
        Assert.Equal(2, disk.List().Count(name => name.EndsWith(".snap", StringComparison.Ordinal)));
    }

    [Fact]
    public void ABitFlippedInASnapshotIsNeverHandedOut()
    {
        var store = Stores.New(out var disk);
        store.AppendSynced(Stores.Entries(1, 1, 9));
        var meta = store.TakeSnapshot(1, 7);
        store.Dispose();
        var name = disk.List().Single(name => name.EndsWith(".snap", StringComparison.Ordinal));
        for (var at = 0; at < disk.Bytes(name).Length; at++)
        {
            var flipped = disk.Copy();
            flipped.Bytes(name)[at] ^= (byte)(1 << (at % 8));
            using var again = Stores.Open(flipped);
            Assert.Equal(Stores.Id(1, 9), again.Last);
            if (at >= meta.SizeBytes)
            {
                // What describes it is there twice.
                Assert.Empty(again.Findings);
                AssertContent(again, meta, Stores.Bytes(100, 7));
                continue;
            }

            Assert.Throws<SnapshotCorruptException>(() => again.ReadPiece(meta.Id, 0, 1000));
            using var content = again.OpenSnapshot();
            Assert.Throws<SnapshotCorruptException>(() => content.CopyTo(Stream.Null));
        }
    }

    [Fact]
    public void ADamagedSnapshotThatTheLogNeedsIsRefused()
    {
        var store = Stores.New(out var disk);
        store.AppendSynced(Stores.Entries(1, 1, 9));
        store.TakeSnapshot(1, 7);
        store.CompactTo(new LogIndex(5));
        store.Dispose();
        var name = disk.List().Single(name => name.EndsWith(".snap", StringComparison.Ordinal));
        disk.Bytes(name).AsSpan(110).Clear();
        Assert.Equal(
            ErrorCatalog.SnapshotCorrupt, Assert.Throws<StoreRefusedException>(() => Stores.Open(disk)).Code);
        Assert.Contains(name, disk.List());
    }

    [Fact]
    public void ATransferGoesOnAfterARestartWhereItWas()
    {
        var content = Stores.Bytes(5000, 1);
        var meta = Stores.Foreign(4, 40, content);
        var store = Stores.New(out var disk);
        Assert.Equal(PieceOutcome.Foreign, store.WritePiece(Stores.Piece(meta, content, 1000, 1000)));
        Assert.Equal(PieceOutcome.Stored, store.WritePiece(Stores.Piece(meta, content, 0, 1000)));
        Assert.Equal(PieceOutcome.Gap, store.WritePiece(Stores.Piece(meta, content, 2000, 1000)));
        Assert.Equal(PieceOutcome.Stored, store.WritePiece(Stores.Piece(meta, content, 1000, 1000)));
        Assert.Equal(PieceOutcome.Duplicate, store.WritePiece(Stores.Piece(meta, content, 1000, 1000)));
        store.Sync();
        Assert.Equal(PieceOutcome.Stored, store.WritePiece(Stores.Piece(meta, content, 2000, 1000)));
        Assert.Equal(3000, store.Incoming!.Value.ReceivedBytes);
        using var again = Stores.Open(disk.AfterCrash(CrashMode.LoseAll, 1));
        Assert.Equal((meta.Id, 2000L), (again.Incoming!.Value.Meta.Id, again.Incoming.Value.ReceivedBytes));
        Assert.False(again.Install(meta));
        var torn = Stores.Open(disk.AfterCrash(CrashMode.LoseAll, 1));
        torn.WritePiece(Stores.Piece(meta, content, 2000, 3000));
        torn.Sync();
        Assert.True(torn.Install(meta));
        Assert.Null(torn.Incoming);
        Assert.Equal((meta.Last, meta.Last), (torn.Compacted, torn.Last));
        AssertContent(torn, meta, content);
    }

    [Fact]
    public void PiecesThatContradictAreIgnored()
    {
        using var store = Stores.New(out _);
        var content = Stores.Bytes(3000, 1);
        var meta = Stores.Foreign(4, 40, content);
        store.WritePiece(Stores.Piece(meta, content, 0, 1000));
        var good = Stores.Piece(meta, content, 1000, 1000);
        Assert.Equal(PieceOutcome.Invalid, store.WritePiece(good with { Length = 999 }));
        Assert.Equal(PieceOutcome.Invalid, store.WritePiece(good with { Offset = 2500 }));
        Assert.Equal(PieceOutcome.Invalid, store.WritePiece(good with { Offset = -1 }));
        Assert.Equal(PieceOutcome.Invalid, store.WritePiece(good with { Offset = long.MaxValue }));
        var endless = meta with { SizeBytes = long.MaxValue };
        Assert.Equal(PieceOutcome.Invalid, store.WritePiece(good with { Snapshot = endless }));
        Assert.Equal(PieceOutcome.Invalid, store.WritePiece(good with { Snapshot = meta with { Checksum = 1 } }));
        Assert.Equal(PieceOutcome.Foreign, store.WritePiece(good with { Snapshot = meta with { Id = 1 } }));
        Assert.Equal(1000, store.Incoming!.Value.ReceivedBytes);
        Assert.Equal(PieceOutcome.Stored, store.WritePiece(good));
        Assert.Equal(PieceOutcome.Stored, store.WritePiece(Stores.Piece(meta, content, 0, 10)));
        Assert.Equal(10, store.Incoming!.Value.ReceivedBytes);
    }

    [Fact]
    public void AWrongChecksumInstallsNothing()
    {
        using var store = Stores.New(out var disk);
        store.AppendSynced(Stores.Entries(1, 1, 3));
        var content = Stores.Bytes(3000, 1);
        var meta = Stores.Foreign(4, 40, content) with { Checksum = 77 };
        store.WritePiece(Stores.Piece(meta, content, 0, 3000));
        Assert.False(store.Install(meta));
        Assert.Null(store.Incoming);
        Assert.Null(store.Snapshot);
        Assert.Equal(Stores.Id(1, 3), store.Last);
        Assert.DoesNotContain(disk.List(), name => name.StartsWith("incoming", StringComparison.Ordinal));
        Assert.True(store.Receive(4, 40));
    }

    [Fact]
    public void EntriesAfterASnapshotThatTheLogKnowsStay()
    {
        using var store = Stores.New(out _);
        store.AppendSynced(Stores.Entries(1, 1, 9));
        Assert.True(store.Receive(1, 5));
        Stores.AssertSame(Stores.Entries(1, 6, 9), store.ReadAll());
        Assert.False(store.Receive(1, 5));
    }

    [Fact]
    public void AnOwnSnapshotIsDroppedIfANewerOneCameMeanwhile()
    {
        using var store = Stores.New(out var disk);
        store.AppendSynced(Stores.Entries(1, 1, 9));
        using var writer = store.BeginSnapshot(Stores.Id(1, 7), Stores.Three);
        Assert.Throws<InvalidOperationException>(() => store.BeginSnapshot(Stores.Id(1, 8), Stores.Three));
        store.SetHardState(Stores.Hard(4));
        Assert.True(store.Receive(4, 40));
        Assert.Null(writer.Commit());
        Assert.Equal(Stores.Id(4, 40), store.Snapshot!.Last);
        Assert.DoesNotContain("snapshot.tmp", disk.List());
        Assert.Throws<ArgumentException>(() => store.BeginSnapshot(Stores.Id(1, 7), Stores.Three));
    }

    /// <summary>Crash between rename and log reset: the rename decides.</summary>
    [Fact]
    public void ACrashBetweenRenameAndLogResetIsFinishedAtTheNextStart()
    {
        var between = 0;
        for (var step = 1; ; step++)
        {
            var store = Stores.New(out var disk, term: 4);
            store.AppendSynced(Stores.Entries(1, 1, 60, 300));
            var content = Stores.Bytes(3000, 1);
            var meta = Stores.Foreign(3, 40, content);
            store.WritePiece(Stores.Piece(meta, content, 0, 3000));
            disk.CrashAt(disk.Steps + step);
            try
            {
                Assert.True(store.Install(meta));
                break;
            }
            catch (CrashedException)
            {
                foreach (var mode in Enum.GetValues<CrashMode>())
                {
                    var after = disk.AfterCrash(mode, (ulong)step);
                    var isNamed = after.List().Any(name => name.EndsWith(".snap", StringComparison.Ordinal));
                    using var again = Stores.Open(after);
                    Assert.True(again.IsWhole);
                    between += isNamed && again.Findings.Count > 0 ? 1 : 0;
                    if (isNamed)
                    {
                        Assert.Equal((meta.Last, meta.Last), (again.Compacted, again.Last));
                        AssertContent(again, meta, content);
                    }
                    else
                    {
                        Stores.AssertSame(Stores.Entries(1, 1, 60, 300), again.ReadAll());
                        Assert.Null(again.Snapshot);
                    }
                }
            }
        }

        Assert.True(between > 5, $"{between}");
    }

    private static void AssertContent(RaftStore store, SnapshotMeta meta, byte[] content)
    {
        using var stream = store.OpenSnapshot();
        using var copy = new MemoryStream();
        stream.CopyTo(copy, 77_777);
        Assert.Equal(content, copy.ToArray());
        Assert.Equal(content, store.ReadPiece(meta.Id, 0, content.Length + 5));
        var (from, length) = (content.Length / 3, content.Length / 2);
        Assert.Equal(content[from..(from + length)], store.ReadPiece(meta.Id, from, length));
        Assert.Empty(store.ReadPiece(meta.Id, content.Length + 1L, 5));
    }
}
