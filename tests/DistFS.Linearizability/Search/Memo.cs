using System.Runtime.InteropServices;

namespace DistFS.Linearizability;

/// <summary>
/// The set of (operations placed, state) that the search has entered: entering one again, by another order of the same
/// operations, cannot end differently (Lowe 2017). A table of its own, since a key is a slice of a shared pool: one
/// array per key would cost more than the key.
/// </summary>
internal sealed class Memo<TState>
    where TState : notnull, IEquatable<TState>
{
    private const int EmptySlot = -1;

    private readonly List<ulong> _pool = [];
    private readonly List<Entry> _entries = [];
    private int[] _slots = NewSlots(64);

    /// <summary>Adds a key unless it is there.</summary>
    /// <returns>Whether it was new.</returns>
    public bool Add(ReadOnlySpan<ulong> placed, TState state, ulong hash)
    {
        var slot = (int)(hash & (uint)(_slots.Length - 1));
        for (var index = _slots[slot]; index != EmptySlot; index = _entries[index].Next)
        {
            var entry = _entries[index];
            if (entry.Hash == hash && entry.State.Equals(state) && Words(entry).SequenceEqual(placed))
            {
                return false;
            }
        }

        if (_entries.Count == _slots.Length)
        {
            Grow();
            slot = (int)(hash & (uint)(_slots.Length - 1));
        }

        _entries.Add(new Entry(state, hash, _pool.Count, placed.Length, _slots[slot]));
        _slots[slot] = _entries.Count - 1;
        _pool.AddRange(placed);
        return true;
    }

    private static int[] NewSlots(int count)
    {
        var slots = new int[count];
        Array.Fill(slots, EmptySlot);
        return slots;
    }

    private ReadOnlySpan<ulong> Words(in Entry entry) =>
        CollectionsMarshal.AsSpan(_pool).Slice(entry.Start, entry.Length);

    private void Grow()
    {
        _slots = NewSlots(_slots.Length * 2);
        var entries = CollectionsMarshal.AsSpan(_entries);
        for (var index = 0; index < entries.Length; index++)
        {
            ref var slot = ref _slots[(int)(entries[index].Hash & (uint)(_slots.Length - 1))];
            entries[index] = entries[index] with { Next = slot };
            slot = index;
        }
    }

    private readonly record struct Entry(TState State, ulong Hash, int Start, int Length, int Next);
}
