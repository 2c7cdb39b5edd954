using System.Collections.Immutable;
using DistFS.Primitives;

namespace DistFS.Chunks;

/// <summary>A chunk of <see cref="MemoryChunkStore"/>, which never changes: a change makes another one.</summary>
/// <param name="Info">What it is.</param>
/// <param name="Blocks">The pieces of each block that has any.</param>
/// <param name="IsUnsynced">Whether bytes were replied to that are not durable.</param>
internal sealed record MemoryChunk(
    ChunkInfo Info, ImmutableSortedDictionary<uint, ImmutableArray<byte[]>> Blocks, bool IsUnsynced = false)
{
    public static readonly ImmutableSortedDictionary<uint, ImmutableArray<byte[]>> NoBlocks =
        ImmutableSortedDictionary<uint, ImmutableArray<byte[]>>.Empty;

    public MemoryChunk(ChunkInfo info)
        : this(info, NoBlocks)
    {
    }

    /// <summary>With some pieces on top.</summary>
    public MemoryChunk With(ReadOnlySpan<byte> pieces)
    {
        var blocks = Blocks.ToBuilder();
        var length = Info.Length;
        var reader = new PieceReader(pieces);
        while (reader.Next(out var header, out var piece))
        {
            var below = blocks.GetValueOrDefault(header.Block.Value, []);
            blocks[header.Block.Value] = Fold(header, Over(below, header, piece.ToArray()));
            if (header.Kind != PieceKind.Zeros)
            {
                length = Math.Max(length, header.End);
            }

            if (blocks[header.Block.Value].IsEmpty)
            {
                blocks.Remove(header.Block.Value);
            }
        }

        return this with { Info = Info with { Length = length }, Blocks = blocks.ToImmutable() };
    }

    /// <summary>With zeros in place of some bytes; its length stays.</summary>
    public MemoryChunk WithZeros(ulong start, ulong end)
    {
        var chunk = this;
        var piece = new byte[PieceHeader.Bytes];
        foreach (var block in Blocks.Keys)
        {
            var first = (ulong)block * ChunkLayout.BlockBytes;
            var from = Math.Max(start, first);
            var to = Math.Min(end, first + ChunkLayout.BlockBytes);
            if (from < to)
            {
                _ = BlockCodec.EncodeZeros(new BlockIndex(block), (int)(from - first), (int)(to - from), piece);
                chunk = chunk.With(piece);
            }
        }

        return chunk;
    }

    /// <summary>With another length: nothing beyond it, zeros up to it.</summary>
    public MemoryChunk WithLength(uint length)
    {
        var cut = length < Info.Length ? WithZeros(length, ChunkLayout.ChunkBytes) : this;
        return cut with { Info = Info with { Length = length } };
    }

    /// <summary>The pieces of a block as a store reads them.</summary>
    public StoredPiece[] PiecesOf(uint block) =>
        [.. Blocks.GetValueOrDefault(block, []).Select(piece => new StoredPiece(HeaderOf(piece), piece))];

    private static ImmutableArray<byte[]> Over(ImmutableArray<byte[]> below, in PieceHeader header, byte[] piece) =>
        (header.CoversBlock, header.Kind) switch
        {
            (true, PieceKind.Zeros) => [],
            (true, _) => [piece],
            (false, PieceKind.Zeros) when below.IsEmpty => below,
            _ => below.Add(piece),
        };

    private static ImmutableArray<byte[]> Fold(in PieceHeader header, ImmutableArray<byte[]> pieces)
    {
        var patches = pieces.Where(piece => HeaderOf(piece).Kind != PieceKind.Block).ToArray();
        if (patches.Length <= StoreLimits.PatchesMax
            && patches.Sum(piece => piece.Length) <= StoreLimits.PatchBytesMax)
        {
            return pieces;
        }

        var folded = new byte[BlockCodec.PieceBytesMax];
        var all = pieces.Select(piece => new StoredPiece(HeaderOf(piece), piece)).ToArray();
        return BlockFolder.Fold(header.Block, all, folded, out var written) != PieceFault.None
            ? pieces
            : written == 0 ? [] : [folded[..written]];
    }

    private static PieceHeader HeaderOf(byte[] piece)
    {
        Check.That(PieceHeader.Read(piece, out var header) == PieceFault.None);
        return header;
    }
}
