using DistFS.Primitives;

namespace DistFS.Metadata.Fsck;

/// <summary>Something that has a number.</summary>
internal interface INumbered
{
    /// <summary>By which it is found.</summary>
    ulong Number { get; }
}

/// <summary>
/// Millions of small records in the order of their numbers, found by those: no more memory than the records, and none
/// of it copied while they grow in number.
/// </summary>
internal sealed class SortedBlocks<T>
    where T : struct, INumbered
{
    private const int BlockBits = 14;
    private const int BlockLength = 1 << BlockBits;

    private readonly List<T[]> _blocks = [];

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>One of them, from 0.</summary>
    public ref T this[int index] => ref _blocks[index >> BlockBits][index & (BlockLength - 1)];

    /// <summary>Adds one with a higher number than all before.</summary>
    public void Add(in T record)
    {
        Check.That(Count == 0 || this[Count - 1].Number < record.Number);
        if (Count >> BlockBits == _blocks.Count)
        {
            _blocks.Add(new T[BlockLength]);
        }

        this[Count++] = record;
    }

    /// <summary>Where the one of a number is; -1 if there is none.</summary>
    public int Find(ulong number)
    {
        var (low, high) = (0, Count - 1);
        while (low <= high)
        {
            var middle = low + ((high - low) >> 1);
            var found = this[middle].Number;
            if (found == number)
            {
                return middle;
            }

            (low, high) = found < number ? (middle + 1, high) : (low, middle - 1);
        }

        return -1;
    }
}
