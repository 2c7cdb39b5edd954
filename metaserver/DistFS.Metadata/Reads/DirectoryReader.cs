using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;
using DistFS.Primitives;

namespace DistFS.Metadata.Reads;

/// <summary>
/// readdir (POSIX) in pages, with attributes if wanted: '.' and '..' first, then names in the order of their cookies.
/// A name that is there from the first page to the last is given once, whatever comes and goes meanwhile.
/// </summary>
/// <remarks>
/// One is used again for many pages, by one thread at a time: it keeps its buffers, and a line allocates nothing.
/// </remarks>
public sealed class DirectoryReader
{
    private readonly RowVisitor _take;
    private Line[] _lines = new Line[64];
    private byte[] _names = new byte[1024];
    private InodeRow _none;
    private InodeRow[] _rows = [];
    private ulong[] _inodes = [];
    private int[] _order = [];
    private int _count;
    private int _namesBytes;
    private PageLimits _limits;
    private bool _isFull;

    /// <summary>Empty.</summary>
    public DirectoryReader() => _take = Take;

    /// <summary>
    /// Gives the page after a cookie. The right to read is asked for at each page, as NFS does.
    /// <see cref="FsStatus.NotFound"/>: there is no such inode, or it is a directory that was removed;
    /// <see cref="FsStatus.NotADirectory"/>; <see cref="FsStatus.AccessDenied"/>; <see cref="FsStatus.Invalid"/>: the
    /// page has not even room for the first line (POSIX, posix_getdents).
    /// </summary>
    /// <param name="context">The state, and who asks.</param>
    /// <param name="directory">What is listed.</param>
    /// <param name="after">0 for the first page, then the cookie of the last line that was taken.</param>
    /// <param name="limits">How much fits the page.</param>
    /// <param name="withAttributes">Whether the attributes of each inode are given too.</param>
    /// <param name="visitor">Takes the lines.</param>
    /// <param name="isEnd">Nothing comes after this page.</param>
    public FsStatus Read<TVisitor>(
        in ReadContext context,
        InodeId directory,
        ulong after,
        PageLimits limits,
        bool withAttributes,
        ref TVisitor visitor,
        out bool isEnd)
        where TVisitor : IDirectoryVisitor, allows ref struct
    {
        isEnd = false;
        if (!context.Tree.TryGet(directory, out var row))
        {
            return FsStatus.NotFound;
        }

        if (!row.IsDirectory)
        {
            return FsStatus.NotADirectory;
        }

        if (!context.Caller.May(context.Tree, Access.Read, directory, row))
        {
            return FsStatus.AccessDenied;
        }

        if (row.Links == 0)
        {
            return FsStatus.NotFound;
        }

        Collect(context.Tree, directory, row.Parent, after, limits);
        if (_isFull && _count == 0)
        {
            return FsStatus.Invalid;
        }

        isEnd = !_isFull;
        withAttributes = withAttributes && context.Caller.May(context.Tree, Access.Execute, directory, row);
        Give(context.Tree, withAttributes, ref visitor);
        return FsStatus.Ok;
    }

    private void Collect(Tree tree, InodeId directory, InodeId parent, ulong after, PageLimits limits)
    {
        (_count, _namesBytes, _limits, _isFull) = (0, 0, limits, false);
        if (after < Cookies.Self)
        {
            Add(Cookies.Self, "."u8, directory, InodeKind.Directory);
        }

        if (after < Cookies.Parent && !_isFull)
        {
            Add(Cookies.Parent, ".."u8, parent, InodeKind.Directory);
        }

        if (!_isFull && after < Cookies.Last)
        {
            tree.ScanNames(directory, Math.Max(after + 1, Cookies.First), _take);
        }
    }

    private bool Take(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var dentry = DentryRow.Read(value);
        return Add(RowKey.CookieOf(key), RowKey.NameOf(key), dentry.Inode, dentry.Kind);
    }

    private bool Add(ulong cookie, ReadOnlySpan<byte> name, InodeId inode, InodeKind kind)
    {
        var bytes = ((long)(_count + 1) * _limits.EntryBytes) + _namesBytes + name.Length;
        if (_count >= _limits.EntriesMax || bytes > _limits.BytesMax)
        {
            _isFull = true;
            while (_count > 0 && _lines[_count - 1].Cookie == cookie)
            {
                // The page after this one starts behind this cookie, and would miss the ones that are not here.
                _count--;
            }

            return false;
        }

        if (_count == _lines.Length)
        {
            Array.Resize(ref _lines, 2 * _lines.Length);
        }

        if (_names.Length - _namesBytes < name.Length)
        {
            Array.Resize(ref _names, 2 * _names.Length);
        }

        name.CopyTo(_names.AsSpan(_namesBytes));
        _lines[_count++] = new Line(cookie, inode, kind, _namesBytes, name.Length);
        _namesBytes += name.Length;
        return true;
    }

    private void Give<TVisitor>(Tree tree, bool withAttributes, ref TVisitor visitor)
        where TVisitor : IDirectoryVisitor, allows ref struct
    {
        if (withAttributes)
        {
            FindAttributes(tree);
        }

        for (var i = 0; i < _count; i++)
        {
            ref readonly var line = ref _lines[i];
            var entry = new DirectoryEntry
            {
                Cookie = line.Cookie,
                Name = _names.AsSpan(line.NameStart, line.NameLength),
                Inode = line.Inode,
                Kind = line.Kind,
                HasAttributes = withAttributes,
            };
            visitor.Take(entry, in withAttributes ? ref _rows[i] : ref _none);
        }
    }

    /// <summary>
    /// In the order of the inodes, not of the hashes of their names: what was searched for right before is on the way,
    /// and in the processor's cache.
    /// </summary>
    private void FindAttributes(Tree tree)
    {
        if (_rows.Length < _count)
        {
            (_rows, _inodes, _order) = (new InodeRow[_lines.Length], new ulong[_lines.Length], new int[_lines.Length]);
        }

        for (var i = 0; i < _count; i++)
        {
            (_inodes[i], _order[i]) = (_lines[i].Inode.Value, i);
        }

        _inodes.AsSpan(0, _count).Sort(_order.AsSpan(0, _count));
        foreach (var at in _order.AsSpan(0, _count))
        {
            // A name without its inode: the tree is broken.
            Check.That(tree.TryGet(_lines[at].Inode, out _rows[at]));
        }
    }

    private readonly record struct Line(ulong Cookie, InodeId Inode, InodeKind Kind, int NameStart, int NameLength);
}
