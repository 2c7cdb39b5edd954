using DistFS.Native.RocksDb;

namespace DistFS.Native.Tests;

/// <summary>Walking over keys.</summary>
public sealed class IteratorTests
{
    [Fact]
    public void Walks_forwards_and_backwards()
    {
        using var test = new TestDb();
        test.Put(0, 50, WriteSettings.Unsynced);
        test.Db.Flush(test.Default);
        test.Put(50, 100, WriteSettings.Unsynced);
        using var iterator = test.Db.CreateIterator(test.Default);
        Assert.False(iterator.IsValid);
        var number = 0;
        for (iterator.SeekToFirst(); iterator.IsValid; iterator.Next(), number++)
        {
            Assert.True(iterator.Key.SequenceEqual(TestDb.Key(number)));
            Assert.True(iterator.Value.SequenceEqual(TestDb.Value(number)));
        }

        iterator.CheckStatus();
        Assert.Equal(100, number);
        for (iterator.SeekToLast(); iterator.IsValid; iterator.Prev())
        {
            Assert.True(iterator.Key.SequenceEqual(TestDb.Key(--number)));
        }

        Assert.Equal(0, number);
    }

    [Fact]
    public void Seeks_to_both_sides_of_a_gap()
    {
        using var test = new TestDb();
        test.Db.Put(test.Default, TestDb.Key(10), "10"u8, WriteSettings.Unsynced);
        test.Db.Put(test.Default, TestDb.Key(20), "20"u8, WriteSettings.Unsynced);
        using var iterator = test.Db.CreateIterator(test.Default);
        iterator.Seek(TestDb.Key(15));
        Assert.True(iterator.Value.SequenceEqual("20"u8));
        iterator.SeekForPrev(TestDb.Key(15));
        Assert.True(iterator.Value.SequenceEqual("10"u8));
        iterator.Seek(TestDb.Key(20));
        Assert.True(iterator.Value.SequenceEqual("20"u8));
        iterator.Seek(TestDb.Key(21));
        Assert.False(iterator.IsValid);
        iterator.SeekForPrev(TestDb.Key(9));
        Assert.False(iterator.IsValid);
        iterator.CheckStatus();
    }

    [Fact]
    public void Bounds_hold_on_both_sides_and_outlive_their_memory()
    {
        using var test = new TestDb();
        test.Put(0, 100, WriteSettings.Unsynced);
        var lower = TestDb.Key(30);
        var upper = TestDb.Key(40);
        using var iterator = test.Db.CreateIterator(
            test.Default, new ReadSettings { LowerBound = lower, UpperBound = upper });
        lower.AsSpan().Fill(0xFF); // The iterator has a copy.
        upper.AsSpan().Clear();
        Assert.Equal(Enumerable.Range(30, 10), Numbers(iterator, forwards: true));
        Assert.Equal(Enumerable.Range(30, 10).Reverse(), Numbers(iterator, forwards: false));
        iterator.Seek(TestDb.Key(5));
        Assert.True(iterator.Key.SequenceEqual(TestDb.Key(30)));
        iterator.Seek(TestDb.Key(40));
        Assert.False(iterator.IsValid);
        iterator.CheckStatus();
    }

    [Fact]
    public void An_iterator_sees_the_moment_of_its_creation_or_of_its_snapshot()
    {
        using var test = new TestDb();
        test.Put(0, 5, WriteSettings.Unsynced);
        using var snapshot = test.Db.CreateSnapshot();
        test.Put(5, 10, WriteSettings.Unsynced);
        using var now = test.Db.CreateIterator(test.Default);
        test.Put(10, 15, WriteSettings.Unsynced);
        using var then = test.Db.CreateIterator(test.Default, new ReadSettings { Snapshot = snapshot });
        Assert.Equal(Enumerable.Range(0, 10), Numbers(now, forwards: true));
        Assert.Equal(Enumerable.Range(0, 5), Numbers(then, forwards: true));
    }

    [Fact]
    public void Prefixes_bound_an_iterator_only_when_asked()
    {
        using var test = new TestDb(null, new ColumnFamilyDescriptor("default", TestDb.Plain with { PrefixBytes = 7 }));
        test.Put(200, 300, WriteSettings.Unsynced); // Keys of 8 bytes: 256 begins another prefix.
        test.Db.Flush(test.Default);
        using var total = test.Db.CreateIterator(test.Default);
        total.Seek(TestDb.Key(250));
        Assert.Equal(50, Rest(total));
        using var prefix = test.Db.CreateIterator(test.Default, new ReadSettings { PrefixSameAsStart = true });
        prefix.Seek(TestDb.Key(250));
        Assert.Equal(6, Rest(prefix));
    }

    [Fact]
    public void Reading_ahead_and_past_the_cache_changes_nothing()
    {
        using var cache = new BlockCache(8 << 20);
        using var test = new TestDb(TestDb.Plain with { BlockCache = cache });
        test.Put(0, 2000, WriteSettings.Unsynced);
        test.Db.Flush(test.Default);
        var before = cache.UsedBytes;
        using var iterator = test.Db.CreateIterator(
            test.Default, new ReadSettings { FillCache = false, ReadaheadBytes = 1 << 20, VerifyChecksums = true });
        Assert.Equal(Enumerable.Range(0, 2000), Numbers(iterator, forwards: true));
        Assert.InRange(cache.UsedBytes - before, 0, 50_000); // 200 KB were read.
    }

    [Fact]
    public void Where_there_is_no_key_there_is_nothing_to_see()
    {
        using var test = new TestDb();
        var iterator = test.Db.CreateIterator(test.Default);
        iterator.SeekToFirst();
        Assert.False(iterator.IsValid);
        Assert.Throws<InvalidOperationException>(() => iterator.Key.Length);
        Assert.Throws<InvalidOperationException>(() => iterator.Value.Length);
        Assert.Throws<InvalidOperationException>(iterator.Next);
        Assert.Throws<InvalidOperationException>(iterator.Prev);
        iterator.Dispose();
        Assert.Throws<ObjectDisposedException>(iterator.SeekToFirst);
        Assert.Throws<ObjectDisposedException>(() => iterator.Key.Length);
        Assert.Throws<ObjectDisposedException>(iterator.CheckStatus);
    }

    private static List<int> Numbers(RocksIterator iterator, bool forwards)
    {
        var numbers = new List<int>();
        for (Start(); iterator.IsValid; Step())
        {
            numbers.Add((int)System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(iterator.Key));
        }

        iterator.CheckStatus();
        return numbers;

        void Start() => (forwards ? (Action)iterator.SeekToFirst : iterator.SeekToLast)();
        void Step() => (forwards ? (Action)iterator.Next : iterator.Prev)();
    }

    private static int Rest(RocksIterator iterator)
    {
        var count = 0;
        for (; iterator.IsValid; iterator.Next())
        {
            count++;
        }

        iterator.CheckStatus();
        return count;
    }
}
