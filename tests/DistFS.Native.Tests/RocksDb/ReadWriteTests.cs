using DistFS.Native.RocksDb;

namespace DistFS.Native.Tests;

/// <summary>Gets, puts, batches, multi-gets and pinned values.</summary>
public sealed class ReadWriteTests
{
    [Fact]
    public void Put_get_delete()
    {
        using var test = new TestDb();
        test.Db.Put(test.Default, "key"u8, "value"u8, WriteSettings.Synced);
        Assert.Equal("value"u8.ToArray(), test.Db.Get(test.Default, "key"u8));
        Assert.True(test.Db.ContainsKey(test.Default, "key"u8));
        test.Db.Delete(test.Default, "key"u8, WriteSettings.Synced);
        Assert.Null(test.Db.Get(test.Default, "key"u8));
        Assert.False(test.Db.ContainsKey(test.Default, "key"u8));
        test.Db.Delete(test.Default, "never there"u8, WriteSettings.Synced);
    }

    [Fact]
    public void Empty_keys_and_values_are_values()
    {
        using var test = new TestDb();
        test.Db.Put(test.Default, [], "of the empty key"u8, WriteSettings.Synced);
        test.Db.Put(test.Default, "empty"u8, [], WriteSettings.Synced);
        using var empty = test.Db.GetPinned(test.Default, "empty"u8);
        Assert.True(empty.Found);
        Assert.Equal(0, empty.Span.Length);
        Assert.Equal("of the empty key"u8.ToArray(), test.Db.Get(test.Default, []));
        using var absent = test.Db.GetPinned(test.Default, "absent"u8);
        Assert.False(absent.Found);
        Assert.Equal(0, absent.Span.Length);
    }

    [Fact]
    public void TryGet_tells_the_length_of_what_does_not_fit()
    {
        using var test = new TestDb();
        test.Db.Put(test.Default, "k"u8, "12345"u8, WriteSettings.Synced);
        var buffer = new byte[8];
        Assert.True(test.Db.TryGet(test.Default, "k"u8, buffer, out var length));
        Assert.Equal("12345"u8.ToArray(), buffer[..length]);
        buffer.AsSpan().Clear();
        Assert.True(test.Db.TryGet(test.Default, "k"u8, buffer.AsSpan(0, 4), out length));
        Assert.Equal(5, length);
        Assert.Equal(new byte[8], buffer);
        Assert.False(test.Db.TryGet(test.Default, "absent"u8, buffer, out length));
        Assert.Equal(0, length);
    }

    /// <summary>Hints, indexes and filters in parts: all keys are found, and come in order.</summary>
    [Fact]
    public void Groups_of_keys_in_any_order_are_all_there()
    {
        using var cache = new BlockCache(1 << 20);
        using var test = new TestDb(TestDb.Plain with { BlockCache = cache, InsertHintPrefixBytes = 7 });
        var random = new Random(1);
        var expected = new SortedDictionary<int, byte[]>();
        for (var i = 0; i < 60_000; i++)
        {
            // Groups of 256 that grow side by side, and some that are written again.
            var key = (random.Next(100) << 8) | (random.Next(4) == 0 ? random.Next(256) : (i / 100) & 255);
            expected[key] = TestDb.Value(i, 40);
            test.Db.Put(test.Default, TestDb.Key(key), expected[key], WriteSettings.WithoutWal);
            if (i is 20_000 or 40_000)
            {
                test.Db.FlushAll();
            }
        }

        Assert.All(expected, row => Assert.Equal(row.Value, test.Db.Get(test.Default, TestDb.Key(row.Key))));
        Assert.False(test.Db.ContainsKey(test.Default, TestDb.Key(1 << 20)));
        using var rows = test.Db.CreateIterator(test.Default);
        rows.Seek(TestDb.Key(0));
        foreach (var key in expected.Keys)
        {
            Assert.True(rows.IsValid);
            Assert.Equal(TestDb.Key(key), rows.Key);
            rows.Next();
        }

        Assert.False(rows.IsValid);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_pinned_value_survives_overwrite_delete_and_compaction(bool flushed)
    {
        using var cache = new BlockCache(1 << 20);
        using var test = new TestDb(TestDb.Plain with { BlockCache = cache });
        var before = TestDb.Value(1, 50_000);
        test.Db.Put(test.Default, "k"u8, before, WriteSettings.Synced);
        if (flushed)
        {
            test.Db.Flush(test.Default);
        }

        using var slice = test.Db.GetPinned(test.Default, "k"u8);
        using var value = test.Db.GetValue(test.Default, "k"u8);
        test.Db.Put(test.Default, "k"u8, TestDb.Value(2, 50_000), WriteSettings.Synced);
        test.Db.Delete(test.Default, "k"u8, WriteSettings.Synced);
        test.Db.Flush(test.Default);
        test.Db.CompactRange(test.Default);
        cache.CapacityBytes = 1; // Evicts everything that is not pinned.
        Assert.True(slice.Span.SequenceEqual(before));
        Assert.True(value!.Memory.Span.SequenceEqual(before));
        Assert.Null(test.Db.Get(test.Default, "k"u8));
        Assert.Equal(flushed, cache.PinnedBytes >= before.Length);
    }

    [Fact]
    public void A_pinned_value_gives_its_memory_back()
    {
        using var cache = new BlockCache(1 << 20);
        using var test = new TestDb(TestDb.Plain with { BlockCache = cache });
        test.Db.Put(test.Default, "k"u8, TestDb.Value(1, 50_000), WriteSettings.Synced);
        test.Db.Flush(test.Default);
        var value = test.Db.GetValue(test.Default, "k"u8)!;
        var memory = value.Memory;
        Assert.InRange(cache.PinnedBytes, 50_000, 1 << 20);
        var pin = memory.Pin();
        value.Dispose();
        Assert.InRange(cache.PinnedBytes, 50_000, 1 << 20); // A send may still be reading it.
        pin.Dispose();
        Assert.InRange(cache.PinnedBytes, 0, 49_999);
        Assert.Throws<ObjectDisposedException>(() => memory.Span.Length);
        value.Dispose();
        Assert.InRange(cache.UsedBytes, 50_000, cache.CapacityBytes);
    }

    [Fact]
    public void MultiGet_answers_in_the_order_of_the_keys()
    {
        using var test = new TestDb();
        test.Put(0, 100, WriteSettings.Unsynced);
        test.Db.Flush(test.Default);
        test.Put(100, 200, WriteSettings.Unsynced);
        int[] wanted = [150, 3, 999, 3, 77, 1000, 199, 0];
        using var slices = test.Db.MultiGet(test.Default, wanted.SelectMany(TestDb.Key).ToArray(), keyBytes: 8);
        Assert.Equal(wanted.Length, slices.Count);
        for (var i = 0; i < wanted.Length; i++)
        {
            Assert.Equal(wanted[i] < 200, slices.Found(i));
            Assert.True(slices[i].SequenceEqual(wanted[i] < 200 ? TestDb.Value(wanted[i]) : []));
        }

        using var kept = slices.Detach(4);
        slices.Dispose();
        Assert.True(kept!.Span.SequenceEqual(TestDb.Value(77)));
        Assert.Equal(0, slices.Count);
    }

    [Fact]
    public void MultiGet_of_sorted_keys_of_none_and_of_a_snapshot()
    {
        using var test = new TestDb();
        test.Put(0, 50, WriteSettings.Unsynced);
        using var snapshot = test.Db.CreateSnapshot();
        using var options = new ReadOptions(new ReadSettings { Snapshot = snapshot });
        test.Db.DeleteRange(test.Default, TestDb.Key(0), TestDb.Key(50), WriteSettings.Unsynced);
        var keys = Enumerable.Range(0, 50).SelectMany(TestDb.Key).ToArray();
        using var then = test.Db.MultiGet(test.Default, keys, 8, sorted: true, options);
        using var now = test.Db.MultiGet(test.Default, keys, 8, sorted: true);
        using var none = test.Db.MultiGet(test.Default, [], 8);
        Assert.Equal(0, none.Count);
        for (var i = 0; i < 50; i++)
        {
            Assert.True(then[i].SequenceEqual(TestDb.Value(i)));
            Assert.False(now.Found(i));
        }
    }

    [Fact]
    public void A_batch_is_done_together_over_families_and_can_be_used_again()
    {
        using var test = new TestDb(null, new("default", TestDb.Plain), new("index", TestDb.Plain));
        var index = test.Db.GetColumnFamily("index");
        test.Put(0, 20, WriteSettings.Unsynced);
        using var batch = new WriteBatch();
        Assert.Equal(0, batch.Count);
        batch.DeleteRange(test.Default, TestDb.Key(5), TestDb.Key(10));
        batch.Put(test.Default, TestDb.Key(7), "again"u8); // After the range: later writes of a batch win.
        batch.Delete(test.Default, TestDb.Key(0));
        batch.Put(index, "applied"u8, "17"u8);
        Assert.Equal(4, batch.Count);
        Assert.InRange(batch.SizeBytes, 12 + 40, 200);
        Assert.Null(test.Db.Get(index, "applied"u8));
        test.Db.Write(batch, WriteSettings.Synced);
        Assert.Equal("17"u8.ToArray(), test.Db.Get(index, "applied"u8));
        Assert.Equal("again"u8.ToArray(), test.Db.Get(test.Default, TestDb.Key(7)));
        Assert.Null(test.Db.Get(test.Default, TestDb.Key(5)));
        Assert.Null(test.Db.Get(test.Default, TestDb.Key(0)));
        Assert.NotNull(test.Db.Get(test.Default, TestDb.Key(10)));
        batch.Clear();
        Assert.Equal(0, batch.Count);
        batch.Put(index, "applied"u8, "18"u8);
        test.Db.Write(batch, WriteSettings.Unsynced);
        Assert.Equal("18"u8.ToArray(), test.Db.Get(index, "applied"u8));
    }

    [Fact]
    public void DeleteRange_leaves_its_end()
    {
        using var test = new TestDb();
        test.Put(0, 10, WriteSettings.Unsynced);
        test.Db.DeleteRange(test.Default, TestDb.Key(2), TestDb.Key(8), WriteSettings.Synced);
        var left = Enumerable.Range(0, 10).Where(i => test.Db.ContainsKey(test.Default, TestDb.Key(i)));
        Assert.Equal([0, 1, 8, 9], left);
        Assert.Throws<StoreRefusedException>(() =>
            test.Db.DeleteRange(test.Default, TestDb.Key(8), TestDb.Key(2), WriteSettings.Synced));
    }

    [Fact]
    public void Snapshots_see_their_moment()
    {
        using var test = new TestDb();
        test.Db.Put(test.Default, "k"u8, "1"u8, WriteSettings.Unsynced);
        using var snapshot = test.Db.CreateSnapshot();
        using var options = new ReadOptions(new ReadSettings { Snapshot = snapshot });
        test.Db.Put(test.Default, "k"u8, "2"u8, WriteSettings.Unsynced);
        test.Db.Put(test.Default, "new"u8, "2"u8, WriteSettings.Unsynced);
        test.Db.Flush(test.Default);
        test.Db.CompactRange(test.Default);
        Assert.Equal("1"u8.ToArray(), test.Db.Get(test.Default, "k"u8, options));
        Assert.Null(test.Db.Get(test.Default, "new"u8, options));
        Assert.Equal("2"u8.ToArray(), test.Db.Get(test.Default, "k"u8));
        snapshot.Dispose(); // The options hold it.
        Assert.Equal("1"u8.ToArray(), test.Db.Get(test.Default, "k"u8, options));
        Assert.Throws<ObjectDisposedException>(() => new ReadOptions(new ReadSettings { Snapshot = snapshot }));
    }

    [Fact]
    public void The_hot_paths_allocate_nothing()
    {
        using var test = new TestDb();
        test.Put(0, 100, WriteSettings.Unsynced);
        var key = TestDb.Key(50);
        var value = TestDb.Value(50);
        var keys = Enumerable.Range(0, 16).SelectMany(TestDb.Key).ToArray();
        using var batch = new WriteBatch();
        using var iterator = test.Db.CreateIterator(test.Default);
        Allocations.AssertNone(() =>
        {
            using var slice = test.Db.GetPinned(test.Default, key);
            using var slices = test.Db.MultiGet(test.Default, keys, 8, sorted: true);
            test.Db.Put(test.Default, key, value, WriteSettings.Unsynced);
            batch.Clear();
            batch.Put(test.Default, key, slice.Span);
            test.Db.Write(batch, WriteSettings.WithoutWal);
            iterator.Seek(key);
            iterator.Next();
            Assert.True(iterator.Key.Length == 8 && iterator.Value.Length == 100);
        });
    }
}
