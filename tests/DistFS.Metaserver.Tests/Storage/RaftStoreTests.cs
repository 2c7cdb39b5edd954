using DistFS.Metaserver.Storage;

namespace DistFS.Metaserver.Tests.Storage;

public sealed class RaftStoreTests
{
    [Fact]
    public void ANewStoreIsEmptyAndKnowsItsBootstrap()
    {
        using var store = Stores.Open(Stores.Format());
        Assert.Equal(Stores.Identity, store.Identity);
        Assert.Equal(default, store.HardState);
        Assert.Equal(default, store.Last);
        Assert.Equal(default, store.Compacted);
        Assert.Equal(Stores.Three, store.CompactedConfiguration);
        Assert.Null(store.Snapshot);
        Assert.Null(store.Incoming);
        Assert.True(store.IsWhole);
        Assert.Empty(store.Findings);
    }

    [Fact]
    public void EntriesAreThereAfterAReopen()
    {
        var entries = Stores.Entries(1, 1, 60, 300);
        var store = Stores.New(out var disk);
        store.AppendSynced(entries);
        Stores.AssertSame(entries, store.ReadAll());
        store.Dispose();
        using var again = Stores.Open(disk);
        Stores.AssertSame(entries, again.ReadAll());
        Assert.True(disk.List().Count(name => name.EndsWith(".seg", StringComparison.Ordinal)) > 4);
        Assert.Equal(new Term(1), again.TermAt(new LogIndex(30)));
        Assert.Empty(again.Findings);
    }

    [Fact]
    public void LastIsWhatIsSyncedAndReadsServeWhatIsNot()
    {
        using var store = Stores.New(out _);
        store.Append(Stores.Entries(1, 1, 3));
        Assert.Equal(default, store.Last);
        Assert.Equal(3, store.Read(new LogIndex(1), new LogIndex(3), long.MaxValue).Count);
        store.Sync();
        Assert.Equal(Stores.Id(1, 3), store.Last);
    }

    [Fact]
    public void ReadGivesAtLeastOneAndThenWhatFits()
    {
        using var store = Stores.New(out _);
        store.AppendSynced(Stores.Entries(1, 1, 50, 100));
        Assert.Single(store.Read(new LogIndex(1), new LogIndex(50), 0));
        Assert.Equal(2, store.Read(new LogIndex(1), new LogIndex(50), 2 * 148).Count);
        Assert.Equal(2, store.Read(new LogIndex(1), new LogIndex(50), (3 * 148) - 1).Count);
        Assert.Equal(3, store.Read(new LogIndex(48), new LogIndex(50), 1 << 20).Count);
        Assert.Throws<ArgumentOutOfRangeException>(() => store.Read(new LogIndex(0), new LogIndex(1), 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => store.Read(new LogIndex(50), new LogIndex(51), 1));
    }

    [Fact]
    public void AnAppendInsideTheLogCutsItOff()
    {
        var store = Stores.New(out var disk);
        store.AppendSynced(Stores.Entries(1, 1, 40, 300));
        store.SetHardState(Stores.Hard(2));
        store.AppendSynced(Stores.Entries(2, 7, 8, 300));
        RaftEntry[] expected = [.. Stores.Entries(1, 1, 6, 300), .. Stores.Entries(2, 7, 8, 300)];
        Stores.AssertSame(expected, store.ReadAll());
        store.Dispose();
        using var again = Stores.Open(disk);
        Stores.AssertSame(expected, again.ReadAll());
        Assert.True(again.IsWhole);
    }

    [Fact]
    public void LargeEntriesHaveFilesOfTheirOwn()
    {
        var options = Stores.Options with { EntryBytesMax = 4 << 20 };
        var disk = Stores.Format();
        var store = RaftStore.Open(disk, options, new Prng(1));
        store.SetHardState(Stores.Hard(1));
        RaftEntry[] entries =
            [Stores.Entry(1, 1), Stores.Entry(1, 2, 3 << 20), Stores.Entry(1, 3, 9000), Stores.Entry(1, 4)];
        store.AppendSynced(entries);
        store.Dispose();
        using var again = RaftStore.Open(disk, options, new Prng(1));
        Stores.AssertSame(entries, again.ReadAll());
    }

    [Fact]
    public void WhatDoesNotFitIsRefused()
    {
        using var store = Stores.New(out _);
        store.AppendSynced(Stores.Entries(1, 1, 3));
        Assert.Throws<ArgumentException>(() => store.Append([Stores.Entry(1, 5)]));
        Assert.Throws<ArgumentException>(() => store.Append([Stores.Entry(2, 4)]));
        Assert.Throws<ArgumentException>(() => store.Append([Stores.Entry(1, 4), Stores.Entry(1, 6)]));
        Assert.Throws<ArgumentException>(() => store.Append([Stores.Entry(1, 4, 65 << 10)]));
        Assert.Throws<ArgumentException>(() => store.SetHardState(Stores.Hard(0)));
        Assert.Throws<ArgumentException>(() => store.CompactTo(new LogIndex(1)));
        store.SetHardState(Stores.Hard(3, vote: 1));
        Assert.Throws<ArgumentException>(() => store.SetHardState(Stores.Hard(3, vote: 2)));
        store.AppendSynced(Stores.Entry(3, 4));
        Assert.Throws<ArgumentException>(() => store.Append([Stores.Entry(1, 5)]));
    }

    [Fact]
    public void CompactionKeepsTheTermTheConfigurationAndWhatFollows()
    {
        var two = new RaftConfiguration(Stores.Three.Members.Take(2));
        var store = Stores.New(out var disk);
        store.AppendSynced(Stores.Entries(1, 1, 9, 400));
        store.AppendSynced(new RaftEntry
        {
            Id = Stores.Id(1, 10),
            Kind = EntryKind.Configuration,
            Data = RaftCodec.Encode(two),
        });
        store.AppendSynced(Stores.Entries(1, 11, 40, 400));
        store.TakeSnapshot(1, 35);
        var files = disk.List().Count;
        store.CompactTo(new LogIndex(9));
        Assert.Equal(Stores.Three, store.CompactedConfiguration);
        store.CompactTo(new LogIndex(30));
        Assert.True(disk.List().Count < files);
        store.Dispose();
        using var again = Stores.Open(disk);
        Assert.Equal(Stores.Id(1, 30), again.Compacted);
        Assert.Equal(new Term(1), again.TermAt(new LogIndex(30)));
        Assert.Equal(two, again.CompactedConfiguration);
        Stores.AssertSame(Stores.Entries(1, 31, 40, 400), again.ReadAll());
        Assert.Throws<ArgumentException>(() => again.CompactTo(new LogIndex(36)));
        Assert.Throws<ArgumentOutOfRangeException>(() => again.Read(new LogIndex(30), new LogIndex(31), 1));
    }

    [Fact]
    public void AVoteIsKeptAndACommitIndexIsNeverAheadOfTheLog()
    {
        var store = Stores.New(out var disk);
        store.SetHardState(Stores.Hard(5, vote: 3, commit: 90));
        store.AppendSynced(Stores.Entries(5, 1, 4));
        Assert.Equal(Stores.Hard(5, 3, 90), store.HardState);
        store.Dispose();
        using var again = Stores.Open(disk);
        Assert.Equal(Stores.Hard(5, 3, 4), again.HardState);
    }

    [Fact]
    public async Task ReadersSeeWholeEntriesWhileTheLogGrowsIsCutAndCompacted()
    {
        using var store = Stores.New(out _);
        store.AppendSynced(Stores.Entries(1, 1, 100));
        using var stop = new CancellationTokenSource();
        using var started = new SemaphoreSlim(0);
        var reader = Task.Run(() =>
        {
            var prng = new Prng(3);
            var seen = 0;
            while (!stop.IsCancellationRequested)
            {
                try
                {
                    var (first, last) = (store.Compacted.Index.Next, store.Last.Index);
                    var from = new LogIndex(first.Value + prng.NextBelow(last.Value - first.Value + 1));
                    var entries = store.Read(from, last, 3000);
                    Assert.Equal(from, entries[0].Index);
                    Assert.All(entries, e => Assert.True(Stores.Same(e, Stores.Entry(e.Term.Value, e.Index.Value))));
                    if (seen++ == 0)
                    {
                        // The writer may be done before a thread that has only begun reads once.
                        started.Release();
                    }
                }
                catch (ArgumentOutOfRangeException)
                {
                    // It was cut or compacted between the question and the read.
                    seen++;
                }
            }

            return seen;
        });
        await Task.WhenAny(started.WaitAsync(), reader);
        for (ulong term = 2; term < 60; term++)
        {
            store.SetHardState(Stores.Hard(term));
            store.AppendSynced(Stores.Entries(term, (term * 20) + 40, (term * 20) + 100));
            store.TakeSnapshot(term, (term * 20) + 50);
            store.CompactTo(new LogIndex((term * 20) + 45));
        }

        await stop.CancelAsync();
        Assert.True(await reader > 0);
    }

    /// <summary>100,000 appends of 100 bytes: what they allocate is bounded by the index and the list of
    /// entries.</summary>
    [Fact]
    public void AnAppendAllocatesLittle()
    {
        const int Count = 100_000;
        using var folder = new TempFolder();
        var disk = new PosixDisk(folder.Path);
        RaftStore.Format(disk, Stores.Identity, Stores.Three);
        using var store = RaftStore.Open(disk, new RaftStoreOptions { SegmentBytes = 1 << 22 }, new Prng(1));
        store.SetHardState(Stores.Hard(1));
        var data = new byte[100];
        var batches = Enumerable.Range(0, Count / 10).Select(batch => Enumerable.Range((batch * 10) + 1, 10)
            .Select(index => new RaftEntry { Id = Stores.Id(1, (ulong)index), Data = data }).ToArray()).ToArray();
        store.Append(batches[0]);
        var before = GC.GetAllocatedBytesForCurrentThread();
        foreach (var batch in batches.AsSpan(1))
        {
            store.Append(batch);
        }

        var perEntry = (GC.GetAllocatedBytesForCurrentThread() - before) / (double)Count;
        store.Sync();
        Assert.Equal(Stores.Id(1, Count), store.Last);

        // The index and the ring of recent entries grow by doubling; nothing is made per entry.
        Assert.True(perEntry < 64, $"{perEntry} bytes per entry");
    }
}
