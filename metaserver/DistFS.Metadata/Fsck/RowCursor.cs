using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;
using DistFS.Primitives;

namespace DistFS.Metadata.Fsck;

/// <summary>
/// The rows of a table one by one, in order, so that several tables can be walked side by side: all that begin with an
/// inode are in the order of inodes. Reads pages of bounded size.
/// </summary>
internal sealed class RowCursor
{
    private const int PageRows = 512;
    private const int PageBytes = 256 << 10;

    private readonly IOrderedStore _store;
    private readonly RowTable _table;
    private readonly Action _onRow;
    private readonly RowVisitor _take;
    private readonly List<(int Start, int KeyBytes, int ValueBytes)> _rows = [];
    private byte[] _page = new byte[4 << 10];
    private int _pageBytes;
    private int _at;
    private bool _isLastPage;

    /// <summary>Stands before the first row.</summary>
    /// <param name="store">Does not change meanwhile.</param>
    /// <param name="table">Whose rows.</param>
    /// <param name="onRow">Called for each row that was looked at.</param>
    public RowCursor(IOrderedStore store, RowTable table, Action onRow)
    {
        (_store, _table, _onRow, _take) = (store, table, onRow, Take);
        Load([(byte)table]);
    }

    /// <summary>There is no row any more.</summary>
    public bool IsEnd => _at == _rows.Count;

    /// <summary>The key of the row.</summary>
    public ReadOnlySpan<byte> Key => _page.AsSpan(_rows[_at].Start, _rows[_at].KeyBytes);

    /// <summary>The value of the row.</summary>
    public ReadOnlySpan<byte> Value =>
        _page.AsSpan(_rows[_at].Start + _rows[_at].KeyBytes, _rows[_at].ValueBytes);

    /// <summary>The first number of the key: an inode, in most tables.</summary>
    public InodeId Inode => RowKey.InodeOf(Key);

    /// <summary>Whether the row is of that inode.</summary>
    public bool IsAt(InodeId inode) => !IsEnd && Inode == inode;

    /// <summary>Goes on to the next row.</summary>
    public void Next()
    {
        _onRow();
        if (++_at == _rows.Count && !_isLastPage)
        {
            var (start, keyBytes, _) = _rows[^1];

            // The first key that comes after it.
            Load([.. _page.AsSpan(start, keyBytes), 0]);
        }
    }

    private void Load(ReadOnlySpan<byte> from)
    {
        _rows.Clear();
        (_pageBytes, _at, _isLastPage) = (0, 0, true);
        _store.Scan(from, [(byte)(_table + 1)], _take);
    }

    private bool Take(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (_rows.Count == PageRows || _pageBytes >= PageBytes)
        {
            return _isLastPage = false;
        }

        var bytes = key.Length + value.Length;
        if (_page.Length - _pageBytes < bytes)
        {
            Array.Resize(ref _page, Math.Max(2 * _page.Length, _pageBytes + bytes));
        }

        key.CopyTo(_page.AsSpan(_pageBytes));
        value.CopyTo(_page.AsSpan(_pageBytes + key.Length));
        _rows.Add((_pageBytes, key.Length, value.Length));
        _pageBytes += bytes;
        return true;
    }
}
