using System.Buffers;
using System.Buffers.Binary;
using DistFS.Metaserver.State;

namespace DistFS.Metaserver.Tests.State;

/// <summary>A reader finds a row as his view has it, or nothing.</summary>
public sealed class RowCacheTests
{
    private const int SetBytes = 1024;
    private const int Ways = 4;

    private readonly RowCache _cache = new(1 << 20);

    [Fact]
    public void WhatWasPutIsFoundAsItWas()
    {
        for (var keyBytes = 1; keyBytes <= RowCache.RowBytesMax; keyBytes++)
        {
            for (var bytes = 0; keyBytes + bytes <= RowCache.RowBytesMax; bytes += 7)
            {
                var key = Bytes(keyBytes, (byte)bytes);
                key[0] = (byte)'D';
                var value = Bytes(bytes, (byte)keyBytes);
                _cache.Put(0, key, value, isAbsent: false);
                Assert.Equal(value, Read(_cache, 0, key));
            }
        }
    }

    [Fact]
    public void WhatIsNotThereIsKnownToo()
    {
        Assert.Null(_cache.TryRead(0, Key(1), new ArrayBufferWriter<byte>()));
        _cache.Put(0, Key(1), [], isAbsent: true);
        Assert.False(_cache.TryRead(0, Key(1), new ArrayBufferWriter<byte>()));

        // An empty row is one.
        _cache.Put(0, Key(2), [], isAbsent: false);
        Assert.True(_cache.TryRead(0, Key(2), new ArrayBufferWriter<byte>()));
    }

    /// <summary>One byte too many; tables of which readers ask for a row once; a cache of nothing.</summary>
    [Fact]
    public void WhatIsNotKept()
    {
        var key = Key(1);
        _cache.Put(0, key, new byte[RowCache.RowBytesMax - key.Length + 1], isAbsent: false);
        Assert.Null(Read(_cache, 0, key));
        byte[] longKey = [(byte)'D', .. new byte[RowCache.RowBytesMax]];
        _cache.Put(0, longKey, [], isAbsent: true);
        Assert.Null(_cache.TryRead(0, longKey, new ArrayBufferWriter<byte>()));
        byte[] session = [(byte)'N', .. new byte[8]];
        _cache.Put(0, session, [1], isAbsent: false);
        Assert.Null(Read(_cache, 0, session));
        var none = new RowCache(0);
        none.Put(0, key, [1], isAbsent: false);
        Assert.Null(Read(none, 0, key));
        Publish(none, (key, [2]));
    }

    /// <summary>Four rows of one set; the fifth takes the place of one, and each keeps its own bytes.</summary>
    [Fact]
    public void AFullSetForgets()
    {
        var cache = new RowCache(SetBytes);
        for (var i = 0; i < 100; i++)
        {
            cache.Put(0, Key(i), Value(i, 0), isAbsent: false);
            var found = Enumerable.Range(0, i + 1).Where(number => Read(cache, 0, Key(number)) != null).ToList();
            Assert.Equal(Math.Min(i + 1, Ways), found.Count);
            Assert.Contains(i, found);
            Assert.All(found, number => Assert.Equal(Value(number, 0), Read(cache, 0, Key(number))));
        }
    }

    /// <summary>Two keys of one set that even look alike: the bytes of the key decide.</summary>
    [Fact]
    public void KeysThatCollideAreTwo()
    {
        var cache = new RowCache(SetBytes);
        var byTag = new Dictionary<uint, int>();
        var pairs = 0;
        for (var i = 0; i < 400_000; i++)
        {
            if (byTag.TryAdd(cache.Place(Key(i)).Tag, i))
            {
                continue;
            }

            var (one, other) = (byTag[cache.Place(Key(i)).Tag], i);
            cache.Put(0, Key(one), Value(one, 0), isAbsent: false);
            Assert.Null(Read(cache, 0, Key(other)));
            cache.Put(0, Key(other), Value(other, 0), isAbsent: false);
            Publish(cache, (Key(one), null));
            Assert.Null(Read(cache, cache.Moment, Key(one)));
            Assert.Equal(Value(other, 0), Read(cache, cache.Moment, Key(other)));
            cache = new RowCache(SetBytes);
            pairs++;
        }

        Assert.NotEqual(0, pairs);
    }

    [Fact]
    public void ARowThatChangesIsAnotherForLaterViewsAndNoneForEarlierOnes()
    {
        _cache.Put(0, Key(1), [1], isAbsent: false);
        _cache.Put(0, Key(2), [], isAbsent: true);
        _cache.Put(0, Key(3), [3], isAbsent: false);
        _cache.Put(0, Key(4), [4], isAbsent: false);
        _cache.Put(0, Key(5), [5], isAbsent: false);
        Publish(
            _cache,
            (Key(1), [11]),
            (Key(2), [12]),
            (Key(3), null),
            (Key(4), new byte[RowCache.RowBytesMax]),
            (Key(6), [16]));
        var now = _cache.Moment;
        Assert.NotEqual(0, now);
        Assert.Equal([11], Read(_cache, now, Key(1)));
        Assert.Equal([12], Read(_cache, now, Key(2)));
        foreach (var gone in new[] { 3, 4, 6 })
        {
            Assert.Null(_cache.TryRead(now, Key(gone), new ArrayBufferWriter<byte>()));
        }

        foreach (var changed in new[] { 1, 2, 3, 4 })
        {
            Assert.Null(_cache.TryRead(0, Key(changed), new ArrayBufferWriter<byte>()));
        }

        // What did not change is everybody's.
        Assert.Equal([5], Read(_cache, 0, Key(5)));
        Assert.Equal([5], Read(_cache, now, Key(5)));
    }

    /// <summary>What a view has read may be of yesterday, as soon as a change has begun.</summary>
    [Fact]
    public void OnlyAViewOfNowPuts()
    {
        _cache.BeginChange();
        Assert.Equal(0, _cache.Moment);
        _cache.Put(0, Key(1), [1], isAbsent: false);
        Assert.Null(Read(_cache, 0, Key(1)));
        _cache.EndChange();
        _cache.Put(0, Key(1), [1], isAbsent: false);
        Assert.Null(Read(_cache, _cache.Moment, Key(1)));
        _cache.Put(_cache.Moment, Key(1), [1], isAbsent: false);
        Assert.Equal([1], Read(_cache, _cache.Moment, Key(1)));

        // And one that was made before does not use it.
        Assert.Null(Read(_cache, 0, Key(1)));
    }

    /// <summary>
    /// Readers beside a writer, few slots and few rows, so that all meet everywhere: whoever finds a row finds what the
    /// engine's snapshot has that he took after he had asked for the moment, whole.
    /// </summary>
    [Theory]
    [InlineData(1, 3)]
    [InlineData(1, 6)]
    [InlineData(16, 64)]
    public async Task ReadersBesideAWriterFindWhatTheirSnapshotHas(int sets, int rows)
    {
        var cache = new RowCache(sets * SetBytes);

        // The engine: a version of each row, 0 for none; replaced as a whole, so that it is its own snapshot.
        var engine = new int[rows];
        using var end = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var begun = Enumerable.Range(0, 3).Select(_ => new TaskCompletionSource()).ToList();
        var readers = Enumerable.Range(0, 3).Select(seed => Task.Factory.StartNew(
            () => Look(seed), default, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToList();
        await Task.WhenAll(begun.Select(one => one.Task)).WaitAsync(TimeSpan.FromSeconds(30));
        var random = new Random(1);
        var last = new Random(2);
        for (var version = 1; version <= 60_000 && !end.IsCancellationRequested; version++)
        {
            var next = engine.ToArray();
            var changed = Enumerable.Range(0, 1 + random.Next(3)).Select(_ => random.Next(rows)).Distinct().ToList();
            cache.BeginChange();
            foreach (var row in changed)
            {
                next[row] = last.Next(8) == 0 ? 0 : version;
                cache.Change(Key(row), next[row] == 0 ? null : Value(row, next[row]));
            }

            Volatile.Write(ref engine, next);
            cache.EndChange();
            for (var pause = random.Next(4) == 0 ? random.Next(300) : 0; pause > 0; pause--)
            {
                Thread.SpinWait(1);
            }
        }

        await end.CancelAsync();
        var counts = await Task.WhenAll(readers);
        Assert.All(counts, count => Assert.True(count is { Found: > 100, Missed: > 100 }, $"{count}"));

        (long Found, long Missed) Look(int seed)
        {
            var (found, missed) = (0L, 0L);
            var mine = new Random(seed);
            var buffer = new ArrayBufferWriter<byte>();
            begun[seed].SetResult();
            while (!end.IsCancellationRequested)
            {
                var moment = cache.Moment;
                var snapshot = Volatile.Read(ref engine);
                for (var i = mine.Next(20); i >= 0; i--)
                {
                    var row = mine.Next(rows);
                    var expected = snapshot[row] == 0 ? [] : Value(row, snapshot[row]);
                    buffer.ResetWrittenCount();
                    if (cache.TryRead(moment, Key(row), buffer) is not { } isThere)
                    {
                        cache.Put(moment, Key(row), expected, isAbsent: snapshot[row] == 0);
                        missed++;
                        continue;
                    }

                    found++;
                    if (isThere != (snapshot[row] != 0) || !buffer.WrittenSpan.SequenceEqual(expected))
                    {
                        Assert.Fail($"Row {row} of version {snapshot[row]}: {isThere}, "
                            + Convert.ToHexString(buffer.WrittenSpan));
                    }
                }
            }

            return (found, missed);
        }
    }

    private static byte[] Key(int number)
    {
        var key = new byte[9];
        key[0] = (byte)'I';
        BinaryPrimitives.WriteInt64BigEndian(key.AsSpan(1), number);
        return key;
    }

    /// <summary>The same bytes all over, in a length of its own, so that a mixture shows.</summary>
    private static byte[] Value(int row, int version)
    {
        var value = new byte[8 * (1 + ((row + version) % 28))];
        for (var at = 0; at < value.Length; at += 8)
        {
            BinaryPrimitives.WriteInt32LittleEndian(value.AsSpan(at), version);
            BinaryPrimitives.WriteInt32LittleEndian(value.AsSpan(at + 4), row);
        }

        return value;
    }

    private static byte[] Bytes(int count, byte seed) =>
        [.. Enumerable.Range(0, count).Select(at => (byte)((seed * 31) + at))];

    private static byte[]? Read(RowCache cache, long moment, byte[] key)
    {
        var value = new ArrayBufferWriter<byte>();
        return cache.TryRead(moment, key, value) is true ? value.WrittenSpan.ToArray() : null;
    }

    private static void Publish(RowCache cache, params (byte[] Key, byte[]? Value)[] rows)
    {
        cache.BeginChange();
        foreach (var (key, value) in rows)
        {
            cache.Change(key, value);
        }

        cache.EndChange();
    }
}
