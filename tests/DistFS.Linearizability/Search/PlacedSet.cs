namespace DistFS.Linearizability;

/// <summary>
/// Which operations are placed. Completed ones are placed nearly in the order of their calls, so all words of the set
/// before some word are full and all after another are empty: a key holds what is between, which is one or two words
/// for a history of any length.
/// </summary>
internal sealed class PlacedSet(int completed, int pending)
{
    private readonly ulong[] _completed = new ulong[(completed >> 6) + 1];
    private readonly ulong[] _pending = new ulong[(pending + 63) >> 6];
    private readonly ulong[] _key = new ulong[(completed >> 6) + 2 + ((pending + 63) >> 6)];

    /// <summary>The words that are not trivially known.</summary>
    public readonly record struct Window(int First, int Last);

    /// <summary>A hash of the set that changes by one term per operation (Zobrist).</summary>
    public ulong Hash { get; private set; }

    /// <summary>Whether a pending operation was placed.</summary>
    public bool HasPending(int operation) => (_pending[operation >> 6] >> operation & 1) != 0;

    /// <summary>Adds or removes an operation; pending ones are given as complements.</summary>
    public void Flip(int operation)
    {
        if (operation >= 0)
        {
            _completed[operation >> 6] ^= 1UL << operation;
        }
        else
        {
            _pending[~operation >> 6] ^= 1UL << ~operation;
        }

        Hash ^= Hashing.Mix((ulong)operation);
    }

    /// <summary>The window after an operation was added.</summary>
    public Window Widen(Window window, int operation)
    {
        var first = window.First;
        while (_completed[first] == ulong.MaxValue)
        {
            first++;
        }

        return new Window(first, Math.Max(Math.Max(window.Last, first), operation >> 6));
    }

    /// <summary>What tells this set from any other; valid until the next call.</summary>
    public ReadOnlySpan<ulong> Key(Window window)
    {
        _key[0] = (ulong)window.First;
        var length = window.Last - window.First + 1;
        _completed.AsSpan(window.First, length).CopyTo(_key.AsSpan(1));
        _pending.CopyTo(_key.AsSpan(1 + length));
        return _key.AsSpan(0, 1 + length + _pending.Length);
    }
}
