using DistFS.Client;
using DistFS.Client.Names;
using DistFS.Primitives;

namespace DistFS.Vfs;

/// <content>Names of a directory, as they were learned.</content>
internal sealed partial class VfsNode
{
    private static readonly InodeId ToBeAsked = new(ulong.MaxValue);

    private Dictionary<byte[], (InodeId Inode, FileKind Kind)>? _names;

    // All names as they are told, made when they were asked for last; null: something has changed since.
    private VfsRow[]? _listing;

    // What is no directory in it, as names were learned; of how many names; and how far it was used.
    private ulong[] _row = [];
    private int _rowOf;
    private int _rowAt;

    /// <summary>What a name stands for, as far as that is known; 0: nothing.</summary>
    public bool TryFind(ReadOnlySpan<byte> name, out InodeId found)
    {
        if (_names != null && _names.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(name, out var known))
        {
            found = known.Inode;
            return found != ToBeAsked;
        }

        found = default;
        return IsComplete;
    }

    /// <summary>Learns what a name stands for; 0: nothing.</summary>
    public void Learn(ReadOnlySpan<byte> name, InodeId found, FileKind kind)
    {
        _names ??= new(NameComparer.Instance);
        _listing = null;
        _names.GetAlternateLookup<ReadOnlySpan<byte>>()[name] = (found, kind);
    }

    /// <summary>
    /// A name went, here: the kernel knows that itself. Where all names are known nothing need be remembered of it.
    /// </summary>
    public void Lose(ReadOnlySpan<byte> name)
    {
        if (IsComplete)
        {
            _listing = null;
            _names?.GetAlternateLookup<ReadOnlySpan<byte>>().Remove(name);
        }
        else
        {
            Learn(name, default, default);
        }
    }

    /// <summary>Learns it, unless the name was learned, or changed here, since it was asked for.</summary>
    public void LearnOnce(ReadOnlySpan<byte> name, InodeId found, FileKind kind)
    {
        if (_names == null || !_names.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(name, out var known)
            || known.Inode == ToBeAsked)
        {
            Learn(name, found, kind);
        }
    }

    /// <summary>All names, with itself and its parent, if each is known. Never changed, but replaced.</summary>
    public VfsRow[]? Listing()
    {
        if (_listing is { } made || !IsComplete || Parent.Value == 0)
        {
            return IsComplete ? _listing : null;
        }

        List<VfsRow> all = new((_names?.Count ?? 0) + 2)
        {
            new VfsRow(1, VfsRow.Self, Inode, FileKind.Directory),
            new VfsRow(2, VfsRow.Above, Parent, FileKind.Directory),
        };
        foreach (var (name, (inode, kind)) in _names ?? [])
        {
            if (inode == ToBeAsked)
            {
                return null;
            }

            if (inode.Value != 0)
            {
                all.Add(new VfsRow((ulong)all.Count + 1, name, inode, kind));
            }
        }

        return _listing = [.. all];
    }

    /// <summary>Some of what is in it that is no directory.</summary>
    public List<InodeId> FilesIn(int most, Func<InodeId, bool> isWanted)
    {
        List<InodeId> found = [];
        foreach (var (inode, kind) in _names?.Values ?? Enumerable.Empty<(InodeId Inode, FileKind Kind)>())
        {
            if (found.Count == most)
            {
                break;
            }

            if (kind != FileKind.Directory && inode.Value != 0 && inode != ToBeAsked && isWanted(inode))
            {
                found.Add(inode);
            }
        }

        return found;
    }

    /// <summary>
    /// Some of what comes behind a file of the directory and is no directory, in the order in which names were learned:
    /// of the next 256.
    /// </summary>
    public List<InodeId> FilesBehind(InodeId file, int most, Func<InodeId, bool> isWanted)
    {
        const int LookedAtMax = 256;
        var ahead = _row.AsSpan(_rowAt, Math.Min(LookedAtMax, _row.Length - _rowAt)).IndexOf(file.Value);
        var at = ahead >= 0 ? _rowAt + ahead : Array.IndexOf(_row, file.Value);
        if (at < 0 && _rowOf != (_names?.Count ?? 0))
        {
            (_row, _rowOf, _rowAt) = ([.. _names!.Values
                .Where(static one => one.Kind != FileKind.Directory)
                .Select(static one => one.Inode.Value)], _names.Count, 0);
            at = Array.IndexOf(_row, file.Value);
        }

        List<InodeId> found = [];
        if (at < 0)
        {
            return found;
        }

        _rowAt = at + 1;
        foreach (var next in _row.AsSpan(_rowAt, Math.Min(LookedAtMax, _row.Length - _rowAt)))
        {
            if (found.Count == most)
            {
                break;
            }

            if (next != 0 && next != ToBeAsked.Value && isWanted(new InodeId(next)))
            {
                found.Add(new InodeId(next));
            }
        }

        return found;
    }

    /// <summary>Whether there are no names; null: that is not known.</summary>
    public bool? IsEmpty()
    {
        if (!IsComplete)
        {
            return null;
        }

        var isEmpty = true;
        foreach (var (_, (inode, _)) in _names ?? [])
        {
            if (inode == ToBeAsked)
            {
                return null;
            }

            isEmpty &= inode.Value == 0;
        }

        return isEmpty;
    }

    /// <summary>
    /// What a name stands for is to be asked again: it goes, or stands for something else. It stays among those that
    /// the kernel has to forget, which may have it, and keeps it in a rename.
    /// </summary>
    public void Unlearn(ReadOnlySpan<byte> name) => Learn(name, ToBeAsked, default);

    /// <summary>All names were told: what was to be asked for and is not among them is not there.</summary>
    public void Complete()
    {
        (IsComplete, _listing) = (true, null);
        foreach (var name in _names?.Where(static one => one.Value.Inode == ToBeAsked).ToList() ?? [])
        {
            _names![name.Key] = default;
        }
    }
}
