using DistFS.Metaserver.Storage;

namespace DistFS.Metaserver.Tests.Storage;

/// <content>What is shown may be in the cache only: an error, a start on the same machine, and then the power fails.
/// </content>
public sealed partial class LogRecoveryTests
{
    /// <summary>The commit index proves that entries were synced once, and nothing of those that replaced
    /// them.</summary>
    [Theory]
    [InlineData(nameof(CrashMode.LoseAll), 0)]
    [InlineData(nameof(CrashMode.KeepAll), 0)]
    [InlineData(nameof(CrashMode.Torn), 1)]
    [InlineData(nameof(CrashMode.Torn), 2)]
    public void AHealWhoseSyncFailedIsNotTakenForDurable(string mode, ulong chance)
    {
        for (var step = 1; ; step++)
        {
            var disk = DamagedBelowItsCommitIndex();
            disk.FailAt = (disk.Steps + step, () => new IOException("Input/output error."));
            var error = Record.Exception(() =>
            {
                using var healing = Stores.Open(disk);
                Assert.Equal((false, Stores.Id(1, 50)), (healing.IsWhole, healing.Last));
                healing.AppendSynced(Stores.Entries(1, 51, 55));
                Assert.False(healing.IsWhole);
                healing.AppendSynced(Stores.Entries(1, 56, 60));
                Assert.True(healing.IsWhole);
            });
            if (error == null)
            {
                Assert.True(step > 20, $"{step}");
                return;
            }

            Assert.IsType<StoreFailedException>(error);
            using var shown = Stores.Open(disk);
            using var store = Stores.Open(disk.AfterCrash(Enum.Parse<CrashMode>(mode), chance + (ulong)step));
            Assert.Equal((step, shown.Last, shown.IsWhole), (step, store.Last, store.IsWhole));
            Stores.AssertSame(Stores.Entries(1, 1, shown.Last.Index.Value), store.ReadAll());
            Assert.Equal(Stores.Id(1, 60), store.Promised);
            Assert.True(store.Last.Index >= new LogIndex(50));
        }
    }

    /// <summary>A cut leaves old records behind the new end, in the sector that is not written again; if the sync of
    /// the truncation failed, they are on disk, and would follow what is before the cut.</summary>
    [Fact]
    public void AnOldRecordOfTheSameBatchDoesNotReturnAfterACutWhoseSyncFailed()
    {
        for (var step = 1; ; step++)
        {
            var store = Stores.New(out var disk);
            store.AppendSynced(Stores.Entries(1, 1, 6));
            store.SetHardState(Stores.Hard(2));
            store.Sync();
            disk.FailAt = (disk.Steps + step, () => new IOException("Input/output error."));
            if (Record.Exception(() => store.AppendSynced(Stores.Entry(2, 4))) is not { } error)
            {
                Assert.True(step > 6, $"{step}");
                return;
            }

            Assert.IsType<StoreFailedException>(error);
            using var next = Stores.Open(disk);
            next.AppendSynced(Stores.Entry(2, 4));
            using var after = Stores.Open(disk.AfterCrash(CrashMode.LoseAll, 0));
            Assert.True(after.IsWhole);
            Stores.AssertSame([.. Stores.Entries(1, 1, 3), Stores.Entry(2, 4)], after.ReadAll());
        }
    }

    /// <summary>dfs sim --seed 117: all of a file is compacted, making the next one fails before 'hardstate' names it,
    /// and so does the start after that: the file that 'hardstate' names must still be there.</summary>
    [Fact]
    public void ACompactedFileStaysUntilTheHardStateNamesTheNext()
    {
        for (var step = 1; ; step++)
        {
            for (var again = 1; ; again++)
            {
                var store = Stores.New(out var disk);
                store.AppendSynced(Stores.Entries(1, 1, 49));
                store.TakeSnapshot(1, 49);
                store.CompactTo(new LogIndex(49));
                disk.FailAt = (disk.Steps + step, () => new IOException("Input/output error."));
                if (Record.Exception(() => store.AppendSynced(Stores.Entry(1, 50))) is not { } error)
                {
                    Assert.True(step > 6, $"{step}");
                    return;
                }

                Assert.IsType<StoreFailedException>(error);
                disk.FailAt = (disk.Steps + again, () => new IOException("Input/output error."));
                var isOpened = Record.Exception(() => Stores.Open(disk).Dispose()) == null;
                disk.FailAt = null;
                using var next = Stores.Open(disk);
                Assert.True(next.IsWhole);
                Assert.True(next.Last.Index >= new LogIndex(49));
                if (isOpened)
                {
                    break;
                }
            }
        }
    }

    /// <summary>A snapshot far behind the log's end: neither the old log nor the new one misses anything.</summary>
    [Fact]
    public void ACrashWhileTheLogIsDroppedIsNoDamage()
    {
        for (var step = 1; ; step++)
        {
            foreach (var mode in Enum.GetValues<CrashMode>())
            {
                var store = Stores.New(out var disk, term: 4);
                store.AppendSynced(Stores.Entries(1, 1, 60));
                disk.CrashAt(disk.Steps + step);
                if (Record.Exception(() => Assert.True(store.Receive(4, 90))) is not { } crash)
                {
                    return;
                }

                Assert.IsType<CrashedException>(crash);
                using var again = Stores.Open(disk.AfterCrash(mode, (ulong)step));
                Assert.True(again.IsWhole);
                Assert.DoesNotContain(again.Findings, text => text.Contains("damaged", StringComparison.Ordinal));
            }
        }
    }

    [Fact]
    public void ALargeRecordStaysWhenTheOptionBecomesSmaller()
    {
        var store = Stores.New(out var disk);
        store.AppendSynced(Stores.Entry(1, 1, 9000), Stores.Entry(1, 2, 3000));
        var crashed = disk.AfterCrash(CrashMode.LoseAll, 0);
        var smaller = Stores.Options with { EntryBytesMax = 1000 };
        using var again = RaftStore.Open(crashed, smaller, new Prng(1));
        Assert.Empty(again.Findings);
        Stores.AssertSame([Stores.Entry(1, 1, 9000), Stores.Entry(1, 2, 3000)], again.ReadAll());
        Assert.Throws<ArgumentException>(() => again.Append([Stores.Entry(1, 3, 1001)]));
    }

    /// <summary>1..60 are synced and committed, and the 51st rots.</summary>
    private static FaultyDisk DamagedBelowItsCommitIndex()
    {
        var store = Stores.New(out var disk);
        store.AppendSynced(Stores.Entries(1, 1, 60));
        store.SetHardState(Stores.Hard(1, commit: 60));
        store.Settle();
        store.Dispose();
        var second = disk.List().Last(name => name.EndsWith(".seg", StringComparison.Ordinal));
        var place = 51 - (int)Segment.FirstOf(second)!.Value.Value;
        byte[] bytes = [.. disk.Bytes(second)];
        bytes[SegmentHeader.AreaBytes + (place * LogRecordCodec.SizeBytes(20)) + 30] ^= 1;
        disk.Put(second, bytes);
        return disk;
    }
}
