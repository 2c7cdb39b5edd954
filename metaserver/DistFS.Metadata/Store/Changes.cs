using System.Buffers;
using DistFS.Primitives;

namespace DistFS.Metadata.Store;

/// <summary>
/// The state as an operation sees it: the store, what earlier operations changed and has not reached it yet, and on top
/// what this one changed, which is dropped if it fails.
/// </summary>
/// <remarks>
/// The changes of the operation under way and those kept are disjoint layers: <see cref="Keep"/> moves the one into the
/// other, <see cref="Drop"/> forgets it. <see cref="Flush"/> is called between operations only.
/// </remarks>
public sealed class Changes(IOrderedStore store)
{
    private readonly Dictionary<byte[], byte[]?> _kept = new(ByteOrder.Instance);
    private readonly Dictionary<byte[], byte[]?> _own = new(ByteOrder.Instance);

    /// <summary>Rows that are kept and not in the store.</summary>
    public int Count => _kept.Count;

    /// <summary>
    /// Appends the value of a key to <paramref name="value"/>; false, and nothing appended, if there is none.
    /// </summary>
    public bool TryRead(ReadOnlySpan<byte> key, IBufferWriter<byte> value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (!Lookup(_own).TryGetValue(key, out var changed) && !Lookup(_kept).TryGetValue(key, out changed))
        {
            return store.TryRead(key, value);
        }

        if (changed == null)
        {
            return false;
        }

        value.Write(changed);
        return true;
    }

    /// <summary>Sets the value of a key.</summary>
    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => Lookup(_own)[key] = value.ToArray();

    /// <summary>Removes a key, if it is there.</summary>
    public void Delete(ReadOnlySpan<byte> key) => Lookup(_own)[key] = null;

    /// <summary>
    /// Gives the rows of [<paramref name="from"/>, <paramref name="to"/>) in order, with what is changed and not yet in
    /// the store, as it was when the scan began. Takes time for each such change; nothing is written.
    /// </summary>
    public void Scan(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to, RowVisitor row)
    {
        ArgumentNullException.ThrowIfNull(row);
        var changed = Changed(from, to);
        var at = 0;
        var goesOn = true;
        store.Scan(from, to, (key, value) =>
        {
            while (goesOn && at < changed.Count && changed[at].Key.AsSpan().SequenceCompareTo(key) < 0)
            {
                goesOn = Give(changed[at++], row);
            }

            if (goesOn && at < changed.Count && changed[at].Key.AsSpan().SequenceEqual(key))
            {
                return goesOn = Give(changed[at++], row);
            }

            return goesOn = goesOn && row(key, value);
        });
        while (goesOn && at < changed.Count)
        {
            goesOn = Give(changed[at++], row);
        }
    }

    /// <summary>The operation has ended well.</summary>
    public void Keep()
    {
        foreach (var (key, value) in _own)
        {
            _kept[key] = value;
        }

        _own.Clear();
    }

    /// <summary>The operation has failed: nothing of it stays.</summary>
    public void Drop() => _own.Clear();

    /// <summary>What is kept goes to the store, at once or not at all.</summary>
    public void Flush()
    {
        Check.That(_own.Count == 0);
        if (_kept.Count > 0)
        {
            store.Write(_kept);
            _kept.Clear();
        }
    }

    private static bool Give(KeyValuePair<byte[], byte[]?> changed, RowVisitor row) =>
        changed.Value == null || row(changed.Key, changed.Value);

    /// <summary>The changed rows of a range in order; of a key, what the operation under way says.</summary>
    private List<KeyValuePair<byte[], byte[]?>> Changed(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to)
    {
        var changed = new List<KeyValuePair<byte[], byte[]?>>();
        foreach (var change in _own)
        {
            if (IsIn(change.Key, from, to))
            {
                changed.Add(change);
            }
        }

        foreach (var change in _kept)
        {
            if (IsIn(change.Key, from, to) && !_own.ContainsKey(change.Key))
            {
                changed.Add(change);
            }
        }

        changed.Sort(static (one, other) => ByteOrder.Instance.Compare(one.Key, other.Key));
        return changed;
    }

    private static bool IsIn(byte[] key, ReadOnlySpan<byte> from, ReadOnlySpan<byte> to) =>
        key.AsSpan().SequenceCompareTo(from) >= 0 && key.AsSpan().SequenceCompareTo(to) < 0;

    private static Dictionary<byte[], byte[]?>.AlternateLookup<ReadOnlySpan<byte>> Lookup(
        Dictionary<byte[], byte[]?> changes) => changes.GetAlternateLookup<ReadOnlySpan<byte>>();
}
