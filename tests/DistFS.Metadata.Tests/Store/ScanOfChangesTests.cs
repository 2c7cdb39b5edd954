using DistFS.Metadata.Store;

namespace DistFS.Metadata.Tests.Store;

/// <summary>A scan sees what is in the store and what is not there yet, in one order.</summary>
public sealed class ScanOfChangesTests
{
    [Fact]
    public void A_scan_gives_what_is_changed_in_its_place()
    {
        var prng = new Prng(5);
        var store = new MemoryStore();
        var changes = new Changes(store);
        var (kept, model) = (new SortedDictionary<byte, byte>(), new SortedDictionary<byte, byte>());
        for (var i = 0; i < 3000; i++)
        {
            var (key, value) = ((byte)prng.NextInt32(40), (byte)prng.NextInt32(256));
            switch (prng.NextInt32(10))
            {
                case 0:
                    changes.Drop();
                    model = new SortedDictionary<byte, byte>(kept);
                    break;
                case 1:
                    changes.Keep();
                    kept = new SortedDictionary<byte, byte>(model);
                    if (prng.Chance(0.3))
                    {
                        changes.Flush();
                    }

                    break;
                case 2 or 3 or 4:
                    changes.Delete([key]);
                    model.Remove(key);
                    break;
                default:
                    changes.Put([key], [value]);
                    model[key] = value;
                    break;
            }

            var (from, to, limit) = ((byte)prng.NextInt32(40), (byte)prng.NextInt32(41), 1 + prng.NextInt32(40));
            var seen = new List<(byte, byte)>();
            changes.Scan([from], [to], (foundKey, foundValue) =>
            {
                seen.Add((foundKey[0], foundValue[0]));
                return seen.Count < limit;
            });
            var expected = model.Where(row => row.Key >= from && row.Key < to).Take(limit);
            Assert.Equal(expected.Select(row => (row.Key, row.Value)), seen);
        }
    }

    [Fact]
    public void What_the_visitor_changes_is_not_seen()
    {
        var changes = new Changes(new MemoryStore());
        changes.Put([1], [1]);
        changes.Put([2], [2]);
        var seen = 0;
        changes.Scan([0], [9], (key, _) =>
        {
            changes.Delete([2]);
            changes.Put([3], [3]);
            return ++seen < 9;
        });
        Assert.Equal(2, seen);
    }
}
