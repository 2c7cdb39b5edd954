using System.Buffers.Binary;
using DistFS.Primitives;

namespace DistFS.Chunks;

/// <summary>
/// A <see cref="ScrubMark"/> on disk, little-endian: next chunk (8), next block (4), start of the pass (8), passes (8).
/// </summary>
internal static class ScrubMarkCodec
{
    private const int Bytes = 28;

    public static byte[] Encode(ScrubMark mark)
    {
        var bytes = new byte[Bytes];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, mark.Next.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), mark.NextBlock.Value);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(12), mark.PassStartedMs);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(20), mark.Passes);
        return bytes;
    }

    /// <summary>One that cannot be read is the beginning: the pass starts again.</summary>
    public static ScrubMark Decode(byte[]? bytes) => bytes is not { Length: Bytes } ? default : new ScrubMark(
        new ChunkId(BinaryPrimitives.ReadUInt64LittleEndian(bytes)),
        new BlockIndex(BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(8))),
        BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(12)),
        BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(20)));
}
