using DistFS.Native.RocksDb;

namespace DistFS.Native.Tests;

/// <summary>
/// What a crash keeps. The crash is a copy of the files while the database is open: what the kernel has at that moment,
/// and nothing that is in the process's memory only.
/// </summary>
public sealed class WalTests
{
    [Fact]
    public void The_log_keeps_what_was_not_flushed()
    {
        using var test = new TestDb();
        test.Put(0, 10, WriteSettings.Unsynced);
        test.Put(10, 20, WriteSettings.Synced);
        Assert.Equal(Enumerable.Range(0, 20), AfterCrash(test));
    }

    [Fact]
    public void Without_the_log_only_a_flush_keeps()
    {
        using var test = new TestDb();
        test.Put(0, 10, WriteSettings.WithoutWal);
        Assert.Empty(AfterCrash(test));
        test.Db.Flush(test.Default);
        test.Put(10, 20, WriteSettings.WithoutWal);
        Assert.Equal(Enumerable.Range(0, 10), AfterCrash(test));
    }

    [Fact]
    public void Closing_flushes_what_has_no_log()
    {
        using var test = new TestDb();
        test.Put(0, 10, WriteSettings.WithoutWal);
        test.Reopen();
        Assert.Equal(TestDb.Value(9), test.Db.Get(test.Default, TestDb.Key(9)));
    }

    /// <summary>
    /// Design, section 4: the applied index is in the batch of its effects, so both must survive or neither.
    /// </summary>
    [Fact]
    public void An_atomic_flush_keeps_batches_over_families_whole()
    {
        ColumnFamilyDescriptor[] families = [new("default", TestDb.Plain), new("meta", TestDb.Plain)];
        using var test = new TestDb(TestDb.Create with { AtomicFlush = true }, families);
        using var batch = new WriteBatch();
        batch.Put(test.Default, TestDb.Key(1), "effect"u8);
        batch.Put(test.Db.GetColumnFamily("meta"), "applied"u8, "1"u8);
        test.Db.Write(batch, WriteSettings.WithoutWal);
        test.Db.Flush(test.Default); // One family is asked for, both are flushed.
        var copy = test.Sub("crash");
        TempFolder.CopyFiles(test.Path, copy);
        using var crashed = Db.Open(TestDb.Create, copy, families);
        Assert.NotNull(crashed.Get(crashed.DefaultColumnFamily, TestDb.Key(1)));
        Assert.NotNull(crashed.Get(crashed.GetColumnFamily("meta"), "applied"u8));
        Assert.Empty(Directory.GetDirectories(test.Path));
    }

    [Fact]
    public void What_a_crash_in_an_atomic_flush_leaves_is_removed()
    {
        using var test = new TestDb();
        test.Db.Dispose();
        Directory.CreateDirectory(Path.Combine(test.Path, "distfs-flush-0.tmp"));
        Directory.CreateDirectory(Path.Combine(test.Path, "of-someone-else"));
        test.Reopen();
        Assert.Equal("of-someone-else", Path.GetFileName(Assert.Single(Directory.GetDirectories(test.Path))));
    }

    [Fact]
    public void FlushAll_flushes_every_family()
    {
        ColumnFamilyDescriptor[] families = [new("default", TestDb.Plain), new("meta", TestDb.Plain)];
        using var test = new TestDb(null, families);
        test.Db.Put(test.Default, "k"u8, "v"u8, WriteSettings.WithoutWal);
        test.Db.Put(test.Db.GetColumnFamily("meta"), "k"u8, "v"u8, WriteSettings.WithoutWal);
        test.Db.FlushAll();
        Assert.Equal(["default", "meta"], test.Db.GetLiveFiles().Select(file => file.ColumnFamily).Order());
    }

    [Fact]
    public void FlushWal_is_accepted_with_and_without_sync()
    {
        using var test = new TestDb();
        test.Put(0, 10, WriteSettings.Unsynced);
        test.Db.FlushWal(sync: false);
        test.Db.FlushWal(sync: true);
        Assert.Equal(Enumerable.Range(0, 10), AfterCrash(test));
    }

    [Fact]
    public void A_torn_last_record_is_dropped_and_nothing_else()
    {
        using var test = new TestDb();
        test.Put(0, 10, WriteSettings.Synced);
        Assert.Equal(Enumerable.Range(0, 9), AfterCrash(test, log => log.SetLength(log.Length - 20)));
    }

    /// <summary>P8: a mid-log checksum error is never "truncated away".</summary>
    [Fact]
    public void Damage_in_the_middle_of_the_log_is_an_error()
    {
        using var test = new TestDb();
        test.Put(0, 10, WriteSettings.Synced);
        Assert.Throws<StoreCorruptException>(() => AfterCrash(test, Damage));
    }

    /// <summary>That the engine's own default would lose them is why it is not ours.</summary>
    [Fact]
    public void Point_in_time_recovery_drops_synced_writes_in_silence()
    {
        using var test = new TestDb();
        test.Put(0, 10, WriteSettings.Synced);
        var left = AfterCrash(test, Damage, TestDb.Create with { WalRecovery = WalRecoveryMode.PointInTime });
        Assert.InRange(left.Count, 0, 8);
    }

    [Fact]
    public void The_log_can_live_elsewhere()
    {
        using var folder = new TempFolder();
        var options = TestDb.Create with { WalDirectory = folder.Sub("wal") };
        using var test = new TestDb(options);
        test.Put(0, 10, WriteSettings.Synced);
        Assert.Empty(Directory.GetFiles(test.Path, "*.log"));
        Assert.NotEmpty(Directory.GetFiles(folder.Sub("wal"), "*.log"));
        test.Reopen(options);
        Assert.NotNull(test.Db.Get(test.Default, TestDb.Key(9)));
        test.Db.Dispose();
    }

    private static void Damage(FileStream log)
    {
        log.Position = log.Length / 2;
        var value = log.ReadByte();
        log.Position--;
        log.WriteByte((byte)~value);
    }

    private static List<int> AfterCrash(
        TestDb test, Action<FileStream>? damage = null, RocksDbOptions? options = null)
    {
        using var folder = new TempFolder();
        var copy = folder.Sub("crash");
        TempFolder.CopyFiles(test.Path, copy);
        if (damage is not null)
        {
            var name = Directory.GetFiles(copy, "*.log").MaxBy(file => new FileInfo(file).Length)!;
            using var log = new FileStream(name, FileMode.Open, FileAccess.ReadWrite);
            damage(log);
        }

        using var db = Db.Open(options ?? TestDb.Create, copy, new ColumnFamilyDescriptor("default", TestDb.Plain));
        return [.. Enumerable.Range(0, 30).Where(i => db.ContainsKey(db.DefaultColumnFamily, TestDb.Key(i)))];
    }
}
