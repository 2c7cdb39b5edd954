using System.Buffers;
using DistFS.Metadata.Acls;
using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata;

/// <content>Access control lists as rows.</content>
public sealed partial class Tree
{
    /// <summary>The access ACL of an inode; null if its permission bits say all.</summary>
    public AccessControlList? AccessAcl(InodeId id, in InodeRow inode) =>
        (inode.Flags & InodeFlags.AccessAcl) == 0 ? null : ReadAcl(id, AclKind.Access).WithMode(inode.Mode);

    /// <summary>The default ACL of a directory; null if it has none.</summary>
    public AccessControlList? DefaultAcl(InodeId id, in InodeRow inode) =>
        (inode.Flags & InodeFlags.DefaultAcl) == 0 ? null : ReadAcl(id, AclKind.Default);

    /// <summary>
    /// Sets the access ACL of an inode, or takes it away. Returns the inode as the caller is to write it; its
    /// permission bits are the caller's matter.
    /// </summary>
    internal InodeRow PutAccessAcl(InodeId id, in InodeRow inode, AccessControlList? list) =>
        PutAcl(
            id, inode, AclKind.Access, InodeFlags.AccessAcl, list is { IsMinimal: false } ? list.WithMode(0) : null);

    /// <summary>
    /// Sets the default ACL of a directory, or takes it away. Returns the inode as the caller is to write it.
    /// </summary>
    internal InodeRow PutDefaultAcl(InodeId id, in InodeRow inode, AccessControlList? list) =>
        PutAcl(id, inode, AclKind.Default, InodeFlags.DefaultAcl, list);

    /// <summary>Takes both lists away from an inode that goes too.</summary>
    internal void RemoveAcls(InodeId id, in InodeRow inode)
    {
        if (inode.Flags != InodeFlags.None)
        {
            PutAccessAcl(id, inode, null);
            PutDefaultAcl(id, inode, null);
        }
    }

    private InodeRow PutAcl(
        InodeId id, in InodeRow inode, AclKind kind, InodeFlags flag, AccessControlList? list)
    {
        var key = RowKey.OfAcl(stackalloc byte[RowKey.BytesMax], id, kind);
        if (list == null)
        {
            changes.Delete(key);
            return inode with { Flags = inode.Flags & ~flag };
        }

        var row = new ArrayBufferWriter<byte>();
        AclRow.Write(list, row);
        changes.Put(key, row.WrittenSpan);
        return inode with { Flags = inode.Flags | flag };
    }

    private AccessControlList ReadAcl(InodeId id, AclKind kind)
    {
        // The flag says that it is there: without it nobody could say who may.
        Check.That(TryRead(RowKey.OfAcl(stackalloc byte[RowKey.BytesMax], id, kind)));
        return AclRow.Read(_value.WrittenSpan);
    }
}
