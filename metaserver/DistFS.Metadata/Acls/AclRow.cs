using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Immutable;
using DistFS.Metadata.Rows;

namespace DistFS.Metadata.Acls;

/// <summary>
/// A list as a row: {format 1, owner 1, group 1, mask 1 (255: none), other 1, 0 1, users 2}, then for each named user
/// and then for each named group {id 4, access 1}.
/// </summary>
/// <remarks>
/// Of an access ACL the permission bits of the inode say what owner, mask and others may; the row has zeros there, so
/// that chmod need not touch it.
/// </remarks>
internal static class AclRow
{
    private const byte Format = 1;
    private const byte NoMask = 0xFF;
    private const int HeaderBytes = 8;
    private const int EntryBytes = 5;

    public static void Write(AccessControlList list, IBufferWriter<byte> row)
    {
        var bytes = row.GetSpan(HeaderBytes);
        bytes[..HeaderBytes].Clear();
        bytes[0] = Format;
        bytes[1] = (byte)list.Owner;
        bytes[2] = (byte)list.Group;
        bytes[3] = list.Mask is { } mask ? (byte)mask : NoMask;
        bytes[4] = (byte)list.Other;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[6..], (ushort)list.Users.Length);
        row.Advance(HeaderBytes);
        foreach (var entry in list.Users.Concat(list.Groups))
        {
            bytes = row.GetSpan(EntryBytes);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes, entry.Id);
            bytes[sizeof(uint)] = (byte)entry.Access;
            row.Advance(EntryBytes);
        }
    }

    /// <exception cref="RowFormatException">It is none, or of a newer version.</exception>
    public static AccessControlList Read(ReadOnlySpan<byte> row)
    {
        RowFormatException.ThrowIf(
            row.Length < HeaderBytes || row[0] != Format || (row.Length - HeaderBytes) % EntryBytes != 0
                || row[1] > 7 || row[2] > 7 || (row[3] > 7 && row[3] != NoMask) || row[4] > 7 || row[5] != 0,
            RowTable.Acl, row);
        var entries = (row.Length - HeaderBytes) / EntryBytes;
        var users = BinaryPrimitives.ReadUInt16LittleEndian(row[6..]);
        RowFormatException.ThrowIf(users > entries || (entries > 0 && row[3] == NoMask), RowTable.Acl, row);
        var end = HeaderBytes + (users * EntryBytes);
        return new AccessControlList
        {
            Owner = (Access)row[1],
            Group = (Access)row[2],
            Mask = row[3] == NoMask ? null : (Access)row[3],
            Other = (Access)row[4],
            Users = ReadEntries(row, HeaderBytes, end),
            Groups = ReadEntries(row, end, row.Length),
        };
    }

    private static ImmutableArray<AclEntry> ReadEntries(ReadOnlySpan<byte> row, int from, int to)
    {
        var entries = ImmutableArray.CreateBuilder<AclEntry>((to - from) / EntryBytes);
        for (var at = from; at < to; at += EntryBytes)
        {
            var access = row[at + sizeof(uint)];
            RowFormatException.ThrowIf(access > 7, RowTable.Acl, row);
            entries.Add(new AclEntry(BinaryPrimitives.ReadUInt32LittleEndian(row[at..]), (Access)access));
        }

        return entries.MoveToImmutable();
    }
}
