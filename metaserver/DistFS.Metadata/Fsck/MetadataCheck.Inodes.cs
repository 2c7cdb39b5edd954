using System.Text;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Trash;
using DistFS.Primitives;

namespace DistFS.Metadata.Fsck;

/// <content>Inodes, side by side with what other tables have of them.</content>
public sealed partial class MetadataCheck
{
    private RowCursor _names = null!;
    private RowCursor _orphans = null!;
    private RowCursor _opens = null!;
    private RowCursor _xattrs = null!;
    private RowCursor _acls = null!;
    private RowCursor _locks = null!;
    private RowCursor _retentions = null!;
    private long _trashed;
    private long _retentionsFound;

    private IEnumerable<int> TakeInodes()
    {
        _names = Open(RowTable.Dentry);
        _orphans = Open(RowTable.Orphan);
        _opens = Open(RowTable.Open);
        _xattrs = Open(RowTable.Xattr);
        _acls = Open(RowTable.Acl);
        _locks = Open(RowTable.Locks);
        _retentions = Open(RowTable.Retention);
        for (var rows = Open(RowTable.Inode); !rows.IsEnd; rows.Next())
        {
            var (id, inode) = (rows.Inode, InodeRow.Read(rows.Value));
            SkipTo(id.Value);
            var (entries, subdirectories) = (0UL, 0u);
            for (; _names.IsAt(id); _names.Next())
            {
                entries++;
                subdirectories += DentryRow.Read(_names.Value).Kind == InodeKind.Directory ? 1u : 0;
                yield return 0;
            }

            CompareEntries(id, inode, entries, subdirectories);
            CompareAttributes(id, inode);
            CompareOpens(id, inode);
            CompareTrash(id, inode);
            CompareRange(id);
            AddUse(inode.Domain.Value, 1, inode.Allocated);
            if (inode.Domain == id)
            {
                _ownDomains.Add(id.Value);
            }

            for (_content.Begin(id, inode); _content.TakePlace();)
            {
                yield return 0;
            }

            _content.End();
            _nodes.Add(new Node
            {
                Number = id.Value,
                Parent = inode.IsDirectory ? inode.Parent.Value : 0,
                Domain = inode.Domain.Value,
                Links = inode.Links,
                Kind = inode.Kind,
            });
            yield return 0;
        }

        SkipTo(null);
        _content.SkipTo(null);
    }

    /// <summary>What is of no inode: all that comes before the next one, or all that is left.</summary>
    private void SkipTo(ulong? next)
    {
        Skip(_names, FindingKind.Tree, "names are in", next);
        Skip(_orphans, FindingKind.Orphan, "the orphan", next);
        Skip(_opens, FindingKind.Open, "opens are there of", next);
        Skip(_xattrs, FindingKind.Attribute, "attributes are there of", next);
        Skip(_acls, FindingKind.Attribute, "lists are there of", next);
        Skip(_locks, FindingKind.Lock, "locks are there of", next);
        Skip(_retentions, FindingKind.Trash, "a time to keep things is there of", next);
    }

    private void Skip(RowCursor rows, FindingKind kind, string what, ulong? next)
    {
        for (; !rows.IsEnd && (next == null || rows.Inode.Value < next); rows.Next())
        {
            _findings.Expect(false, kind, rows.Inode, $"{what} {rows.Inode}, which is not there");
        }
    }

    private void CompareEntries(InodeId id, in InodeRow inode, ulong entries, uint subdirectories)
    {
        var links = inode.IsDirectory && inode.Links > 0 ? 2 + subdirectories : inode.Links;
        _findings.Expect(
            inode.Entries == entries && inode.Links == links
                && (entries == 0 || inode is { IsDirectory: true, Links: > 0 }),
            FindingKind.Tree,
            id,
            $"{id} says that it has {inode.Entries} names in it and {inode.Links} links, and has {entries} "
                + $"names and {subdirectories} subdirectories");
    }

    private void CompareAttributes(InodeId id, in InodeRow inode)
    {
        var bytes = 0u;
        for (; _xattrs.IsAt(id); _xattrs.Next())
        {
            bytes += (uint)RowKey.XattrNameOf(_xattrs.Key).Length + 1;
        }

        _findings.Expect(inode.XattrNamesBytes == bytes, FindingKind.Attribute, id,
            $"{id} says that the names of its attributes have {inode.XattrNamesBytes} bytes, and they have {bytes}");
        var lists = InodeFlags.None;
        for (; _acls.IsAt(id); _acls.Next())
        {
            Acls.AclRow.Read(_acls.Value);
            lists |= _acls.Key[^1] == (byte)AclKind.Access ? InodeFlags.AccessAcl : InodeFlags.DefaultAcl;
        }

        _findings.Expect(
            (inode.Flags & (InodeFlags.AccessAcl | InodeFlags.DefaultAcl)) == lists, FindingKind.Attribute, id,
            $"{id} says that it has {inode.Flags}, and of lists it has {lists}");
    }

    private void CompareTrash(InodeId id, in InodeRow inode)
    {
        var isTrashed = (inode.Flags & InodeFlags.Trashed) != 0;
        var isOrphan = inode is { Links: 0, Opens: 0 } && !isTrashed;
        var isNoted = _orphans.IsAt(id);
        _findings.Expect(isNoted == isOrphan, FindingKind.Orphan, id,
            $"{id} has {inode.Links} links, {inode.Opens} opens, and is {(isNoted ? "an" : "no")} orphan");
        if (isNoted)
        {
            _orphans.Next();
        }

        if (isTrashed)
        {
            _trashed++;
            var row = default(TrashRow);
            Span<byte> key = stackalloc byte[RowKey.BytesMax];
            var isThere = TryRead(RowKey.Of(key, RowTable.TrashEntry, inode.Parent.Value, id.Value));
            row = isThere ? TrashRow.Read(_value.WrittenSpan) : row;
            _findings.Expect(
                inode.Links == 0 && isThere && TryRead(RowKey.Of(key, RowTable.Trash, row.Purge, id.Value)),
                FindingKind.Trash, id, $"{id} has {inode.Links} links and says that it is in the trash, and is not");
        }

        var hasRetention = _retentions.IsAt(id);
        _findings.Expect(
            hasRetention == ((inode.Flags & InodeFlags.Retention) != 0), FindingKind.Trash, id,
            $"{id} says that it has {inode.Flags}, and how long things are kept is {(hasRetention ? "" : "not ")}said");
        if (hasRetention)
        {
            RetentionRow.Read(_retentions.Value);
            _retentionsFound++;
            _retentions.Next();
        }
    }

    /// <summary>What is in the trash is there by both of its orders.</summary>
    private void CompareTrash()
    {
        var (byTime, byPlace) = (CountRows(RowTable.Trash), CountRows(RowTable.TrashEntry));
        _findings.Expect(byTime == _trashed && byPlace == _trashed, FindingKind.Trash, default,
            $"the trash has {byTime} rows by time and {byPlace} by place, and {_trashed} inodes are in it");
        var count = TryRead(RowKey.OfMeta(stackalloc byte[RowKey.BytesMax], "retentions"u8))
            ? BitConverter.ToInt64(_value.WrittenSpan) : 0;
        _findings.Expect(count == _retentionsFound, FindingKind.Trash, default,
            $"{count} directories are to say how long things are kept, and {_retentionsFound} do");
    }

    private IEnumerable<int> TakeNames()
    {
        for (var rows = Open(RowTable.Dentry); !rows.IsEnd; rows.Next())
        {
            TakeName(rows);
            yield return 0;
        }
    }

    private void TakeName(RowCursor rows)
    {
        var (directory, dentry) = (rows.Inode, DentryRow.Read(rows.Value));
        var name = RowKey.NameOf(rows.Key);
        var isPlaced = RowKey.CookieOf(rows.Key) == Cookies.Of(_nameKey, name);
        var text = isPlaced ? "" : Encoding.Latin1.GetString(name);
        _findings.Expect(isPlaced, FindingKind.Tree, directory,
            $"{directory}: '{text}' stands at a place that is not its hash's");
        var at = _nodes.Find(dentry.Inode.Value);
        if (at < 0 || _nodes[at].Kind != dentry.Kind)
        {
            text = Encoding.Latin1.GetString(name);
            var what = at < 0 ? "not there" : $"a {_nodes[at].Kind}";
            _findings.Expect(false, FindingKind.Tree, dentry.Inode,
                $"{directory}: '{text}' names {dentry.Inode}, a {dentry.Kind}, which is {what}");
        }

        if (at >= 0)
        {
            ref var node = ref _nodes[at];
            node.Names++;
            _findings.Expect(
                node.Kind != InodeKind.Directory || node.Parent == directory.Value, FindingKind.Tree, dentry.Inode,
                $"the directory {dentry.Inode} says that it is in {new InodeId(node.Parent)}, and is in {directory}");
        }
    }

    private IEnumerable<int> CompareNodes()
    {
        for (var i = 0; i < _nodes.Count; i++)
        {
            CompareNode(i);
            yield return 0;
        }
    }

    private void CompareNode(int at)
    {
        ref var node = ref _nodes[at];
        var id = new InodeId(node.Number);
        if (node.Kind != InodeKind.Directory)
        {
            _findings.Expect(node.Links == node.Names, FindingKind.Tree, id,
                $"{id} says that it has {node.Links} names, and has {node.Names}");
            return;
        }

        var isNameless = id == InodeId.Root || node.Links == 0;
        _findings.Expect(node.Names == (isNameless ? 0u : 1u), FindingKind.Tree, id,
            $"the directory {id} has {node.Names} names");
        if (node.Links == 0)
        {
            return;
        }

        _findings.Expect(id != InodeId.Root || node.Parent == node.Number, FindingKind.Tree, id,
            $"the root says that it is in {new InodeId(node.Parent)}");
        _findings.Expect(ReachesRoot(at), FindingKind.Tree, id, $"the directory {id} is not below the root");
        CompareDomain(id, node);
    }

    /// <summary>Goes up as far as nobody was before, so that all directories together are gone through twice.</summary>
    private bool ReachesRoot(int at)
    {
        var (start, reach) = (at, Reach.Nowhere);
        for (; at >= 0 && _nodes[at].Reach == Reach.Unknown; at = _nodes.Find(_nodes[at].Parent))
        {
            _nodes[at].Reach = Reach.OnTheWay;
            reach = _nodes[at].Number == InodeId.Root.Value ? Reach.Root : Reach.Nowhere;
            if (reach == Reach.Root)
            {
                break;
            }
        }

        // Who comes to a way that he is on himself goes round.
        reach = at >= 0 && _nodes[at].Reach is Reach.Root ? Reach.Root : reach;
        for (at = start; at >= 0 && _nodes[at].Reach == Reach.OnTheWay; at = _nodes.Find(_nodes[at].Parent))
        {
            _nodes[at].Reach = reach;
        }

        return _nodes[start].Reach == Reach.Root;
    }
}
