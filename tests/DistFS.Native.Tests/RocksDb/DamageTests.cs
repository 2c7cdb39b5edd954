using DistFS.Native.RocksDb;

namespace DistFS.Native.Tests;

/// <summary>Files that were damaged, lost, or written by another version.</summary>
public sealed class DamageTests
{
    [Fact]
    public void A_damaged_table_is_found_by_every_kind_of_read()
    {
        using var test = new TestDb();
        test.Put(0, 1000, WriteSettings.Synced);
        test.Db.Flush(test.Default);
        var table = TablePath(test);
        test.Db.Dispose();
        Flip(table, 200); // In the first data block: footer, index and filter are sound, so the store opens.
        test.Reopen();
        var failure = Assert.Throws<StoreCorruptException>(() => test.Db.Get(test.Default, TestDb.Key(0)));
        Assert.Equal(ErrorCatalog.StoreCorrupt, failure.Code);
        Assert.Equal(FsStatus.Corrupt, failure.Status);
        Assert.Throws<StoreCorruptException>(() =>
            test.Db.MultiGet(test.Default, [.. TestDb.Key(0), .. TestDb.Key(900)], 8).Dispose());
        Assert.Equal(TestDb.Value(900), test.Db.Get(test.Default, TestDb.Key(900)));
        using var iterator = test.Db.CreateIterator(test.Default);
        iterator.SeekToFirst();
        Assert.False(iterator.IsValid); // As if it were empty; hence the check after every loop.
        Assert.Throws<StoreCorruptException>(iterator.CheckStatus);
    }

    [Fact]
    public void Without_verification_damage_is_served()
    {
        using var test = new TestDb();
        test.Db.Put(test.Default, "k"u8, TestDb.Value(1, 50_000), WriteSettings.Synced);
        test.Db.Flush(test.Default);
        var table = TablePath(test);
        test.Db.Dispose();
        Flip(table, 20_000);
        test.Reopen();
        using var options = new ReadOptions(new ReadSettings { VerifyChecksums = false });
        Assert.NotEqual(TestDb.Value(1, 50_000), test.Db.Get(test.Default, "k"u8, options));
        Assert.Throws<StoreCorruptException>(() => test.Db.Get(test.Default, "k"u8));
    }

    [Fact]
    public void A_lost_table_is_found_at_open()
    {
        using var test = Flushed();
        File.Delete(Directory.GetFiles(test.Path, "*.sst").Single());
        Assert.Throws<StoreCorruptException>(() => test.Reopen());
    }

    [Fact]
    public void A_table_of_a_future_format_is_of_another_version()
    {
        using var test = Flushed();
        SetFormatVersion(99);
        Assert.Throws<StoreVersionException>(() => test.Reopen());
        SetFormatVersion(0x7000_0000); // No version will ever be that.
        Assert.Throws<StoreCorruptException>(() => test.Reopen());

        // The footer ends with the version (4 bytes, little endian) and a magic number (8): table/format.h of RocksDB.
        void SetFormatVersion(int version)
        {
            using var table = new FileStream(
                Directory.GetFiles(test.Path, "*.sst").Single(), FileMode.Open, FileAccess.ReadWrite);
            table.Position = table.Length - 12;
            table.Write(BitConverter.GetBytes(version));
        }
    }

    [Fact]
    public void Garbage_in_CURRENT_is_damage()
    {
        using var test = Flushed();
        var current = Path.Combine(test.Path, "CURRENT");
        File.WriteAllText(current, "garbage");
        Assert.Throws<StoreCorruptException>(() => test.Reopen());
        File.WriteAllText(current, "MANIFEST-999999\n");
        Assert.Throws<StoreCorruptException>(() => test.Reopen());
        File.WriteAllBytes(current, []);
        Assert.Throws<StoreCorruptException>(() => test.Reopen());
    }

    /// <summary>The engine alone starts a new database here, and deletes the tables of the old one.</summary>
    [Fact]
    public void A_lost_CURRENT_does_not_cost_the_tables()
    {
        using var test = Flushed();
        File.Delete(Path.Combine(test.Path, "CURRENT"));
        var failure = Assert.Throws<StoreCorruptException>(() => test.Reopen());
        Assert.Contains("CURRENT", failure.Message, StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(test.Path, "*.sst"));
    }

    [Fact]
    public void A_creation_that_was_interrupted_is_no_damage()
    {
        using var folder = new TempFolder();
        File.WriteAllBytes(folder.Sub("MANIFEST-000001"), [1, 2, 3]);
        using var db = Db.Open(TestDb.Create, folder.Path);
        Assert.Empty(db.GetLiveFiles());
    }

    [Fact]
    public void A_lost_or_damaged_manifest_is_damage()
    {
        using var test = Flushed();
        var manifest = Directory.GetFiles(test.Path, "MANIFEST-*").Single();
        Flip(manifest, (int)new FileInfo(manifest).Length / 2);
        Assert.Throws<StoreCorruptException>(() => test.Reopen());
        File.Delete(manifest);
        Assert.Throws<StoreCorruptException>(() => test.Reopen());
    }

    [Fact]
    public void A_path_that_is_a_file_is_an_error_of_input_and_output()
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder.Sub("file"), "not a folder");
        Assert.Throws<StoreIoException>(() => Db.Open(TestDb.Create, folder.Sub("file")));
    }

    private static TestDb Flushed()
    {
        var test = new TestDb();
        test.Put(0, 100, WriteSettings.Synced);
        test.Db.Flush(test.Default);
        test.Db.Dispose();
        return test;
    }

    private static string TablePath(TestDb test) => Path.Combine(test.Path, test.Db.GetLiveFiles().Single().Name);

    private static void Flip(string path, int at)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite);
        file.Position = at;
        var value = file.ReadByte();
        file.Position = at;
        file.WriteByte((byte)~value);
    }
}
