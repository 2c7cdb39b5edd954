using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Immutable;
using DistFS.Primitives;

namespace DistFS.Metadata.Acls;

/// <summary>
/// A list as Linux gives it in system.posix_acl_access and system.posix_acl_default (uapi/linux/posix_acl_xattr.h,
/// version 2): {version 4}, then for each entry {tag 2, access 2, id 4}, little-endian, in the order of the tags.
/// </summary>
public static class AclXattr
{
    private const uint Version = 2;
    private const int HeaderBytes = 4;
    private const int EntryBytes = 8;

    /// <summary>The id of an entry that has none (ACL_UNDEFINED_ID).</summary>
    private const uint NoId = uint.MaxValue;

    private enum Tag : ushort
    {
        Owner = 0x01,
        User = 0x02,
        Group = 0x04,
        NamedGroup = 0x08,
        Mask = 0x10,
        Other = 0x20,
    }

    /// <summary>
    /// Reads a list. <see cref="FsStatus.NotSupported"/>: of another version; <see cref="FsStatus.Invalid"/>: none that
    /// acl_valid(3) would take. <paramref name="list"/> is null after success if it has no entries, which is to say
    /// that the inode is to have none.
    /// </summary>
    public static FsStatus TryRead(ReadOnlySpan<byte> value, out AccessControlList? list)
    {
        list = null;
        if (value.Length < HeaderBytes || (value.Length - HeaderBytes) % EntryBytes != 0)
        {
            return FsStatus.Invalid;
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(value) != Version)
        {
            return FsStatus.NotSupported;
        }

        var reader = new Reader();
        for (var rest = value[HeaderBytes..]; !rest.IsEmpty; rest = rest[EntryBytes..])
        {
            var access = BinaryPrimitives.ReadUInt16LittleEndian(rest[2..]);
            if (access > 7 || !reader.Take(
                (Tag)BinaryPrimitives.ReadUInt16LittleEndian(rest),
                (Access)access,
                BinaryPrimitives.ReadUInt32LittleEndian(rest[4..])))
            {
                return FsStatus.Invalid;
            }
        }

        return value.Length == HeaderBytes || reader.TryFinish(out list) ? FsStatus.Ok : FsStatus.Invalid;
    }

    /// <summary>Appends a list.</summary>
    public static void Write(AccessControlList list, IBufferWriter<byte> value)
    {
        ArgumentNullException.ThrowIfNull(list);
        ArgumentNullException.ThrowIfNull(value);
        BinaryPrimitives.WriteUInt32LittleEndian(value.GetSpan(HeaderBytes), Version);
        value.Advance(HeaderBytes);
        Write(value, Tag.Owner, list.Owner, NoId);
        foreach (var user in list.Users)
        {
            Write(value, Tag.User, user.Access, user.Id);
        }

        Write(value, Tag.Group, list.Group, NoId);
        foreach (var group in list.Groups)
        {
            Write(value, Tag.NamedGroup, group.Access, group.Id);
        }

        if (list.Mask is { } mask)
        {
            Write(value, Tag.Mask, mask, NoId);
        }

        Write(value, Tag.Other, list.Other, NoId);
    }

    private static void Write(IBufferWriter<byte> value, Tag tag, Access access, uint id)
    {
        var bytes = value.GetSpan(EntryBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)tag);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[2..], (ushort)access);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[4..], id);
        value.Advance(EntryBytes);
    }

    /// <summary>Entries in the order of their tags, each of the single ones once, no id twice (acl_valid(3)).</summary>
    private sealed class Reader
    {
        private readonly ImmutableArray<AclEntry>.Builder _users = ImmutableArray.CreateBuilder<AclEntry>();
        private readonly ImmutableArray<AclEntry>.Builder _groups = ImmutableArray.CreateBuilder<AclEntry>();
        private readonly HashSet<(Tag Tag, uint Id)> _known = [];
        private Tag _last;
        private Access? _owner;
        private Access? _group;
        private Access? _mask;
        private Access? _other;

        public bool Take(Tag tag, Access access, uint id)
        {
            var isNamed = tag is Tag.User or Tag.NamedGroup;
            if (tag < _last || (isNamed && id == NoId) || !_known.Add((tag, isNamed ? id : NoId)))
            {
                return false;
            }

            _last = tag;
            switch (tag)
            {
                case Tag.Owner:
                    _owner = access;
                    return true;
                case Tag.User:
                    _users.Add(new AclEntry(id, access));
                    return true;
                case Tag.Group:
                    _group = access;
                    return true;
                case Tag.NamedGroup:
                    _groups.Add(new AclEntry(id, access));
                    return true;
                case Tag.Mask:
                    _mask = access;
                    return true;
                case Tag.Other:
                    _other = access;
                    return true;
                default:
                    return false;
            }
        }

        public bool TryFinish(out AccessControlList? list)
        {
            list = null;
            if (_owner is not { } owner || _group is not { } group || _other is not { } other
                || (_mask == null && _users.Count + _groups.Count > 0))
            {
                return false;
            }

            list = new AccessControlList
            {
                Owner = owner,
                Group = group,
                Mask = _mask,
                Other = other,
                Users = _users.ToImmutable(),
                Groups = _groups.ToImmutable(),
            };
            return true;
        }
    }
}
