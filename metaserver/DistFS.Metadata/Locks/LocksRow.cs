using System.Buffers.Binary;
using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata.Locks;

/// <summary>
/// The locks of an inode: {format 1, 0 3, held 4}, then 48 bytes for each that is held and then for each that is waited
/// for, in order: {kind 1, exclusive 1, 0 2, process 4, client 8, owner 8, first 8, last 8, number 8}.
/// </summary>
internal static class LocksRow
{
    private const byte Format = 1;
    private const int HeaderBytes = 8;
    private const int LockBytes = 48;

    public static byte[] Write(List<FileLock> held, List<FileLock> waiting)
    {
        var row = new byte[HeaderBytes + ((held.Count + waiting.Count) * LockBytes)];
        row[0] = Format;
        BinaryPrimitives.WriteUInt32LittleEndian(row.AsSpan(4), (uint)held.Count);
        var rest = row.AsSpan(HeaderBytes);
        foreach (var one in held.Concat(waiting))
        {
            rest[0] = (byte)one.Kind;
            rest[1] = one.IsExclusive ? (byte)1 : (byte)0;
            BinaryPrimitives.WriteUInt32LittleEndian(rest[4..], one.Process);
            BinaryPrimitives.WriteUInt64LittleEndian(rest[8..], one.Owner.Client.Value);
            BinaryPrimitives.WriteUInt64LittleEndian(rest[16..], one.Owner.Id);
            BinaryPrimitives.WriteUInt64LittleEndian(rest[24..], one.First);
            BinaryPrimitives.WriteUInt64LittleEndian(rest[32..], one.Last);
            BinaryPrimitives.WriteUInt64LittleEndian(rest[40..], one.Number);
            rest = rest[LockBytes..];
        }

        return row;
    }

    /// <exception cref="RowFormatException">It is none, or of a newer version.</exception>
    public static void Read(ReadOnlySpan<byte> row, List<FileLock> held, List<FileLock> waiting)
    {
        RowFormatException.ThrowIf(
            row.Length < HeaderBytes || row[0] != Format || (row.Length - HeaderBytes) % LockBytes != 0,
            RowTable.Locks, row);
        var heldCount = BinaryPrimitives.ReadUInt32LittleEndian(row[4..]);
        RowFormatException.ThrowIf(heldCount > (row.Length - HeaderBytes) / LockBytes, RowTable.Locks, row);
        for (var rest = row[HeaderBytes..]; !rest.IsEmpty; rest = rest[LockBytes..])
        {
            RowFormatException.ThrowIf(rest[0] is not (1 or 2) || rest[1] > 1, RowTable.Locks, row);
            (held.Count < heldCount ? held : waiting).Add(new FileLock(
                (LockKind)rest[0],
                new LockOwner(
                    new ClientId(BinaryPrimitives.ReadUInt64LittleEndian(rest[8..])),
                    BinaryPrimitives.ReadUInt64LittleEndian(rest[16..])),
                rest[1] == 1,
                BinaryPrimitives.ReadUInt64LittleEndian(rest[24..]),
                BinaryPrimitives.ReadUInt64LittleEndian(rest[32..]),
                BinaryPrimitives.ReadUInt64LittleEndian(rest[40..]),
                BinaryPrimitives.ReadUInt32LittleEndian(rest[4..])));
        }
    }
}
