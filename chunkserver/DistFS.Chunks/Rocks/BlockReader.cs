using DistFS.Native.RocksDb;

namespace DistFS.Chunks;

/// <summary>Why pieces of a block could not be read.</summary>
internal enum ReadOutcome
{
    /// <summary>All were.</summary>
    Done,

    /// <summary>One is gone: the chunk has changed meanwhile, or it is damaged.</summary>
    Gone,

    /// <summary>One lies in a file that is still written.</summary>
    Open,

    /// <summary>The engine found a checksum of its own wrong, or bytes that are no piece.</summary>
    Damaged,

    /// <summary>The disk could not read them.</summary>
    Unreadable,
}

/// <summary>Reads the pieces of blocks that a <see cref="ChunkContent"/> names.</summary>
internal static class BlockReader
{
    /// <summary>Reads the pieces of one block, those of an open part from memory.</summary>
    /// <param name="engine">The database.</param>
    /// <param name="content">What there is of the chunk.</param>
    /// <param name="block">Which block.</param>
    /// <param name="blocks">Gets the pieces; when not all could be read it is as before.</param>
    /// <param name="open">The part that is still written.</param>
    /// <param name="group">The lane's: pieces that are not committed yet.</param>
    public static ReadOutcome Read(
        StoreEngine engine,
        ChunkContent content,
        uint block,
        StoredBlocks blocks,
        out OpenPart? open,
        LaneGroup? group = null)
    {
        open = null;
        var before = blocks.Counts;
        var outcome = ReadPieces(engine, content, block, blocks, ref open, group);
        if (outcome != ReadOutcome.Done)
        {
            blocks.BackTo(before.Pieces, before.Owners);
        }

        return outcome;
    }

    private static ReadOutcome ReadPieces(
        StoreEngine engine,
        ChunkContent content,
        uint block,
        StoredBlocks blocks,
        ref OpenPart? open,
        LaneGroup? group)
    {
        try
        {
            // From below to above: a piece that is gone then shows that something was changed since the plan was made.
            var chunk = content.Info.Chunk;
            var pieces = content.OverlayOf(block);
            if (pieces.IsEmpty || !pieces[0].Header.CoversBlock)
            {
                var outcome = ReadBase(engine, content, block, blocks, ref open);
                if (outcome != ReadOutcome.Done)
                {
                    return outcome;
                }
            }

            foreach (var piece in pieces)
            {
                var outcome = group is not null && group.TryGetFresh(chunk, piece.Ordinal, out var fresh)
                    ? Add(blocks, fresh, null, block)
                    : Add(blocks, engine.GetPiece(chunk, block, piece.Ordinal), block);
                if (outcome != ReadOutcome.Done)
                {
                    return outcome;
                }
            }

            return ReadOutcome.Done;
        }
        catch (StoreCorruptException)
        {
            return ReadOutcome.Damaged;
        }
        catch (StoreIoException failure) when (
            !failure.EngineText.Contains("Too many open files", StringComparison.Ordinal))
        {
            return ReadOutcome.Unreadable;
        }
    }

    private static ReadOutcome ReadBase(
        StoreEngine engine, ChunkContent content, uint block, StoredBlocks blocks, ref OpenPart? open)
    {
        if (content.PartOf(block) is { } part)
        {
            return Add(blocks, engine.GetBlock(content.Info.Chunk, part.Part, block), block);
        }

        if (content.OpenOf(block) is not { } range)
        {
            return ReadOutcome.Done;
        }

        if (range.Part.Buffered(block) is { } buffered)
        {
            return Add(blocks, buffered, null, block);
        }

        open = range.Part;
        return ReadOutcome.Open;
    }

    private static ReadOutcome Add(StoredBlocks blocks, PinnedValue? value, uint block) =>
        value is null ? ReadOutcome.Gone : Add(blocks, value.Memory, value, block);

    private static ReadOutcome Add(
        StoredBlocks blocks, ReadOnlyMemory<byte> piece, IDisposable? owner, uint block)
    {
        if (PieceHeader.Read(piece.Span, out var header) != PieceFault.None
            || header.TotalBytes != piece.Length || header.Block.Value != block)
        {
            owner?.Dispose();
            return ReadOutcome.Damaged;
        }

        blocks.Add(header, piece, owner);
        return ReadOutcome.Done;
    }
}
