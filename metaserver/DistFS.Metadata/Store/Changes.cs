using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
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
/// <param name="store">The rows.</param>
/// <param name="knownMax">
/// So many rows are kept that were read from the store, since the same few are asked for again and again: sessions,
/// counters, directories. Only where nobody else writes the store. 0 for none.
/// </param>
public sealed class Changes(IOrderedStore store, int knownMax = 0)
{
    /// <summary>Larger rows are not kept, whoever asks for them: replies, attributes, content.</summary>
    private const int KnownBytesMax = 512;

    /// <summary>
    /// What the store has under these keys; null is no row. Emptied when it is full, which costs a read of each that
    /// is hot.
    /// </summary>
    private readonly Dictionary<byte[], byte[]?> _known = new(ByteOrder.Instance);

    private readonly Dictionary<byte[], byte[]?> _kept = new(ByteOrder.Instance);
    private readonly Dictionary<byte[], byte[]?> _own = new(ByteOrder.Instance);

    /// <summary>
    /// The keys of <see cref="_kept"/> are those here, in order, and those of <see cref="_unordered"/>: nobody pays for
    /// the order before a scan needs it.
    /// </summary>
    private readonly SortedSet<byte[]> _ordered = new(ByteOrder.Instance);

    private readonly List<byte[]> _unordered = [];

    private readonly ArrayBufferWriter<byte> _read = new();

    /// <summary>Rows that are kept and not in the store.</summary>
    public int Count => _kept.Count;

    /// <summary>
    /// Appends the value of a key to <paramref name="value"/>; false, and nothing appended, if there is none.
    /// </summary>
    public bool TryRead(ReadOnlySpan<byte> key, IBufferWriter<byte> value) => TryRead(key, value, isHot: false);

    /// <summary>Likewise, of one that is asked for again and again: that there is no row is kept too.</summary>
    internal bool TryReadHot(ReadOnlySpan<byte> key, IBufferWriter<byte> value) => TryRead(key, value, isHot: true);

    /// <summary>Sets the value of a key.</summary>
    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => Lookup(_own)[key] = value.ToArray();

    /// <summary>Removes a key, if it is there.</summary>
    public void Delete(ReadOnlySpan<byte> key) => Lookup(_own)[key] = null;

    /// <summary>
    /// Gives the rows of [<paramref name="from"/>, <paramref name="to"/>) in order, as they are after all changes,
    /// until <paramref name="row"/> says that it has enough. It may read rows and change them; a scan under way does
    /// not see that.
    /// </summary>
    public void Scan(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to, RowVisitor row)
    {
        ArgumentNullException.ThrowIfNull(row);
        if (from.SequenceCompareTo(to) >= 0)
        {
            return;
        }

        if (_own.Count == 0 && _kept.Count == 0)
        {
            store.Scan(from, to, row);
            return;
        }

        using var pending = Pending(from.ToArray(), to.ToArray()).GetEnumerator();
        if (pending.MoveNext())
        {
            new MergedScan(pending, row).Run(store, from, to);
        }
        else
        {
            store.Scan(from, to, row);
        }
    }

    /// <summary>The operation has ended well.</summary>
    public void Keep()
    {
        foreach (var (key, value) in _own)
        {
            ref var kept = ref CollectionsMarshal.GetValueRefOrAddDefault(_kept, key, out var isKnown);
            kept = value;
            if (!isKnown)
            {
                _unordered.Add(key);
            }
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
            UpdateKnown();
            _kept.Clear();
            _ordered.Clear();
            _unordered.Clear();
        }
    }

    /// <summary>A row goes to the store alone, before what is kept: only to be planted.</summary>
    internal void FlushApart(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) =>
        store.Write([new(key.ToArray(), value.ToArray())]);

    private bool TryRead(ReadOnlySpan<byte> key, IBufferWriter<byte> value, bool isHot)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (!Lookup(_own).TryGetValue(key, out var changed) && !Lookup(_kept).TryGetValue(key, out changed))
        {
            return TryReadStore(key, value, isHot);
        }

        if (changed == null)
        {
            return false;
        }

        value.Write(changed);
        return true;
    }

    private bool TryReadStore(ReadOnlySpan<byte> key, IBufferWriter<byte> value, bool isHot)
    {
        if (knownMax == 0)
        {
            return store.TryRead(key, value);
        }

        if (!Lookup(_known).TryGetValue(key, out var row))
        {
            _read.ResetWrittenCount();
            var found = store.TryRead(key, _read);
            if (!found && !isHot)
            {
                return false;
            }

            if (_known.Count >= knownMax)
            {
                _known.Clear();
            }

            if (_read.WrittenCount > KnownBytesMax)
            {
                value.Write(_read.WrittenSpan);
                return true;
            }

            row = found ? _read.WrittenSpan.ToArray() : null;
            _known.Add(key.ToArray(), row);
        }

        value.Write(row);
        return row != null;
    }

    /// <summary>Rows that nobody has read are not made known: most are written once and not asked for soon.</summary>
    private void UpdateKnown()
    {
        if (_known.Count == 0)
        {
            return;
        }

        foreach (var (key, value) in _kept)
        {
            if (value is not { Length: <= KnownBytesMax })
            {
                _known.Remove(key);
                continue;
            }

            ref var known = ref CollectionsMarshal.GetValueRefOrNullRef(_known, key);
            if (!Unsafe.IsNullRef(ref known))
            {
                known = value;
            }
        }
    }

    /// <summary>What is changed of [from, to), in order; a value of null is a row that is gone.</summary>
    private IEnumerable<KeyValuePair<byte[], byte[]?>> Pending(byte[] from, byte[] to)
    {
        _ordered.UnionWith(_unordered);
        _unordered.Clear();
        var own = Own(from, to);
        var next = 0;
        foreach (var key in _ordered.GetViewBetween(from, to))
        {
            for (; next < own.Count && ByteOrder.Instance.Compare(own[next].Key, key) < 0; next++)
            {
                yield return own[next];
            }

            if (next < own.Count && ByteOrder.Instance.Equals(own[next].Key, key))
            {
                yield return own[next++];
            }
            else if (!ByteOrder.Instance.Equals(key, to))
            {
                yield return KeyValuePair.Create(key, _kept[key]);
            }
        }

        for (; next < own.Count; next++)
        {
            yield return own[next];
        }
    }

    private List<KeyValuePair<byte[], byte[]?>> Own(byte[] from, byte[] to)
    {
        var own = new List<KeyValuePair<byte[], byte[]?>>();
        foreach (var change in _own)
        {
            if (ByteOrder.Instance.Compare(change.Key, from) >= 0 && ByteOrder.Instance.Compare(change.Key, to) < 0)
            {
                own.Add(change);
            }
        }

        own.Sort(static (one, other) => ByteOrder.Instance.Compare(one.Key, other.Key));
        return own;
    }

    private static Dictionary<byte[], byte[]?>.AlternateLookup<ReadOnlySpan<byte>> Lookup(
        Dictionary<byte[], byte[]?> changes) => changes.GetAlternateLookup<ReadOnlySpan<byte>>();
}
