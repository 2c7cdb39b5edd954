namespace DistFS.Metadata.Store;

/// <summary>Rows of the store and changes that have not reached it, as one sequence in order.</summary>
internal sealed class MergedScan
{
    private readonly IEnumerator<KeyValuePair<byte[], byte[]?>> _pending;
    private readonly RowVisitor _row;

    /// <summary>Whether <see cref="_pending"/> stands on a change that is not yet given.</summary>
    private bool _hasPending = true;

    private bool _isOver;

    /// <summary>Stands on its first change.</summary>
    public MergedScan(IEnumerator<KeyValuePair<byte[], byte[]?>> pending, RowVisitor row) =>
        (_pending, _row) = (pending, row);

    public void Run(IOrderedStore store, ReadOnlySpan<byte> from, ReadOnlySpan<byte> to)
    {
        store.Scan(from, to, Take);
        while (!_isOver && _hasPending)
        {
            GivePending();
        }
    }

    private bool Take(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        while (!_isOver && _hasPending)
        {
            var order = _pending.Current.Key.AsSpan().SequenceCompareTo(key);
            if (order > 0)
            {
                break;
            }

            GivePending();
            if (order == 0)
            {
                return !_isOver;
            }
        }

        _isOver = _isOver || !_row(key, value);
        return !_isOver;
    }

    private void GivePending()
    {
        var (key, value) = _pending.Current;
        _isOver = value != null && !_row(key, value);
        _hasPending = _pending.MoveNext();
    }
}
