using DistFS.Metadata.Rows;

namespace DistFS.Metadata.Tests;

/// <summary>
/// A namespace as objects that point to each other, written from the text of POSIX and not from the product: what each
/// operation must answer, and what the tree is then.
/// </summary>
internal sealed class ModelTree
{
    public Node Root { get; } = new(InodeKind.Directory, null);

    public static FsStatus Make(Node parent, string name, InodeKind kind, Action<Node> made)
    {
        if (parent.Kind != InodeKind.Directory)
        {
            return FsStatus.NotADirectory;
        }

        if (parent.Children.ContainsKey(name))
        {
            return FsStatus.AlreadyExists;
        }

        if (parent.IsGone)
        {
            return FsStatus.NotFound;
        }

        var node = new Node(kind, parent);
        parent.Children[name] = node;
        made(node);
        return FsStatus.Ok;
    }

    public static FsStatus Link(Node node, Node parent, string name)
    {
        if (parent.Kind != InodeKind.Directory)
        {
            return FsStatus.NotADirectory;
        }

        if (parent.Children.ContainsKey(name))
        {
            return FsStatus.AlreadyExists;
        }

        if (node.IsGone || parent.IsGone)
        {
            return FsStatus.NotFound;
        }

        if (node.Kind == InodeKind.Directory)
        {
            return FsStatus.NotPermitted;
        }

        parent.Children[name] = node;
        node.Names++;
        return FsStatus.Ok;
    }

    public static FsStatus Remove(Node parent, string name, bool isDirectory, long now)
    {
        if (parent.Kind != InodeKind.Directory)
        {
            return FsStatus.NotADirectory;
        }

        if (!parent.Children.TryGetValue(name, out var node))
        {
            return FsStatus.NotFound;
        }

        if (isDirectory != (node.Kind == InodeKind.Directory))
        {
            return isDirectory ? FsStatus.NotADirectory : FsStatus.IsADirectory;
        }

        if (node.Children.Count > 0)
        {
            return FsStatus.NotEmpty;
        }

        parent.Children.Remove(name);
        Lose(node, parent, name, now);
        return FsStatus.Ok;
    }

    public static FsStatus SetRetention(Node node, long? seconds)
    {
        if (node.IsGone)
        {
            return FsStatus.NotFound;
        }

        if (node.Kind != InodeKind.Directory)
        {
            return FsStatus.NotADirectory;
        }

        if (seconds == null && node.Retention == null)
        {
            return FsStatus.NoData;
        }

        node.Retention = seconds;
        return FsStatus.Ok;
    }

    /// <summary>Null: where it was, and as it was called.</summary>
    public static FsStatus Restore(Node node, Node? parent, string? name)
    {
        if (node.Trash is not { } trash)
        {
            return FsStatus.NotFound;
        }

        parent ??= trash.Parent;
        name ??= trash.Name;
        if (parent.IsCollected)
        {
            return FsStatus.NotFound;
        }

        if (parent.Kind != InodeKind.Directory)
        {
            return FsStatus.NotADirectory;
        }

        if (parent.Children.ContainsKey(name))
        {
            return FsStatus.AlreadyExists;
        }

        if (parent.IsGone)
        {
            return FsStatus.NotFound;
        }

        (node.Trash, node.Names, node.Parent) = (null, 1, parent);
        parent.Children[name] = node;
        return FsStatus.Ok;
    }

    public static FsStatus Purge(Node node)
    {
        var status = node.Trash == null ? FsStatus.NotFound : FsStatus.Ok;
        node.Trash = null;
        node.Leave();
        return status;
    }

    private static void Lose(Node node, Node parent, string name, long now)
    {
        node.Names--;
        if (node.IsGone && node.RetentionFrom(parent) is > 0 and var seconds)
        {
            node.Trash = (parent, name, now + seconds);
        }

        node.Leave();
    }

    public static FsStatus Rename(
        Node fromParent, string from, Node toParent, string to, bool noReplace, bool exchange, long now)
    {
        if (noReplace && exchange)
        {
            return FsStatus.Invalid;
        }

        if (fromParent.Kind != InodeKind.Directory)
        {
            return FsStatus.NotADirectory;
        }

        if (!fromParent.Children.TryGetValue(from, out var moved))
        {
            return FsStatus.NotFound;
        }

        if (toParent.Kind != InodeKind.Directory)
        {
            return FsStatus.NotADirectory;
        }

        var target = toParent.Children.GetValueOrDefault(to);
        if (toParent.IsGone || (target == null && exchange))
        {
            return FsStatus.NotFound;
        }

        if (target != null && noReplace)
        {
            return FsStatus.AlreadyExists;
        }

        if (target == moved)
        {
            return FsStatus.Ok;
        }

        if (fromParent != toParent
            && (toParent.IsBelow(moved) || (exchange && target != null && fromParent.IsBelow(target))))
        {
            return FsStatus.Invalid;
        }

        if (exchange)
        {
            (fromParent.Children[from], toParent.Children[to]) = (target!, moved);
            (moved.Parent, target!.Parent) = (toParent, fromParent);
            return FsStatus.Ok;
        }

        if (target != null)
        {
            if ((target.Kind == InodeKind.Directory) != (moved.Kind == InodeKind.Directory))
            {
                return target.Kind == InodeKind.Directory ? FsStatus.IsADirectory : FsStatus.NotADirectory;
            }

            if (target.Children.Count > 0)
            {
                return FsStatus.NotEmpty;
            }

            Lose(target, toParent, to, now);
        }

        fromParent.Children.Remove(from);
        toParent.Children[to] = moved;
        moved.Parent = toParent;
        return FsStatus.Ok;
    }

    /// <summary>An inode.</summary>
    internal sealed class Node(InodeKind kind, Node? parent)
    {
        public InodeKind Kind => kind;

        public Node? Parent { get; set; } = parent;

        public SortedDictionary<string, Node> Children { get; } = new(StringComparer.Ordinal);

        public int Names { get; set; } = 1;

        public InodeId Id { get; set; } = InodeId.Root;

        public bool IsGone => Names == 0;

        /// <summary>Who has it open, under which handle.</summary>
        public HashSet<(ClientId Client, ulong Handle)> Opens { get; } = [];

        public SortedDictionary<string, byte[]> Xattrs { get; } = new(StringComparer.Ordinal);

        /// <summary>Of a directory: how many seconds what is removed in it is kept; null: as above.</summary>
        public long? Retention { get; set; }

        /// <summary>Where it was, and after which second it goes for good, if it is in the trash.</summary>
        public (Node Parent, string Name, long Until)? Trash { get; set; }

        /// <summary>Nobody can name it any more.</summary>
        public bool IsOrphan => IsGone && Opens.Count == 0 && Trash == null;

        /// <summary>How long it is kept when it is removed from a directory.</summary>
        public long RetentionFrom(Node parent)
        {
            for (var at = kind == InodeKind.Directory ? this : parent; at != null; at = at.Parent)
            {
                if (at.Retention is { } seconds)
                {
                    return seconds;
                }
            }

            return 0;
        }

        /// <summary>It was an orphan when orphans were collected, or when it had next to nothing.</summary>
        public bool IsCollected { get; set; }

        /// <summary>It has lost a name, an open or its place in the trash.</summary>
        public void Leave() => IsCollected |= IsOrphan && kind != InodeKind.Directory && Xattrs.Count == 0;

        public bool IsBelow(Node other)
        {
            for (var at = this; at != null; at = at.Parent)
            {
                if (at == other)
                {
                    return other.Kind == InodeKind.Directory;
                }
            }

            return false;
        }
    }
}
