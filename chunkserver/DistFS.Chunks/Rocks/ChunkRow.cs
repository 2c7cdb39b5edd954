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
/// status (4), copy (8), number of ranges (4), and of each part (8), first (4), count (4).
/// </summary>
/// <param name="Info">The chunk; its length is that of what is durable with the row.</param>
/// <param name="Parts">By first block; they do not overlap.</param>
internal readonly record struct ChunkRow(ChunkInfo Info, ImmutableArray<PartRange> Parts)
{
    private const byte Format = 1;
    private const byte SealedFlag = 1;
    private const int FixedBytes = 28;
    private const int RangeBytes = 16;

    public byte[] Encode()
    {
        var row = new byte[FixedBytes + (Parts.Length * RangeBytes)];
        row[0] = Format;
        row[1] = (byte)Info.State;
        row[2] = Info.IsSealed ? SealedFlag : (byte)0;
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

        return row;
    }

    /// <summary>Reads a row; false when it is none.</summary>
    public static bool TryDecode(ChunkId chunk, ReadOnlySpan<byte> row, out ChunkRow result)
    {
        result = default;
        if (row.Length < FixedBytes || row[0] != Format || row[1] > (byte)ChunkState.Lost || row[2] > SealedFlag)
        {
            return false;
        }

        var count = BinaryPrimitives.ReadInt32LittleEndian(row[24..]);
        if (count is < 0 or > ChunkLayout.BlocksMax || row.Length != FixedBytes + (count * RangeBytes))
        {
            return false;
        }

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
            row[2] == SealedFlag);
        result = new ChunkRow(info, parts.MoveToImmutable());
        return true;
    }
}
