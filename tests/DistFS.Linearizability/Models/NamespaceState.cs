namespace DistFS.Linearizability;

/// <summary>The names of a namespace and the files they stand for. Immutable.</summary>
public sealed class NamespaceState : IEquatable<NamespaceState>
{
    /// <summary>Ordered by path, so equal namespaces have equal arrays.</summary>
    private readonly Entry[] _entries;

    private NamespaceState(Entry[] entries) => _entries = entries;

    /// <summary>No names.</summary>
    public static NamespaceState Empty { get; } = new([]);

    /// <summary>Whether the number stands for an inode that nobody was told: such numbers are negative.</summary>
    public static bool IsUnknown(long inode) => inode < 0;

    /// <summary>Whether the path names a file.</summary>
    public bool Contains(string path) => Find(path) >= 0;

    /// <summary>The file that the path names.</summary>
    public bool TryGet(string path, out long inode)
    {
        var place = Find(path);
        inode = place >= 0 ? _entries[place].Inode : 0;
        return place >= 0;
    }

    /// <summary>Whether any name stands for this file.</summary>
    public bool HasInode(long inode) => LinksOf(inode) > 0;

    /// <summary>How many names stand for this file.</summary>
    public int LinksOf(long inode)
    {
        var links = 0;
        foreach (var entry in _entries)
        {
            links += entry.Inode == inode ? 1 : 0;
        }

        return links;
    }

    /// <summary>A number for a file whose inode nobody was told.</summary>
    public long NewUnknown()
    {
        // The nearest to zero that is free: states reached on different ways are then equal more often.
        var inode = -1L;
        while (HasInode(inode))
        {
            inode--;
        }

        return inode;
    }

    /// <summary>With this path naming this file, whatever it named before.</summary>
    public NamespaceState With(string path, long inode)
    {
        var place = Find(path);
        var after = place >= 0 ? place + 1 : ~place;
        return new NamespaceState(
            [.. _entries.AsSpan(0, place >= 0 ? place : ~place), new Entry(path, inode), .. _entries.AsSpan(after)]);
    }

    /// <summary>Without this path; itself if it has none.</summary>
    public NamespaceState Without(string path)
    {
        var place = Find(path);
        return place < 0
            ? this
            : new NamespaceState([.. _entries.AsSpan(0, place), .. _entries.AsSpan(place + 1)]);
    }

    /// <summary>With all names of one file standing for another.</summary>
    public NamespaceState Replace(long inode, long by) =>
        new([.. _entries.Select(entry => entry.Inode == inode ? entry with { Inode = by } : entry)]);

    /// <summary>Whether a directory has these names, each once, in any order.</summary>
    public bool HasExactly(string directory, IReadOnlyList<string> names)
    {
        var count = 0;
        foreach (var entry in _entries)
        {
            var slash = entry.Path.LastIndexOf('/');
            if (!entry.Path.AsSpan(0, Math.Max(slash, 0)).SequenceEqual(directory.AsSpan().TrimEnd('/')))
            {
                continue;
            }

            count++;
            if (names.Count(name => entry.Path.AsSpan(slash + 1).SequenceEqual(name)) != 1)
            {
                return false;
            }
        }

        return count == names.Count;
    }

    /// <inheritdoc/>
    public bool Equals(NamespaceState? other) => other is not null && _entries.AsSpan().SequenceEqual(other._entries);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as NamespaceState);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach (var entry in _entries)
        {
            hash.Add(entry);
        }

        return hash.ToHashCode();
    }

    /// <inheritdoc/>
    public override string ToString() => $"{{{string.Join(", ", _entries)}}}";

    private int Find(string path)
    {
        int low = 0, high = _entries.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) >> 1;
            var order = string.CompareOrdinal(_entries[middle].Path, path);
            if (order == 0)
            {
                return middle;
            }

            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }

        return ~low;
    }

    private readonly record struct Entry(string Path, long Inode)
    {
        public override string ToString() =>
            IsUnknown(Inode) ? $"{Path}=?{-Inode}" : FormattableString.Invariant($"{Path}={Inode}");
    }
}
