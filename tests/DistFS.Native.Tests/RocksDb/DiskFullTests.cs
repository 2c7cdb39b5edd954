using System.Diagnostics;
using DistFS.Native.RocksDb;

namespace DistFS.Native.Tests;

/// <summary>A disk that fills up: a typed error, and nothing that was acknowledged is lost.</summary>
public sealed class DiskFullTests
{
    [Fact]
    public void Writes_fail_as_full_and_what_was_acknowledged_stays()
    {
        using var disk = new SmallDisk(megabytes: 6);
        var path = Path.Combine(disk.Path, "db");
        var family = new ColumnFamilyDescriptor("default", TestDb.Plain);
        var acknowledged = 0;
        using (var db = Db.Open(TestDb.Create, path, family))
        {
            var failure = Assert.Throws<StoreFullException>(() =>
            {
                for (; acknowledged < 1000; acknowledged++)
                {
                    db.Put(
                        db.DefaultColumnFamily, TestDb.Key(acknowledged), TestDb.Value(acknowledged, 20_000),
                        WriteSettings.Synced);
                }
            });
            Assert.Equal(ErrorCatalog.StoreFull, failure.Code);
            Assert.Equal(FsStatus.NoSpace, failure.Status);
            Assert.Equal(TestDb.Value(1, 20_000), db.Get(db.DefaultColumnFamily, TestDb.Key(1)));
        }

        Assert.InRange(acknowledged, 50, 500);

        // As an operator would: the files on a larger disk.
        using var larger = new TempFolder();
        TempFolder.CopyFiles(path, larger.Sub("db"));
        using var again = Db.Open(TestDb.Create, larger.Sub("db"), family);
        for (var i = 0; i < acknowledged; i++)
        {
            Assert.Equal(TestDb.Value(i, 20_000), again.Get(again.DefaultColumnFamily, TestDb.Key(i)));
        }
    }

    [Fact]
    public void A_table_that_does_not_fit_is_full_too()
    {
        using var disk = new SmallDisk(megabytes: 4);
        using var writer = new SstFileWriter(TestDb.Plain);
        writer.Open(Path.Combine(disk.Path, "a.sst"));
        Assert.Throws<StoreFullException>(() =>
        {
            for (var i = 0; i < 500; i++)
            {
                writer.Put(TestDb.Key(i), TestDb.Value(i, 20_000));
            }

            writer.Finish();
        });
    }

    [Fact]
    public void Fallocate_says_so_before_anything_is_written()
    {
        using var disk = new SmallDisk(megabytes: 4);
        using var file = File.OpenHandle(Path.Combine(disk.Path, "f"), FileMode.CreateNew, FileAccess.ReadWrite);
        var failure = Assert.Throws<DistFsException>(() => Posix.Fallocate(file, FallocateModes.None, 0, 8 << 20));
        Assert.Equal(FsStatus.NoSpace, failure.Status);
    }

    /// <summary>
    /// RocksDB 7.8.3 aborts the process when it writes to its own log again after that could not be written, which it
    /// tries every five seconds: so it has nothing to say there.
    /// </summary>
    [Fact]
    public void A_disk_that_stays_full_does_not_end_the_process()
    {
        using var disk = new SmallDisk(megabytes: 6);
        var path = Path.Combine(disk.Path, "db");
        using (var db = Db.Open(TestDb.Create, path, new ColumnFamilyDescriptor("default", TestDb.Plain)))
        {
            Fill(disk);
            var begun = Stopwatch.StartNew();
            for (var i = 0; begun.Elapsed < TimeSpan.FromSeconds(12); i++)
            {
                Assert.Throws<StoreFullException>(() =>
                {
                    db.Put(db.DefaultColumnFamily, TestDb.Key(i), TestDb.Value(i, 4_000), WriteSettings.Synced);
                    db.Flush(db.DefaultColumnFamily);
                });
            }
        }

        Assert.DoesNotContain("[WARN]", File.ReadAllText(Path.Combine(path, "LOG")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Opened_on_a_full_disk_it_says_so(bool isNew)
    {
        using var disk = new SmallDisk(megabytes: 4);
        var path = Path.Combine(disk.Path, "db");
        var family = new ColumnFamilyDescriptor("default", TestDb.Plain);
        if (!isNew)
        {
            Db.Open(TestDb.Create, path, family).Dispose();
        }

        Fill(disk);
        Assert.Throws<StoreFullException>(() => Db.Open(TestDb.Create, path, family));
        File.Delete(Path.Combine(disk.Path, "filler"));
        using var db = Db.Open(TestDb.Create, path, family);
        db.Put(db.DefaultColumnFamily, TestDb.Key(1), TestDb.Value(1), WriteSettings.Synced);
    }

    private static void Fill(SmallDisk disk)
    {
        using var filler = File.OpenHandle(
            Path.Combine(disk.Path, "filler"), FileMode.CreateNew, FileAccess.Write);
        Assert.Throws<IOException>(() =>
        {
            for (var i = 0; i < 16 << 10; i++)
            {
                RandomAccess.Write(filler, new byte[1 << 10], i << 10);
            }
        });
    }
}
