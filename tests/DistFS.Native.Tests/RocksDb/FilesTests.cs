using DistFS.Native.RocksDb;

namespace DistFS.Native.Tests;

/// <summary>Checkpoints, ingestion, dropping of files, flushes and properties.</summary>
public sealed class FilesTests
{
    [Fact]
    public void A_checkpoint_is_a_database_of_its_moment()
    {
        using var test = new TestDb();
        test.Put(0, 100, WriteSettings.Unsynced);
        test.Db.Flush(test.Default);
        test.Put(100, 150, WriteSettings.WithoutWal); // In memory only: the checkpoint must flush it.
        var copy = test.Sub("checkpoint");
        Checkpoint.Create(test.Db, copy);
        test.Put(150, 200, WriteSettings.Unsynced);
        test.Db.Delete(test.Default, TestDb.Key(0), WriteSettings.Unsynced);
        using var opened = Db.Open(new RocksDbOptions { CreateIfMissing = false }, copy);
        Assert.Equal(TestDb.Value(0), opened.Get(opened.DefaultColumnFamily, TestDb.Key(0)));
        Assert.Equal(TestDb.Value(149), opened.Get(opened.DefaultColumnFamily, TestDb.Key(149)));
        Assert.Null(opened.Get(opened.DefaultColumnFamily, TestDb.Key(150)));
        Assert.Throws<StoreRefusedException>(() => Checkpoint.Create(test.Db, copy));
    }

    [Fact]
    public void A_family_compacts_once_it_may()
    {
        using var test = new TestDb(TestDb.Plain with { Level0CompactionTrigger = 2 });
        for (var round = 0; round < 4; round++)
        {
            test.Put(0, 100, WriteSettings.Unsynced);
            test.Db.Flush(test.Default);
        }

        Assert.Equal("4", Level0());
        test.Db.EnableAutoCompactions(test.Default);
        Assert.True(SpinWait.SpinUntil(() => Level0() == "0", TimeSpan.FromSeconds(30)));
        Assert.Equal(TestDb.Value(7), test.Db.Get(test.Default, TestDb.Key(7)));

        string? Level0() => test.Db.GetProperty("rocksdb.num-files-at-level0", test.Default);
    }

    [Fact]
    public void Ingested_files_are_read_and_still_there_after_opening_again()
    {
        using var test = new TestDb();
        test.Put(0, 10, WriteSettings.Synced);
        var file = test.Sub("a.sst");
        using (var writer = new SstFileWriter(TestDb.Plain))
        {
            writer.Open(file);
            writer.DeleteRange(TestDb.Key(0), TestDb.Key(5));
            for (var i = 8; i < 1000; i++)
            {
                writer.Put(TestDb.Key(i), TestDb.Value(i + 1));
            }

            writer.Delete(TestDb.Key(1000));
            var length = writer.Finish();
            Assert.Equal(new FileInfo(file).Length, length);
            Assert.Equal(length, writer.FileBytes);
        }

        test.Db.IngestExternalFiles(test.Default, [file]);
        Assert.False(File.Exists(file)); // Moved.
        Check();
        test.Reopen();
        Check();

        void Check()
        {
            Assert.Null(test.Db.Get(test.Default, TestDb.Key(4)));
            Assert.Equal(TestDb.Value(7), test.Db.Get(test.Default, TestDb.Key(7)));
            Assert.Equal(TestDb.Value(9), test.Db.Get(test.Default, TestDb.Key(8))); // The file's, not the older one.
            Assert.Equal(TestDb.Value(1000), test.Db.Get(test.Default, TestDb.Key(999)));
        }
    }

    [Fact]
    public void A_writer_makes_many_files_and_ingestion_can_copy()
    {
        using var test = new TestDb();
        using var writer = new SstFileWriter(TestDb.Plain);
        string[] files = [test.Sub("0.sst"), test.Sub("1.sst")];
        for (var f = 0; f < 2; f++)
        {
            writer.Open(files[f]);
            writer.Put(TestDb.Key(f), "v"u8);
            writer.Finish();
        }

        test.Db.IngestExternalFiles(test.Default, files, new IngestSettings { MoveFiles = false });
        Assert.All(files, file => Assert.True(File.Exists(file)));
        Assert.True(test.Db.ContainsKey(test.Default, TestDb.Key(0)));
        Assert.True(test.Db.ContainsKey(test.Default, TestDb.Key(1)));
        Assert.Throws<StoreRefusedException>(() => test.Db.IngestExternalFiles(
            test.Default, files, new IngestSettings { MoveFiles = false, AllowOverlap = false }));
    }

    [Fact]
    public void A_writer_refuses_what_makes_no_sorted_file()
    {
        using var test = new TestDb();
        using var writer = new SstFileWriter(TestDb.Plain);
        Assert.Throws<InvalidOperationException>(() => writer.Put("k"u8, "v"u8));
        writer.Open(test.Sub("a.sst"));
        Assert.Throws<InvalidOperationException>(() => writer.Open(test.Sub("b.sst")));
        writer.Put("b"u8, "v"u8);
        Assert.Throws<StoreRefusedException>(() => writer.Put("a"u8, "v"u8));
        Assert.Throws<StoreRefusedException>(() => writer.Put("b"u8, "v"u8));
        using var empty = new SstFileWriter(TestDb.Plain);
        empty.Open(test.Sub("empty.sst"));
        Assert.Throws<StoreRefusedException>(() => empty.Finish());
        using var nowhere = new SstFileWriter(TestDb.Plain);
        Assert.Throws<StoreIoException>(() => nowhere.Open(test.Sub("no/such/folder.sst")));
    }

    [Fact]
    public void A_file_that_is_damaged_or_none_is_not_ingested()
    {
        using var test = new TestDb();
        File.WriteAllBytes(test.Sub("none.sst"), TestDb.Value(1, 5000));
        Assert.Throws<StoreCorruptException>(() => test.Db.IngestExternalFiles(test.Default, [test.Sub("none.sst")]));
        Assert.Throws<StoreIoException>(() => test.Db.IngestExternalFiles(test.Default, [test.Sub("absent.sst")]));
        Assert.Empty(test.Db.GetLiveFiles());
    }

    [Fact]
    public void DeleteFilesInRange_drops_whole_files_and_nothing_else()
    {
        using var test = new TestDb();
        using var writer = new SstFileWriter(TestDb.Plain);
        for (var chunk = 0; chunk < 4; chunk++)
        {
            var file = test.Sub($"{chunk}.sst");
            writer.Open(file);
            for (var i = 0; i < 10; i++)
            {
                writer.Put(TestDb.Key((chunk * 10) + i), TestDb.Value(i));
            }

            writer.Finish();
            test.Db.IngestExternalFiles(test.Default, [file]);
        }

        var before = test.Db.GetLiveFiles();
        Assert.Equal(4, before.Count);
        Assert.All(before, file => Assert.True(file.Level > 0 && file.Entries == 10));
        test.Db.DeleteFilesInRange(test.Default, TestDb.Key(10), TestDb.Key(34)); // Half of the last one.
        var after = test.Db.GetLiveFiles();
        Assert.Equal(2, after.Count);
        Assert.Equal(Expected(), Enumerable.Range(0, 40).Where(i => test.Db.ContainsKey(test.Default, TestDb.Key(i))));
        foreach (var file in before.Except(after, LiveFileNames.Instance))
        {
            Assert.False(File.Exists(Path.Combine(test.Path, file.Name)));
        }

        test.Db.DeleteFilesInRange(test.Default, TestDb.Key(30), TestDb.Key(39)); // Both ends are included.
        Assert.Single(test.Db.GetLiveFiles());
        Assert.Throws<ArgumentException>(() => test.Db.DeleteFilesInRange(test.Default, [], TestDb.Key(1)));

        static IEnumerable<int> Expected() => Enumerable.Range(0, 10).Concat(Enumerable.Range(30, 10));
    }

    [Fact]
    public void Flush_and_compaction_make_files_and_properties_tell()
    {
        using var test = new TestDb();
        Assert.Equal(0, test.Db.GetIntProperty("rocksdb.num-entries-active-mem-table", test.Default));
        test.Put(0, 50, WriteSettings.Unsynced);
        Assert.Equal(50, test.Db.GetIntProperty("rocksdb.num-entries-active-mem-table", test.Default));
        Assert.Equal(50, test.Db.LatestSequenceNumber);
        test.Db.Flush(test.Default);
        test.Put(25, 75, WriteSettings.Unsynced);
        test.Db.Flush(test.Default);
        Assert.Equal("2", test.Db.GetProperty("rocksdb.num-files-at-level0", test.Default));
        test.Db.CompactRange(test.Default);
        Assert.Equal("0", test.Db.GetProperty("rocksdb.num-files-at-level0", test.Default));
        var file = Assert.Single(test.Db.GetLiveFiles());
        Assert.Equal(75, file.Entries);
        Assert.True(file.SmallestKey.Span.SequenceEqual(TestDb.Key(0)));
        Assert.True(file.LargestKey.Span.SequenceEqual(TestDb.Key(74)));
        Assert.Equal(new FileInfo(Path.Combine(test.Path, file.Name)).Length, file.Bytes);
        Assert.Contains("Compaction Stats", test.Db.GetProperty("rocksdb.stats")!, StringComparison.Ordinal);
        Assert.Null(test.Db.GetProperty("rocksdb.no-such-property"));
        Assert.Null(test.Db.GetIntProperty("rocksdb.no-such-property"));
        Assert.Equal(0, test.Db.GetIntProperty("rocksdb.background-errors"));
    }

    [Fact]
    public void Large_values_go_to_blob_files()
    {
        var options = TestDb.Plain with { Blobs = new BlobOptions { BlobBytesMin = 1000 } };
        using var test = new TestDb(null, new ColumnFamilyDescriptor("default", options));
        var large = TestDb.Value(1, 100_000);
        test.Db.Put(test.Default, "large"u8, large, WriteSettings.Synced);
        test.Db.Put(test.Default, "small"u8, "small"u8, WriteSettings.Synced);
        test.Db.Flush(test.Default);
        var blob = Assert.Single(Directory.GetFiles(test.Path, "*.blob"));
        Assert.InRange(new FileInfo(blob).Length, 100_000, 101_000);
        Assert.InRange(Assert.Single(test.Db.GetLiveFiles()).Bytes, 1, 5000);
        Assert.Equal(large, test.Db.Get(test.Default, "large"u8));
        test.Reopen(null, new ColumnFamilyDescriptor("default", options));
        using var value = test.Db.GetValue(test.Default, "large"u8);
        Assert.Equal(large, value!.Span.ToArray());
    }

    [Fact]
    public void Lz4_compression_of_tables_works_in_this_build_of_the_engine()
    {
        var options = TestDb.Plain with { Compression = Compression.Lz4 };
        using var test = new TestDb(null, new ColumnFamilyDescriptor("default", options));
        test.Db.Put(test.Default, "zeros"u8, new byte[1_000_000], WriteSettings.Unsynced);
        test.Db.Flush(test.Default);
        Assert.InRange(Assert.Single(test.Db.GetLiveFiles()).Bytes, 1, 50_000);
        Assert.Equal(new byte[1_000_000], test.Db.Get(test.Default, "zeros"u8));
    }

    private sealed class LiveFileNames : IEqualityComparer<LiveFile>
    {
        public static readonly LiveFileNames Instance = new();

        public bool Equals(LiveFile? x, LiveFile? y) => x?.Name == y?.Name;

        public int GetHashCode(LiveFile obj) => obj.Name.GetHashCode(StringComparison.Ordinal);
    }
}
