using System.Buffers.Binary;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Storage;

/// <summary>The head of a record of the log, as read.</summary>
internal readonly record struct LogRecordHeader(
    int Length, uint Crc, uint PreviousCrc, EntryKind Kind, EntryId Id, EntryId Synced)
{
    public int SizeBytes => LogRecordCodec.SizeBytes(Length);
}

/// <summary>
/// A record of the log is {length u32, CRC u32, previous CRC u32, kind u8, 0 u8, 0 u16, index u64, term u64, synced
/// index u64, synced term u64} and the data, padded with zeros to 8 bytes. The CRC is CRC-32C, started from
/// <see cref="Salt"/>, of the length and of all behind the CRC but the padding.
/// </summary>
/// <remarks>
/// "Synced" is the last entry that was known to be synced when the record was made. It is how a later record testifies
/// that an earlier one had been on disk, so that its loss is no torn write.
/// </remarks>
internal static class LogRecordCodec
{
    public const int HeaderBytes = 48;

    /// <summary>Longest data that a record can have, whatever the options say: they may change, and a record that was
    /// good stays good.</summary>
    public const int DataBytesMax = 1 << 29;

    /// <summary>A record's size is a multiple of it.</summary>
    public const int Alignment = 8;
    private const int CrcEnd = 8;

    /// <summary>
    /// Where the CRC of every record starts: bytes of another store, or of a log that was dropped, or that a user wrote
    /// into an entry, are not records.
    /// </summary>
    public static uint Salt(StoreId store, ulong epoch)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, store.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[8..], epoch);
        return Crc32C.Compute(bytes);
    }

    public static int SizeBytes(int dataBytes) => (HeaderBytes + dataBytes + Alignment - 1) & -Alignment;

    /// <summary>Writes the head; returns the CRC.</summary>
    public static uint WriteHeader(Span<byte> bytes, RaftEntry entry, uint previousCrc, EntryId synced, uint salt)
    {
        BinaryPrimitives.WriteInt32LittleEndian(bytes, entry.Data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], previousCrc);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[12..], (byte)entry.Kind);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[16..], entry.Index.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[24..], entry.Term.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[32..], synced.Index.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[40..], synced.Term.Value);
        var crc = Crc32C.Append(salt, bytes[..4]);
        crc = Crc32C.Append(crc, bytes[CrcEnd..HeaderBytes]);
        crc = Crc32C.Append(crc, entry.Data.Span);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[4..], crc);
        return crc;
    }

    /// <summary>Reads a head if its fields can be true at all; its CRC is not checked.</summary>
    public static bool TryReadHeader(ReadOnlySpan<byte> bytes, out LogRecordHeader header)
    {
        header = default;
        if (bytes.Length < HeaderBytes)
        {
            return false;
        }

        var length = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        var kind = BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]);
        var id = Id(bytes[16..]);
        var synced = Id(bytes[32..]);
        if (length > DataBytesMax || kind > (uint)EntryKind.Configuration || id.Index.Value == 0
            || synced.Index >= id.Index || synced.Term > id.Term)
        {
            return false;
        }

        header = new LogRecordHeader(
            (int)length,
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]),
            (EntryKind)kind,
            id,
            synced);
        return true;
    }

    /// <summary>Whether head and data match the CRC.</summary>
    public static bool IsIntact(ReadOnlySpan<byte> record, in LogRecordHeader header, uint salt)
    {
        var crc = Crc32C.Append(salt, record[..4]);
        return Crc32C.Append(crc, record[CrcEnd..(HeaderBytes + header.Length)]) == header.Crc;
    }

    private static EntryId Id(ReadOnlySpan<byte> bytes) => new(
        new Term(BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..])),
        new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(bytes)));
}
