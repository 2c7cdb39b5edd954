using System.Buffers;
using System.Runtime.InteropServices;
using DistFS.Metadata.Acls;
using DistFS.Metadata.Opens;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;
using DistFS.Primitives;

namespace DistFS.Metadata.Fsck;

/// <content>What an inode says that it has in other tables: opens, extended attributes, access control lists.</content>
public sealed partial class TreeCheck
{
    private readonly Dictionary<InodeId, uint> _opens = [];
    private readonly Dictionary<InodeId, uint> _xattrBytes = [];
    private readonly Dictionary<InodeId, InodeFlags> _acls = [];

    private void TakeAttributes(IOrderedStore store)
    {
        Scan(store, RowTable.Open, (key, value) => TakeOpen(store, key, value));
        Scan(store, RowTable.SessionOpen, (key, _) => TakeSessionOpen(store, key));
        Scan(store, RowTable.Xattr, (key, value) =>
        {
            Add(_xattrBytes, RowKey.InodeOf(key), (uint)RowKey.XattrNameOf(key).Length + 1);
            return true;
        });
        Scan(store, RowTable.Acl, (key, value) =>
        {
            AclRow.Read(value);
            ref var flags = ref CollectionsMarshal.GetValueRefOrAddDefault(_acls, RowKey.InodeOf(key), out _);
            flags |= key[^1] == (byte)AclKind.Access ? InodeFlags.AccessAcl : InodeFlags.DefaultAcl;
            return true;
        });
        foreach (var id in _opens.Keys.Concat(_xattrBytes.Keys).Concat(_acls.Keys).Distinct()
            .Where(id => !_inodes.ContainsKey(id)))
        {
            Find($"opens, attributes or lists are there of {id}, which is not");
        }
    }

    private bool TakeOpen(IOrderedStore store, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var (id, client, handle) = (RowKey.InodeOf(key), RowKey.CookieOf(key), RowKey.HandleOf(key));
        OpenRow.Read(value);
        Add(_opens, id, 1);
        _openBy.Add((id, new ClientId(client)));
        Span<byte> buffer = stackalloc byte[RowKey.BytesMax];
        if (!Has(store, RowKey.OfOpen(buffer, RowTable.SessionOpen, client, id.Value, handle)))
        {
            Find($"{id} is open by {new ClientId(client)}, which does not know of it");
        }

        if (!Has(store, RowKey.Of(buffer, RowTable.Session, new InodeId(client)))
            && !Has(store, RowKey.Of(buffer, RowTable.EndedSession, new InodeId(client))))
        {
            Find($"{id} is open by {new ClientId(client)}, which is no session");
        }

        return true;
    }

    private bool TakeSessionOpen(IOrderedStore store, ReadOnlySpan<byte> key)
    {
        var (client, id, handle) = (RowKey.InodeOf(key).Value, RowKey.CookieOf(key), RowKey.HandleOf(key));
        if (!Has(store, RowKey.OfOpen(stackalloc byte[RowKey.BytesMax], RowTable.Open, id, client, handle)))
        {
            Find($"{new ClientId(client)} has {new InodeId(id)} open, which does not know of it");
        }

        return true;
    }

    private void CompareAttributes(InodeId id, in InodeRow inode)
    {
        if (inode.Opens != _opens.GetValueOrDefault(id))
        {
            Find($"{id} says that it is open {inode.Opens} times, and is {_opens.GetValueOrDefault(id)} times");
        }

        if (inode.XattrNamesBytes != _xattrBytes.GetValueOrDefault(id))
        {
            Find($"{id} says that the names of its attributes have {inode.XattrNamesBytes} bytes, and they have "
                + $"{_xattrBytes.GetValueOrDefault(id)}");
        }

        if ((inode.Flags & (InodeFlags.AccessAcl | InodeFlags.DefaultAcl)) != _acls.GetValueOrDefault(id))
        {
            Find($"{id} says that it has {inode.Flags}, and of lists it has {_acls.GetValueOrDefault(id)}");
        }
    }

    private static bool Has(IOrderedStore store, ReadOnlySpan<byte> key) =>
        store.TryRead(key, new ArrayBufferWriter<byte>());

    private static void Add(Dictionary<InodeId, uint> counts, InodeId id, uint count)
    {
        ref var known = ref CollectionsMarshal.GetValueRefOrAddDefault(counts, id, out _);
        known += count;
    }
}
