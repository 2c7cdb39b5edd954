using DistFS.Metadata.Store;
using DistFS.Primitives;

namespace DistFS.Simulation;

/// <summary>
/// What a storage engine without a log of its own has on its disk, as the product's RocksDB: now and then it flushes
/// what was written to it until then, and after a crash it comes back at one of the last flushes.
/// </summary>
public sealed class EngineDisk(Prng prng)
{
    // A flush takes a while: of so many it is not known which of them have ended.
    private const int FlushesMax = 4;

    private readonly List<MemoryStore> _flushed = [];

    /// <summary>How often it flushes after a write.</summary>
    public double FlushProbability { get; set; }

    /// <summary>Rows were written, together; the engine may flush now.</summary>
    public void Wrote(MemoryStore rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        if (!prng.Chance(FlushProbability))
        {
            return;
        }

        _flushed.Add(rows.Copy());
        if (_flushed.Count > FlushesMax)
        {
            _flushed.RemoveAt(0);
        }
    }

    /// <summary>Everything was replaced, durably.</summary>
    public void Replace(MemoryStore rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        _flushed.Clear();
        _flushed.Add(rows.Copy());
    }

    /// <summary>What is there when a process opens it.</summary>
    public MemoryStore Open()
    {
        if (_flushed.Count == 0)
        {
            return new MemoryStore();
        }

        var last = _flushed[prng.NextInt32(_flushed.Count)];
        _flushed.Clear();
        _flushed.Add(last);
        return last.Copy();
    }
}
