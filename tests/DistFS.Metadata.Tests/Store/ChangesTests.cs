using System.Buffers;
using DistFS.Metadata.Store;

namespace DistFS.Metadata.Tests.Store;

/// <summary>What an operation sees of the store, of what is pending, and of its own changes.</summary>
public sealed class ChangesTests
{
    private readonly MemoryStore _store = new();

    /// <summary>At random, against a sorted dictionary that is changed in the same way.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_scan_sees_what_single_reads_see(ulong seed)
    {
        var prng = new Prng(seed);
        var changes = new Changes(_store);
        var kept = new SortedDictionary<byte, byte>();
        var own = new SortedDictionary<byte, byte>();
        for (var i = 0; i < 5000; i++)
        {
            var (key, value) = ((byte)prng.NextInt32(40), (byte)prng.NextInt32(256));
            switch (prng.NextInt32(12))
            {
                case 0:
                    changes.Keep();
                    kept = new SortedDictionary<byte, byte>(own);
                    break;
                case 1:
                    changes.Drop();
                    own = new SortedDictionary<byte, byte>(kept);
                    break;
                case 2:
                    changes.Keep();
                    changes.Flush();
                    kept = new SortedDictionary<byte, byte>(own);
                    break;
                case 3 or 4 or 5:
                    changes.Delete([key]);
                    own.Remove(key);
                    break;
                case 6 or 7 or 8:
                    changes.Put([key], [value]);
                    own[key] = value;
                    break;
                default:
                    var (from, to) = ((byte)prng.NextInt32(42), (byte)prng.NextInt32(42));
                    var countMax = prng.Chance(0.5) ? int.MaxValue : 1 + prng.NextInt32(5);
                    var expected = own.Where(row => row.Key >= from && row.Key < to).Take(countMax);
                    Assert.Equal(expected.Select(row => (row.Key, row.Value)), Scan(changes, from, to, countMax));
                    break;
            }
        }
    }

    /// <summary>At random, against a dictionary that is changed alike; so few are kept that they go too.</summary>
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 7)]
    [InlineData(3, 100)]
    public void Rows_that_are_kept_are_those_of_the_store(ulong seed, int knownMax)
    {
        var prng = new Prng(seed);
        var changes = new Changes(_store, knownMax);
        var kept = new Dictionary<byte, byte>();
        var own = new Dictionary<byte, byte>();
        for (var i = 0; i < 20_000; i++)
        {
            var (key, value) = ((byte)prng.NextInt32(20), (byte)prng.NextInt32(256));
            switch (prng.NextInt32(12))
            {
                case 0:
                    changes.Drop();
                    own = new Dictionary<byte, byte>(kept);
                    break;
                case 1 or 2:
                    changes.Keep();
                    changes.Flush();
                    kept = new Dictionary<byte, byte>(own);
                    break;
                case 3:
                    changes.Delete([key]);
                    own.Remove(key);
                    break;
                case 4 or 5:
                    changes.Put([key], [value]);
                    own[key] = value;
                    break;
                default:
                    var read = new ArrayBufferWriter<byte>();
                    var isThere = prng.Chance(0.5) ? changes.TryReadHot([key], read) : changes.TryRead([key], read);
                    Assert.Equal(own.ContainsKey(key), isThere);
                    Assert.Equal(own.TryGetValue(key, out var row) ? [row] : [], read.WrittenSpan.ToArray());
                    break;
            }
        }
    }

    [Fact]
    public void A_row_that_is_kept_is_read_from_the_store_once()
    {
        _store.Write([KeyValuePair.Create<byte[], byte[]?>([1], [10])]);
        var changes = new Changes(_store, knownMax: 8);
        Assert.Equal([10], Read(changes));

        // Nobody else writes it: so this is seen only by whoever asks the store.
        _store.Write([KeyValuePair.Create<byte[], byte[]?>([1], [11])]);
        Assert.Equal([10], Read(changes));
        Assert.Equal([11], Read(new Changes(_store)));

        static byte[] Read(Changes changes)
        {
            var value = new ArrayBufferWriter<byte>();
            Assert.True(changes.TryRead([1], value));
            return value.WrittenSpan.ToArray();
        }
    }

    [Fact]
    public void That_there_is_no_row_is_kept_if_it_is_asked_for_again_and_again()
    {
        var changes = new Changes(_store, knownMax: 8);
        var value = new ArrayBufferWriter<byte>();
        Assert.False(changes.TryRead([1], value));
        Assert.False(changes.TryReadHot([2], value));

        // Nobody else writes it: so this is seen only by whoever asks the store.
        _store.Write([new([1], [10]), new([2], [20])]);
        Assert.True(changes.TryRead([1], value));
        Assert.False(changes.TryReadHot([2], value));
        Assert.False(changes.TryRead([2], value));

        changes.Put([2], [21]);
        changes.Keep();
        changes.Flush();
        Assert.True(changes.TryReadHot([2], value));
        Assert.Equal([10, 21], value.WrittenSpan.ToArray());
    }

    /// <summary>Memory is bounded by their number and by this.</summary>
    [Fact]
    public void A_large_row_is_not_kept()
    {
        var changes = new Changes(_store, knownMax: 8);
        _store.Write([KeyValuePair.Create<byte[], byte[]?>([1], new byte[1_000])]);
        Assert.Equal(1_000, Read());
        _store.Write([KeyValuePair.Create<byte[], byte[]?>([1], [11])]);
        Assert.Equal(1, Read());

        // It is kept now; and no more when it grows.
        changes.Put([1], new byte[1_000]);
        changes.Keep();
        changes.Flush();
        _store.Write([KeyValuePair.Create<byte[], byte[]?>([1], [11, 12])]);
        Assert.Equal(2, Read());

        int Read()
        {
            var value = new ArrayBufferWriter<byte>();
            Assert.True(changes.TryRead([1], value));
            return value.WrittenCount;
        }
    }

    [Fact]
    public void It_stops_when_it_has_enough_and_asks_no_more()
    {
        var changes = new Changes(_store);
        changes.Put([1], [1]);
        changes.Put([3], [3]);
        changes.Keep();
        changes.Flush();
        changes.Put([2], [2]);
        changes.Put([4], [4]);
        for (var countMax = 1; countMax <= 4; countMax++)
        {
            Assert.Equal(countMax, Scan(changes, 0, 9, countMax).Count);
        }
    }

    [Fact]
    public void The_visitor_may_read_and_change()
    {
        var changes = new Changes(_store);
        for (byte i = 0; i < 10; i++)
        {
            changes.Put([i], [i]);
            if (i == 4)
            {
                changes.Keep();
                changes.Flush();
            }
        }

        var seen = 0;
        changes.Scan([0], [10], (key, _) =>
        {
            var value = new ArrayBufferWriter<byte>();
            Assert.True(changes.TryRead(key, value));
            changes.Delete(key);
            changes.Put([(byte)(key[0] + 100)], [0]);
            seen++;
            return true;
        });
        Assert.Equal(10, seen);
        Assert.Empty(Scan(changes, 0, 10, int.MaxValue));
        Assert.Equal(10, Scan(changes, 100, 255, int.MaxValue).Count);
    }

    private static List<(byte Key, byte Value)> Scan(Changes changes, byte from, byte to, int countMax)
    {
        var rows = new List<(byte, byte)>();
        changes.Scan([from], [to], (key, value) =>
        {
            Assert.True(rows.Count < countMax);
            rows.Add((key[0], value[0]));
            return rows.Count < countMax;
        });
        return rows;
    }
}
