using System.Buffers.Binary;
using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata.Quotas;

/// <summary>Where a quota is in its life.</summary>
public enum QuotaState : byte
{
    /// <summary>What was there when it was set is being counted; the limits do not hold yet.</summary>
    Counting = 1,

    /// <summary>The limits hold.</summary>
    Active = 2,

    /// <summary>It was cleared, and what belongs to it is being given to the quota above; no limits hold.</summary>
    Leaving = 3,

    /// <summary>Nothing that has a name belongs to it; it goes with the last open file that does.</summary>
    Ended = 4,
}

/// <summary>
/// The quota of a directory: 48 bytes, {format 1, state 1, 0 6}, then the numbers in the order of the fields here, 8
/// bytes each, little-endian.
/// </summary>
public readonly record struct QuotaRow
{
    /// <summary>Bytes of a row.</summary>
    public const int SizeBytes = 48;

    private const byte Format = 1;

    /// <summary>Where it is in its life.</summary>
    public required QuotaState State { get; init; }

    /// <summary>Most inodes; 0 is no limit.</summary>
    public required ulong InodesMax { get; init; }

    /// <summary>Most bytes stored, as <see cref="InodeRow.Allocated"/> counts; 0 is no limit.</summary>
    public required ulong BytesMax { get; init; }

    /// <summary>Inodes that belong to it or to a quota below it, the directory and orphans included.</summary>
    public ulong Inodes { get; init; }

    /// <summary>Bytes that are stored for them.</summary>
    public ulong Bytes { get; init; }

    /// <summary>The quota above it; zero for none.</summary>
    public InodeId Above { get; init; }

    /// <summary>Its bytes.</summary>
    public void Write(Span<byte> row)
    {
        row[..8].Clear();
        row[0] = Format;
        row[1] = (byte)State;
        BinaryPrimitives.WriteUInt64LittleEndian(row[8..], InodesMax);
        BinaryPrimitives.WriteUInt64LittleEndian(row[16..], BytesMax);
        BinaryPrimitives.WriteUInt64LittleEndian(row[24..], Inodes);
        BinaryPrimitives.WriteUInt64LittleEndian(row[32..], Bytes);
        BinaryPrimitives.WriteUInt64LittleEndian(row[40..], Above.Value);
    }

    /// <summary>Reads a row.</summary>
    /// <exception cref="RowFormatException">It is none, or of a newer version.</exception>
    public static QuotaRow Read(ReadOnlySpan<byte> row)
    {
        RowFormatException.ThrowIf(
            row.Length != SizeBytes || row[0] != Format || row[1] is 0 or > (byte)QuotaState.Ended,
            RowTable.Quota, row);
        return new QuotaRow
        {
            State = (QuotaState)row[1],
            InodesMax = BinaryPrimitives.ReadUInt64LittleEndian(row[8..]),
            BytesMax = BinaryPrimitives.ReadUInt64LittleEndian(row[16..]),
            Inodes = BinaryPrimitives.ReadUInt64LittleEndian(row[24..]),
            Bytes = BinaryPrimitives.ReadUInt64LittleEndian(row[32..]),
            Above = new InodeId(BinaryPrimitives.ReadUInt64LittleEndian(row[40..])),
        };
    }
}
