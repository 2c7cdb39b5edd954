using System.Buffers.Binary;
using System.Collections.Immutable;
using DistFS.Primitives;

namespace DistFS.Chunks;

/// <summary>Blocks that lie in one ingested file.</summary>
/// <param name="Part">The number of the file; several ranges may lie in one.</param>
/// <param name="First">The first block.</param>
/// <param name="Count">How many follow each other, over 0.</param>
internal readonly record struct PartRange(ulong Part, uint First, uint Count)
{
    public uint End => First + Count;

    public bool Has(uint block) => block >= First && block < First + Count;
}

/// <summary>
/// A row of the family "chunks", little-endian: format (1), state (1), flags (1), 0 (1), version (4), length (4),
/// status (4), copy (8), number of ranges (4), and of each part (8), first (4), count (4). With the flag 2 at its end:
/// the run (8) that wrote to the chunk without a sync.
/// </summary>
/// <param name="Info">The chunk; its length is that of what is durable with the row.</param>
/// <param name="Parts">By first block; they do not overlap.</param>
/// <param name="UnsyncedIn">
/// The run of the store in which bytes were replied to that no sync has made durable since; 0 for none.
/// </param>
internal readonly record struct ChunkRow(ChunkInfo Info, ImmutableArray<PartRange> Parts, ulong UnsyncedIn)
{
    private const byte Format = 1;
    private const byte SealedFlag = 1;
    private const byte UnsyncedFlag = 2;
    private const int FixedBytes = 28;
    private const int RangeBytes = 16;

    public byte[] Encode()
    {
        var end = FixedBytes + (Parts.Length * RangeBytes);
        var row = new byte[end + (UnsyncedIn != 0 ? sizeof(ulong) : 0)];
        row[0] = Format;
        row[1] = (byte)Info.State;
        row[2] = (byte)((Info.IsSealed ? SealedFlag : 0) | (UnsyncedIn != 0 ? UnsyncedFlag : 0));
        BinaryPrimitives.WriteUInt32LittleEndian(row.AsSpan(4), Info.Version.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(row.AsSpan(8), Info.Length);
        BinaryPrimitives.WriteInt32LittleEndian(row.AsSpan(12), (int)Info.LostStatus);
        BinaryPrimitives.WriteUInt64LittleEndian(row.AsSpan(16), Info.Copy.Value);
        BinaryPrimitives.WriteInt32LittleEndian(row.AsSpan(24), Parts.Length);
        for (var i = 0; i < Parts.Length; i++)
        {
            var range = row.AsSpan(FixedBytes + (i * RangeBytes));
            BinaryPrimitives.WriteUInt64LittleEndian(range, Parts[i].Part);
            BinaryPrimitives.WriteUInt32LittleEndian(range[8..], Parts[i].First);
            BinaryPrimitives.WriteUInt32LittleEndian(range[12..], Parts[i].Count);
        }

        if (UnsyncedIn != 0)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(row.AsSpan(end), UnsyncedIn);
        }

        return row;
    }

    /// <summary>Reads a row; false when it is none.</summary>
    /// <param name="chunk">Whose.</param>
    /// <param name="row">The row.</param>
    /// <param name="run">The run of now: what an earlier one wrote without a sync is unclean.</param>
    /// <param name="result">The chunk.</param>
    public static bool TryDecode(ChunkId chunk, ReadOnlySpan<byte> row, ulong run, out ChunkRow result)
    {
        result = default;
        if (row.Length < FixedBytes || row[0] != Format || row[1] > (byte)ChunkState.Lost
            || row[2] > (SealedFlag | UnsyncedFlag))
        {
            return false;
        }

        var count = BinaryPrimitives.ReadInt32LittleEndian(row[24..]);
        var unsyncedBytes = (row[2] & UnsyncedFlag) != 0 ? sizeof(ulong) : 0;
        if (count is < 0 or > ChunkLayout.BlocksMax
            || row.Length != FixedBytes + (count * RangeBytes) + unsyncedBytes)
        {
            return false;
        }

        var unsyncedIn = unsyncedBytes > 0 ? BinaryPrimitives.ReadUInt64LittleEndian(row[^unsyncedBytes..]) : 0;

        var parts = ImmutableArray.CreateBuilder<PartRange>(count);
        for (var i = 0; i < count; i++)
        {
            var range = row[(FixedBytes + (i * RangeBytes))..];
            parts.Add(new PartRange(
                BinaryPrimitives.ReadUInt64LittleEndian(range),
                BinaryPrimitives.ReadUInt32LittleEndian(range[8..]),
                BinaryPrimitives.ReadUInt32LittleEndian(range[12..])));
        }

        var info = new ChunkInfo(
            chunk,
            new ChunkVersion(BinaryPrimitives.ReadUInt32LittleEndian(row[4..])),
            BinaryPrimitives.ReadUInt32LittleEndian(row[8..]),
            new CopyId(BinaryPrimitives.ReadUInt64LittleEndian(row[16..])),
            (ChunkState)row[1],
            (FsStatus)BinaryPrimitives.ReadInt32LittleEndian(row[12..]),
            (row[2] & SealedFlag) != 0,
            unsyncedIn != 0 && unsyncedIn != run);
        result = new ChunkRow(info, parts.MoveToImmutable(), unsyncedIn);
        return true;
    }
}
