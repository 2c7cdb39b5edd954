using System.Buffers;

namespace DistFS.Metadata.Store;

/// <summary>A sorted tree in memory, for tests and the simulator. A copy is cheap enough to be a snapshot.</summary>
public sealed class MemoryStore : IOrderedStore
{
    private readonly SortedSet<Row> _rows;

    /// <summary>Empty.</summary>
    public MemoryStore() => _rows = new SortedSet<Row>(RowOrder.Instance);

    private MemoryStore(SortedSet<Row> rows) => _rows = new SortedSet<Row>(rows, RowOrder.Instance);

    /// <summary>How many rows there are.</summary>
    public int Count => _rows.Count;

    /// <summary>All rows in order.</summary>
    public IEnumerable<KeyValuePair<byte[], byte[]>> Rows =>
        _rows.Select(static row => KeyValuePair.Create(row.Key, row.Value));

    /// <summary>Another store with the same rows.</summary>
    public MemoryStore Copy() => new(_rows);

    /// <inheritdoc/>
    public bool TryRead(ReadOnlySpan<byte> key, IBufferWriter<byte> value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (!_rows.TryGetValue(new Row(key.ToArray(), []), out var found))
        {
            return false;
        }

        value.Write(found.Value);
        return true;
    }

    /// <inheritdoc/>
    public void Scan(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to, RowVisitor row)
    {
        ArgumentNullException.ThrowIfNull(row);
        if (from.SequenceCompareTo(to) >= 0)
        {
            return;
        }

        var last = to.ToArray();
        foreach (var found in _rows.GetViewBetween(new Row(from.ToArray(), []), new Row(last, [])))
        {
            if (found.Key.AsSpan().SequenceEqual(last) || !row(found.Key, found.Value))
            {
                return;
            }
        }
    }

    /// <inheritdoc/>
    public void Write(IReadOnlyCollection<KeyValuePair<byte[], byte[]?>> changes)
    {
        ArgumentNullException.ThrowIfNull(changes);
        foreach (var (key, value) in changes)
        {
            _rows.Remove(new Row(key, []));
            if (value != null)
            {
                _rows.Add(new Row(key, value));
            }
        }
    }

    private readonly record struct Row(byte[] Key, byte[] Value);

    private sealed class RowOrder : IComparer<Row>
    {
        public static readonly RowOrder Instance = new();

        public int Compare(Row x, Row y) => ByteOrder.Instance.Compare(x.Key, y.Key);
    }
}
