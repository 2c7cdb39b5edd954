using System.Runtime.CompilerServices;
using DistFS.Native.RocksDb;

namespace DistFS.Native.Tests;

/// <summary>
/// Whatever is disposed first, or never: no crash, no wrong bytes, and the folder is free in the end.
/// </summary>
public sealed class LifetimeTests
{
    [Fact]
    public void Everything_outlives_the_database_that_it_came_from()
    {
        using var test = new TestDb();
        test.Put(0, 100, WriteSettings.Synced);
        var iterator = test.Db.CreateIterator(test.Default);
        iterator.SeekToFirst();
        var snapshot = test.Db.CreateSnapshot();
        var options = new ReadOptions(new ReadSettings { Snapshot = snapshot });
        var value = test.Db.GetValue(test.Default, TestDb.Key(7))!;
        var batch = new WriteBatch();
        batch.Put(test.Default, "k"u8, "v"u8);
        test.Db.Dispose();

        Assert.Throws<ObjectDisposedException>(() => test.Db.Get(test.Default, TestDb.Key(1)));
        Assert.Throws<ObjectDisposedException>(() => test.Db.Write(batch, WriteSettings.Synced));
        Assert.Throws<ObjectDisposedException>(() => batch.Put(test.Default, "k"u8, "v"u8));
        Assert.Throws<ObjectDisposedException>(() => test.Db.CreateIterator(test.Default));
        Assert.Throws<ObjectDisposedException>(() => test.Db.CreateSnapshot());
        var count = 0;
        for (; iterator.IsValid; iterator.Next())
        {
            count++;
        }

        iterator.CheckStatus();
        Assert.Equal(100, count);
        Assert.True(value.Span.SequenceEqual(TestDb.Value(7)));

        // The folder is free when the last of them goes, in any order.
        IDisposable[] holders = [value, options, iterator, snapshot];
        new Prng(5).Shuffle<IDisposable>(holders);
        foreach (var holder in holders)
        {
            Assert.Throws<StoreLockedException>(() => Db.Open(TestDb.Create, test.Path));
            holder.Dispose();
        }

        batch.Dispose();
        test.Reopen();
    }

    [Fact]
    public void Pinned_slices_hold_the_database_as_well()
    {
        using var test = new TestDb();
        test.Put(0, 10, WriteSettings.Synced);
        using (var slice = test.Db.GetPinned(test.Default, TestDb.Key(3)))
        using (var slices = test.Db.MultiGet(test.Default, [.. TestDb.Key(4), .. TestDb.Key(5)], 8))
        {
            test.Db.Dispose();
            Assert.Throws<StoreLockedException>(() => Db.Open(TestDb.Create, test.Path));
            Assert.True(slice.Span.SequenceEqual(TestDb.Value(3)));
            Assert.True(slices[1].SequenceEqual(TestDb.Value(5)));
        }

        test.Reopen();
    }

    [Fact]
    public void What_is_forgotten_is_freed_by_the_finalizer()
    {
        using var test = new TestDb();
        test.Put(0, 10, WriteSettings.Synced);
        Forget(test);
        test.Db.Dispose();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        test.Reopen();
        Assert.NotNull(test.Db.Get(test.Default, TestDb.Key(1)));

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Forget(TestDb test)
        {
            var settings = new ReadSettings { Snapshot = test.Db.CreateSnapshot() };
            test.Db.CreateIterator(test.Default, settings).SeekToFirst();
            Assert.NotNull(test.Db.GetValue(test.Default, TestDb.Key(1)));
        }
    }

    [Fact]
    public void Disposing_twice_is_once()
    {
        using var test = new TestDb();
        test.Put(0, 1, WriteSettings.Synced);
        using var batch = new WriteBatch();
        var slice = test.Db.GetPinned(test.Default, TestDb.Key(0));
        slice.Dispose();
        slice.Dispose();
        Assert.False(slice.Found);
        batch.Dispose();
        Assert.Throws<ObjectDisposedException>(() => batch.Count);
        test.Db.Dispose();
        test.Db.Dispose();
    }

    [Fact]
    public async Task Disposing_while_threads_read_write_and_walk_never_crashes()
    {
        for (var round = 0; round < 25; round++)
        {
            using var test = new TestDb();
            test.Put(0, 200, WriteSettings.Unsynced);
            var options = new ReadOptions(new ReadSettings { FillCache = false });
            using var started = new CountdownEvent(4);
            Task[] workers =
            [
                .. Enumerable.Range(0, 4).Select(worker => Task.Factory.StartNew(
                    () => Work(test, options, started, worker),
                    CancellationToken.None,
                    TaskCreationOptions.LongRunning,
                    TaskScheduler.Default)),
            ];
            started.Wait();
            if (round % 2 == 0)
            {
                options.Dispose();
            }

            test.Db.Dispose();
            await Task.WhenAll(workers);
            options.Dispose();
            test.Reopen(); // Nobody holds it any more.
            Assert.Equal(TestDb.Value(5), test.Db.Get(test.Default, TestDb.Key(5)));
        }
    }

    // Runs until the database is gone, which must show as an exception and as nothing else.
    private static void Work(TestDb test, ReadOptions options, CountdownEvent started, int worker)
    {
        var db = test.Db;
        var family = db.DefaultColumnFamily;
        var announced = false;
        try
        {
            for (var i = 0; ; i = (i + 1) % 200)
            {
                using (var slice = db.GetPinned(family, TestDb.Key(i), worker == 0 ? options : null))
                {
                    Assert.True(slice.Span.SequenceEqual(TestDb.Value(i)));
                }

                using (var iterator = db.CreateIterator(family))
                {
                    iterator.Seek(TestDb.Key(i));
                    Assert.True(iterator.IsValid);
                }

                db.Put(family, TestDb.Key(i), TestDb.Value(i), WriteSettings.Unsynced);
                if (!announced)
                {
                    announced = true;
                    started.Signal();
                }
            }
        }
        catch (ObjectDisposedException)
        {
            // The expected end.
        }
    }
}
