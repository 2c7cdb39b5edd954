using DistFS.Primitives;

namespace DistFS.Chunks;

/// <content>Small reads: from contents in memory where there are any.</content>
public sealed partial class RocksChunkStore
{
    /// <inheritdoc/>
    public RangeRead ReadRange(
        ChunkId chunk, ChunkVersion version, in BlockRange range, bool isAtHand, Span<byte> destination)
    {
        ChunkErrors.RequireRange(chunk, range, destination.Length);
        return isAtHand
            ? ReadAtHand(chunk, version, range, destination)
            : ReadRange(chunk, version, range, destination);
    }

    /// <inheritdoc/>
    public void Forget(ChunkId chunk, BlockIndex block)
    {
        ChunkErrors.RequireBlocks(chunk, block, 1);
        _contents?.Drop(KeyOf(chunk, block));
    }

    private ContentKey KeyOf(ChunkId chunk, BlockIndex block) => new(_contentsNumber, chunk, block);

    /// <summary>What has to be waited for, or refused, is for the other way to find out.</summary>
    private RangeRead ReadAtHand(ChunkId chunk, ChunkVersion version, in BlockRange range, Span<byte> destination)
    {
        if (_contents is null || Volatile.Read(ref _failure) is not null
            || _chunks.Peek(chunk) is not { Current: { } content } entry
            || content.Info.Version != version || content.Info.State != ChunkState.Serving)
        {
            return new RangeRead(RangeOutcome.NotAtHand);
        }

        var plan = content.PlanOf(range.Block.Value);
        var written = plan.IsEmpty ? 0 : _contents.TryRead(KeyOf(chunk, range.Block), plan, range, destination);
        if (!plan.IsEmpty && written == 0)
        {
            return new RangeRead(RangeOutcome.NotAtHand);
        }

        if (!entry.IsUsed)
        {
            entry.IsUsed = true;
        }

        return new RangeRead(RangeOutcome.Done, written, content.Info.Length);
    }

    private RangeRead ReadRange(ChunkId chunk, ChunkVersion version, in BlockRange range, Span<byte> destination)
    {
        for (var start = Environment.TickCount64; ;)
        {
            ThrowIfFailed();
            var entry = FindEntry(chunk);
            var stamp = entry?.Stamp ?? 0;
            var content = entry?.Current ?? throw ChunkErrors.Unknown(chunk);
            if (ChunkErrors.Readable(content.Info, version) is { } refusal)
            {
                throw refusal;
            }

            var plan = content.PlanOf(range.Block.Value);
            if (plan.IsEmpty)
            {
                return new RangeRead(RangeOutcome.Done, 0, content.Info.Length);
            }

            if (_contents?.TryRead(KeyOf(chunk, range.Block), plan, range, destination) is > 0 and var found)
            {
                return new RangeRead(RangeOutcome.Done, found, content.Info.Length);
            }

            using var blocks = new StoredBlocks(content.Info.Length);
            var outcome = TryRead(content, range.Block.Value, blocks, out var open);
            if (outcome == ReadOutcome.Done)
            {
                _metrics.Read(blocks.TotalBytes);
                var fault = _contents is null
                    ? BlockCodec.EncodeRange(
                        range.Block, blocks.Pieces, range.Offset, range.Length, destination, out var written)
                    : _contents.Encode(
                        KeyOf(chunk, range.Block), plan, range, blocks.Pieces, destination, out written);
                return fault == PieceFault.None
                    ? new RangeRead(RangeOutcome.Done, written, content.Info.Length)
                    : new RangeRead(RangeOutcome.Damaged);
            }

            BeforeNext(outcome, open, entry, stamp, content, start);
        }
    }
}
