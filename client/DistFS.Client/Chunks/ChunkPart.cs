namespace DistFS.Client.Chunks;

/// <summary>Bytes of a chunk that are written.</summary>
/// <param name="Offset">Where in the chunk, in bytes.</param>
/// <param name="Content">The bytes; with the offset at most 64 MiB.</param>
public readonly record struct ChunkPart(uint Offset, ReadOnlyMemory<byte> Content)
{
    internal ulong End => Offset + (ulong)Content.Length;
}
