using System.Buffers;
using System.Collections.Immutable;
using DistFS.Primitives;

namespace DistFS.Chunks;

/// <content>Small writes.</content>
internal sealed partial class ChunkEditor
{
    /// <summary>Puts the pieces of blocks together that have too many, as far as they can be read now.</summary>
    /// <exception cref="DistFsException">One is damaged: the chunk is lost now.</exception>
    public void Fold(LaneGroup group, ChunkEntry entry, uint block)
    {
        var content = entry.Next!;
        using var blocks = new StoredBlocks(content.Info.Length);
        var outcome = BlockReader.Read(group.Engine, content, block, blocks, out _, group);
        if (outcome == ReadOutcome.Open)
        {
            return; // The block lies in a file that is being written; the next write tries again.
        }

        var folded = ArrayPool<byte>.Shared.Rent(BlockCodec.PieceBytesMax);
        try
        {
            var written = 0;
            var fault = outcome == ReadOutcome.Done
                ? BlockFolder.Fold(new BlockIndex(block), blocks.Pieces, folded, out written)
                : PieceFault.Content;
            if (fault != PieceFault.None)
            {
                Lose(group, entry, FsStatus.Corrupt);
                throw ChunkErrors.Lost(entry.Next!.Info);
            }

            metrics.Count("fold");
            if (written == 0)
            {
                RemoveBlocks(group, entry, block, block + 1);
                return;
            }

            // A copy, since the batch may be asked for it before it is committed.
            byte[] piece = [.. folded.AsSpan(0, written)];
            Check.That(PieceHeader.Read(piece, out var header) == PieceFault.None);
            Replace(group, entry, header, piece);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(folded);
        }
    }

    /// <summary>
    /// Puts pieces in the place of all that there is of some blocks: in this group, so all of them or none. The length
    /// stays. Nothing of them is folded, so nothing is read.
    /// </summary>
    public void ReplaceBlocks(
        LaneGroup group, ChunkEntry entry, IReadOnlyList<BlockIndex> blocks, ReadOnlyMemory<byte> pieces)
    {
        group.Touch(entry);
        var (length, durable) = (entry.Next!.Info.Length, entry.Next.DurableLength);
        foreach (var block in blocks)
        {
            RemoveBlocks(group, entry, block.Value, block.Value + 1);
        }

        var at = 0;
        var reader = new PieceReader(pieces.Span);
        while (reader.Next(out var header, out var piece))
        {
            PutOverlay(group, entry, header, pieces.Slice(at, piece.Length));
            at += piece.Length;
        }

        // What a version has cut off a block lies in its first piece still, under zeros.
        var end = Math.Min(Math.Max(durable, entry.Next!.DurableLength), length);
        entry.Next = entry.Next with { Info = entry.Next.Info with { Length = length }, DurableLength = end };
        entry.IsRowDirty = true;
        group.NeedsSync = true;
    }

    private static long DeletePieces(
        LaneGroup group, ChunkId chunk, uint block, ImmutableArray<OverlayPiece> pieces)
    {
        var bytes = 0L;
        foreach (var piece in pieces)
        {
            group.Delete(chunk, block, piece.Ordinal);
            bytes += piece.Header.TotalBytes;
        }

        return bytes;
    }

    private void PutOverlay(
        LaneGroup group, ChunkEntry entry, in PieceHeader header, ReadOnlyMemory<byte> piece)
    {
        var block = header.Block.Value;
        if (header.Kind == PieceKind.Zeros && (header.CoversBlock || !entry.Next!.Has(block)))
        {
            // The last block of a tail would be cut off it: RemoveBlocks ends the tail before.
            RemoveBlocks(group, entry, block, entry.Next!.Has(block) ? block + 1 : block);
            return;
        }

        if (header.CoversBlock)
        {
            Replace(group, entry, header, piece);
            return;
        }

        var pieces = entry.Next!.OverlayOf(block);
        var (count, bytes) = (1, piece.Length);
        foreach (var below in pieces)
        {
            if (!below.Header.CoversBlock)
            {
                (count, bytes) = (count + 1, bytes + below.Header.TotalBytes);
            }
        }

        if (count > StoreLimits.PatchesMax || bytes > StoreLimits.PatchBytesMax)
        {
            Fold(group, entry, block);
        }

        Add(group, entry, header, piece);
    }

    /// <summary>Puts a piece over all others of its block.</summary>
    private void Add(LaneGroup group, ChunkEntry entry, in PieceHeader header, ReadOnlyMemory<byte> piece)
    {
        var content = entry.Next!;
        var ordinal = content.LastOrdinal + 1;
        group.Put(entry.Chunk, ordinal, header, piece);
        var pieces = content.Overlay.GetValueOrDefault(header.Block.Value, []);
        entry.Next = content with
        {
            Overlay = content.Overlay.SetItem(header.Block.Value, pieces.Add(new OverlayPiece(ordinal, header))),
            OverlayBytes = content.OverlayBytes + piece.Length,
            LastOrdinal = ordinal,
        };
        Grow(entry, header);
        metrics.Written(piece.Length, "overlay");
    }

    /// <summary>Puts a piece in the place of all others of its block.</summary>
    private void Replace(LaneGroup group, ChunkEntry entry, in PieceHeader header, ReadOnlyMemory<byte> piece)
    {
        var content = entry.Next!;
        if (content.Overlay.TryGetValue(header.Block.Value, out var pieces))
        {
            entry.Next = content with
            {
                Overlay = content.Overlay.Remove(header.Block.Value),
                OverlayBytes = content.OverlayBytes - DeletePieces(group, entry.Chunk, header.Block.Value, pieces),
            };
        }

        Add(group, entry, header, piece);
    }

    /// <summary>Puts a whole block under what lies over it.</summary>
    private void PutBelow(LaneGroup group, ChunkEntry entry, in PieceHeader header, ReadOnlyMemory<byte> piece)
    {
        var content = entry.Next!;
        if (!content.Overlay.TryGetValue(header.Block.Value, out var above))
        {
            Add(group, entry, header, piece);
            return;
        }

        // Rows of a block are read in the order of their ordinals: those above get new ones.
        var copies = new List<(PieceHeader Header, ReadOnlyMemory<byte> Piece)>();
        foreach (var over in above)
        {
            if (!group.TryGetFresh(entry.Chunk, over.Ordinal, out var bytes))
            {
                using var value = group.Engine.GetPiece(entry.Chunk, header.Block.Value, over.Ordinal);
                bytes = value?.Span.ToArray();
            }

            copies.Add((over.Header, bytes));
        }

        Replace(group, entry, header, piece);
        foreach (var (overHeader, over) in copies)
        {
            if (PieceHeader.Read(over.Span, out var found) != PieceFault.None || found != overHeader)
            {
                Lose(group, entry, FsStatus.Corrupt);
                throw ChunkErrors.Lost(entry.Next!.Info);
            }

            Add(group, entry, overHeader, over);
        }
    }

    /// <summary>Puts zeros over bytes of a chunk, as far as anything is stored there.</summary>
    private void PutZeros(LaneGroup group, ChunkEntry entry, ulong start, ulong end)
    {
        const ulong Bytes = ChunkLayout.BlockBytes;
        var firstWhole = (uint)((start + Bytes - 1) / Bytes);
        var endWhole = (uint)(end / Bytes);
        if (firstWhole > endWhole)
        {
            // Within one block.
            PutZeros(group, entry, endWhole, (int)(start % Bytes), (int)(end - start));
            return;
        }

        RemoveBlocks(group, entry, firstWhole, endWhole);
        if (start % Bytes != 0)
        {
            PutZeros(group, entry, firstWhole - 1, (int)(start % Bytes), (int)(Bytes - (start % Bytes)));
        }

        if (end % Bytes != 0)
        {
            PutZeros(group, entry, endWhole, 0, (int)(end % Bytes));
        }
    }

    private void PutZeros(LaneGroup group, ChunkEntry entry, uint block, int offset, int length)
    {
        if (length == 0 || !entry.Next!.Has(block))
        {
            return;
        }

        var piece = new byte[PieceHeader.Bytes];
        BlockCodec.EncodeZeros(new BlockIndex(block), offset, length, piece);
        Check.That(PieceHeader.Read(piece, out var header) == PieceFault.None);
        PutOverlay(group, entry, header, piece);
    }

    private static void Grow(ChunkEntry entry, in PieceHeader header)
    {
        var content = entry.Next!;
        if (header.Kind != PieceKind.Zeros && header.End > content.DurableLength)
        {
            entry.Next = content with
            {
                Info = content.Info with { Length = Math.Max(content.Info.Length, header.End) },
                DurableLength = header.End,
            };
            entry.IsRowDirty = true;
        }
    }
}
