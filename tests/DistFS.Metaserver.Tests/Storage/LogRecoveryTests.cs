using DistFS.Metaserver.Storage;

namespace DistFS.Metaserver.Tests.Storage;

/// <summary>
/// Damage at rest (Alagappan et al., "Protocol-Aware Recovery for Consensus-Based Storage", FAST 2018): what was synced
/// is read as it was, or its loss is known, or the store is refused. The one exception has a test of its own.
/// </summary>
public sealed partial class LogRecoveryTests
{
    private static readonly RaftEntry[] Written = [.. Stores.Entries(1, 1, 14, 300), .. Stores.Entries(2, 15, 18, 500)];

    [Fact]
    public void ABitFlippedInTheLogIsHealedOrRefused()
    {
        var disk = Filled();
        var (whole, lost) = (0, 0);
        foreach (var name in disk.List().Where(name => name.EndsWith(".seg", StringComparison.Ordinal)))
        {
            for (var at = 0; at < disk.Bytes(name).Length; at++)
            {
                using var store = Stores.Open(Flipped(disk, name, at));
                Assert.Equal(Stores.Hard(2, 3, 16), store.HardState);
                _ = AssertPrefix(store) ? whole++ : lost++;
            }
        }

        Assert.True(whole > 1000 && lost > 5000, $"{whole} {lost}");
    }

    [Theory]
    [InlineData("hardstate")]
    [InlineData("identity")]
    [InlineData("base")]
    public void ABitFlippedInASmallFileHarmsNothing(string name)
    {
        var disk = Filled();
        for (var at = 0; at < disk.Bytes(name).Length; at++)
        {
            using var store = Stores.Open(Flipped(disk, name, at));
            Assert.Equal(Stores.Identity, store.Identity);
            Assert.Equal((new Term(2), new MemberId(3)), (store.HardState.Term, store.HardState.Vote));
            Assert.True(store.IsWhole);
            Stores.AssertSame(Written, store.ReadAll());
        }
    }

    [Fact]
    public void WhatWasLostIsHealedByAppendsAndStaysKnownUntilThen()
    {
        var disk = Filled();
        var second = disk.List().Where(name => name.EndsWith(".seg", StringComparison.Ordinal)).ElementAt(1);
        disk.Bytes(second)[700] ^= 1;
        EntryId last;
        using (var store = Stores.Open(disk))
        {
            last = store.Last;
            Assert.False(store.IsWhole);
            Assert.Equal(Stores.Id(2, 18), store.Promised);
            Assert.True(last.Index < new LogIndex(14));
            Assert.NotEmpty(store.Findings);
        }

        using (var store = Stores.Open(disk))
        {
            Assert.Equal(last, store.Last);
            Assert.False(store.IsWhole);
            store.AppendSynced([.. Written.Where(entry => entry.Index > last.Index && entry.Index.Value < 17)]);
            Assert.Equal(Stores.Id(2, 16), store.Last);
            Assert.False(store.IsWhole);
        }

        using (var store = Stores.Open(disk))
        {
            Assert.False(store.IsWhole);
            Assert.Equal(Stores.Id(2, 18), store.Promised);
            store.AppendSynced([.. Written.Where(entry => entry.Index.Value >= 17)]);
            Assert.True(store.IsWhole);
        }

        using var healed = Stores.Open(disk);
        Assert.True(healed.IsWhole);
        Assert.Empty(healed.Findings);
        Stores.AssertSame(Written, healed.ReadAll());
    }

    [Fact]
    public void AnEntryOfALaterTermHealsToo()
    {
        var disk = Filled();
        disk.Bytes(LastFile(disk))[600] ^= 1;
        using var store = Stores.Open(disk);
        Assert.False(store.IsWhole);
        store.SetHardState(Stores.Hard(3));
        store.AppendSynced(Stores.Entry(2, store.Last.Index.Value + 1));
        Assert.False(store.IsWhole);
        store.AppendSynced(Stores.Entry(3, store.Last.Index.Value + 1));
        Assert.Equal(store.Last.Index.Value >= 16, store.IsWhole);
    }

    [Fact]
    public void ASnapshotBehindWhatWasLostHealsToo()
    {
        var disk = Filled();
        disk.Bytes(LastFile(disk))[600] ^= 1;
        using (var store = Stores.Open(disk))
        {
            Assert.True(store.Receive(2, 18));
            Assert.True(store.IsWhole);
        }

        using var again = Stores.Open(disk);
        Assert.True(again.IsWhole);
        Assert.Equal(Stores.Id(2, 18), again.Last);
    }

    /// <summary>The same bytes, once synced and once not: only the first is damage.</summary>
    [Fact]
    public void ATornTailIsCutAndALostSyncedTailIsNot()
    {
        var store = Stores.New(out var disk);
        store.AppendSynced(Stores.Entries(1, 1, 3));
        store.Append(Stores.Entries(1, 4, 6));
        var torn = disk.AfterCrash(CrashMode.KeepAll, 0);
        var file = LastFile(torn);
        torn.Bytes(file)[SegmentHeader.AreaBytes + 512 + 20] ^= 1;
        using (var cut = Stores.Open(torn))
        {
            // Entries 5 and 6 are good records behind it, and prove nothing: sectors of one write come in any order.
            Assert.True(cut.IsWhole);
            Assert.Equal(Stores.Id(1, 3), cut.Last);
            Assert.Single(cut.Findings);
        }

        store.Sync();
        var lost = disk.AfterCrash(CrashMode.KeepAll, 0);
        lost.Bytes(file)[SegmentHeader.AreaBytes + 512 + 20] ^= 1;
        using var damaged = Stores.Open(lost);
        Assert.False(damaged.IsWhole);
        Assert.Equal(Stores.Id(1, 6), damaged.Promised);
    }

    /// <summary>
    /// The undecidable case: the power fails before the note of the last sync reaches the disk, and the last synced
    /// batch rots. With <see cref="RaftStore.Settle"/>, or any later sync, it is decided.
    /// </summary>
    [Fact]
    public void OnlyTheLastBatchBeforeAPowerFailureCanRotUnnoticed()
    {
        var store = Stores.New(out var disk);
        store.AppendSynced(Stores.Entries(1, 1, 3));
        store.AppendSynced(Stores.Entries(1, 4, 6));
        var last = SegmentHeader.AreaBytes + 512 + 20;
        var unlucky = disk.AfterCrash(CrashMode.LoseAll, 0);
        unlucky.Bytes(LastFile(unlucky))[last] ^= 1;
        using (var cut = Stores.Open(unlucky))
        {
            Assert.True(cut.IsWhole);
            Assert.Equal(Stores.Id(1, 3), cut.Last);
        }

        var earlier = disk.AfterCrash(CrashMode.LoseAll, 0);
        earlier.Bytes(LastFile(earlier))[SegmentHeader.AreaBytes + 20] ^= 1;
        using (var known = Stores.Open(earlier))
        {
            Assert.False(known.IsWhole);
        }

        store.Settle();
        var settled = disk.AfterCrash(CrashMode.LoseAll, 0);
        settled.Bytes(LastFile(settled))[last] ^= 1;
        using var damaged = Stores.Open(settled);
        Assert.False(damaged.IsWhole);
    }

    /// <summary>What was compacted is needed no more, but a file holds it together with entries that are: those count
    /// also when nothing else testifies that they were synced.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void RotInACompactedRecordDoesNotHideTheEntriesBehindIt(int rotten)
    {
        var store = Stores.New(out var disk);
        store.AppendSynced(Stores.Entries(1, 1, 3));
        store.TakeSnapshot(1, 3);
        store.CompactTo(new LogIndex(3));
        store.AppendSynced(Stores.Entries(1, 4, 6));
        var unlucky = disk.AfterCrash(CrashMode.LoseAll, 0);
        unlucky.Bytes(LastFile(unlucky))[SegmentHeader.AreaBytes + (rotten * 90) + 10] ^= 1;
        using var damaged = Stores.Open(unlucky);
        Assert.False(damaged.IsWhole);
        Assert.Equal(Stores.Id(1, 6), damaged.Promised);
    }

    [Fact]
    public void AFileThatIsMissingInTheMiddleIsHealed()
    {
        var files = Filled().List().Where(name => name.EndsWith(".seg", StringComparison.Ordinal)).ToArray();
        for (var i = 0; i < files.Length - 1; i++)
        {
            var disk = Filled();
            disk.Remove(files[i]);
            using (var store = Stores.Open(disk))
            {
                Assert.False(AssertPrefix(store));
            }

            using var again = Stores.Open(disk);
            Assert.False(AssertPrefix(again));
            again.AppendSynced([.. Written.Where(entry => entry.Index > again.Last.Index)]);
            Assert.True(again.IsWhole);
            Stores.AssertSame(Written, again.ReadAll());
        }
    }

    [Fact]
    public void AnEntryThatRotsWhileTheStoreIsOpenIsNeverHandedOut()
    {
        var store = Stores.New(out var disk);
        store.AppendSynced(Stores.Entries(1, 1, 8, 300));
        disk.Bytes(LastFile(disk))[SegmentHeader.AreaBytes + 100] ^= 1;
        var error = Assert.Throws<LogCorruptException>(() => store.Read(new LogIndex(1), new LogIndex(8), 1 << 20));
        Assert.Equal((new LogIndex(1), ErrorCatalog.LogCorrupt), (error.Index, error.Code));
    }

    /// <summary>Whatever bytes lie there, opening ends with a store or a refusal, soon and in bounded memory.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void MutatedFilesOpenOrAreRefused(ulong seed)
    {
        var prng = new Prng(seed);
        var disk = Filled();
        using (var store = Stores.Open(disk))
        {
            store.TakeSnapshot(1, 9);
        }

        var names = disk.List();
        for (var round = 0; round < 1500; round++)
        {
            var mutated = disk.Copy();
            for (var i = 0; i <= prng.NextInt32(4); i++)
            {
                var bytes = mutated.Bytes(names[prng.NextInt32(names.Count)]);
                var at = prng.NextInt32(bytes.Length);
                prng.Fill(bytes.AsSpan(at, Math.Min(bytes.Length - at, 1 << prng.NextInt32(12))));
            }

            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                using var store = Stores.Open(mutated);
                AssertPrefix(store, isForged: true);
            }
            catch (StoreRefusedException)
            {
                // As it must be when too much is lost.
                Assert.NotEmpty(names);
            }

            Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 4 << 20);
        }
    }

    [Fact]
    public void APlantedBugCutsDamageAwayAndIsSeen()
    {
        var disk = Filled();
        disk.Bytes(LastFile(disk))[600] ^= 1;
        Teeth.Plant(PlantedBug.CorruptLogTruncated);
        try
        {
            using var store = Stores.Open(disk);
            Assert.True(store.IsWhole && store.Last.Index < new LogIndex(18));
        }
        finally
        {
            Teeth.Plant(PlantedBug.None);
        }
    }

    private static FaultyDisk Filled()
    {
        var store = Stores.New(out var disk);
        store.AppendSynced(Written[..5]);
        store.AppendSynced(Written[5..14]);
        store.SetHardState(Stores.Hard(2, vote: 3, commit: 12));
        store.AppendSynced(Written[14..]);
        store.SetHardState(Stores.Hard(2, vote: 3, commit: 16));
        store.Settle();
        store.Dispose();
        return disk;
    }

    private static string LastFile(FaultyDisk disk) =>
        disk.List().Last(name => name.EndsWith(".seg", StringComparison.Ordinal));

    private static FaultyDisk Flipped(FaultyDisk disk, string name, int at)
    {
        var flipped = disk.Copy();
        flipped.Bytes(name)[at] ^= (byte)(1 << (at % 8));
        return flipped;
    }

    /// <summary>Whether the store has all that was written; if not, it knows.</summary>
    private static bool AssertPrefix(RaftStore store, bool isForged = false)
    {
        var entries = store.ReadAll();
        Stores.AssertSame(Written[..(int)store.Last.Index.Value][(int)store.Compacted.Index.Value..], entries);
        if (entries.Count == Written.Length)
        {
            Assert.True(store.IsWhole || isForged);
            return true;
        }

        Assert.False(store.IsWhole && !isForged);
        Assert.True(isForged || store.Promised == Written[^1].Id);
        return false;
    }
}
