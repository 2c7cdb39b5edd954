using DistFS.Metadata.Store;
using DistFS.Primitives;

namespace DistFS.Simulation.Tests.Machines;

public sealed class HashedStoreTests
{
    /// <summary>The hash is that of the rows, however they came there; an engine comes back at a flush.</summary>
    [Fact]
    public void TheHashIsOfTheRowsAlone()
    {
        var store = new HashedStore(new MemoryStore());
        var empty = store.Hash;
        store.Write([new([1], [10]), new([2], [20])]);
        store.Write([new([2], [21]), new([3], null)]);
        Assert.Equal(new HashedStore(store.Rows.Copy()).Hash, store.Hash);
        store.Write([new([1], null), new([2], null)]);
        Assert.Equal(empty, store.Hash);
    }

    [Fact]
    public void AWriteTellsWhatItChanged()
    {
        var told = new List<RowChange>();
        var store = new HashedStore(new MemoryStore()) { Written = told.AddRange };
        store.Write([new([1], [10])]);
        store.Write([new([1], null)]);
        Assert.Equal(2, told.Count);
        Assert.Null(told[0].Before);
        Assert.Equal([10], told[0].After);
        Assert.Equal([10], told[1].Before);
        Assert.Null(told[1].After);
    }

    [Fact]
    public void AnEngineComesBackAtOneOfItsLastFlushes()
    {
        var disk = new EngineDisk(new Prng(1)) { FlushProbability = 1 };
        Assert.Equal(0, disk.Open().Count);
        var rows = new MemoryStore();
        for (byte i = 1; i <= 8; i++)
        {
            rows.Write([new([i], [i])]);
            disk.Wrote(rows);
        }

        var count = disk.Open().Count;
        Assert.InRange(count, 5, 8);

        // What it has shown once it does not lose.
        Assert.Equal(count, disk.Open().Count);
        rows.Write([new([9], [9])]);
        disk.Replace(rows);
        Assert.Equal(9, disk.Open().Count);
    }
}
