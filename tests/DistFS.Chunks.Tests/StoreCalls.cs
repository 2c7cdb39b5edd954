namespace DistFS.Chunks.Tests;

/// <summary>Short forms of the calls of a store.</summary>
internal static class StoreCalls
{
    public static readonly ChunkVersion V1 = new(1);
    public static readonly ChunkVersion V2 = new(2);

    public static byte[] Join(params IEnumerable<StoredPiece> pieces) =>
        [.. pieces.SelectMany(piece => piece.Bytes.ToArray())];

    public static async Task<FenceOutcome> BeginAsync(
        this IChunkStore store, ChunkId chunk, ChunkVersion version, uint length)
    {
        var outcome = new FenceOutcome[1];
        await store.BeginVersionsAsync(new[] { new VersionFence(chunk, version, length) }, outcome, default);
        return outcome[0];
    }

    public static ValueTask WriteAsync(
        this IChunkStore store, ChunkId chunk, bool isDurable, params IEnumerable<StoredPiece> pieces) =>
        store.WriteAsync(chunk, V1, Join(pieces), isDurable, default);

    public static ValueTask DeleteAsync(this IChunkStore store, ChunkId chunk, uint version, ulong copy = 0) =>
        store.DeleteAsync(
            new[] { new ChunkDeletion(chunk, new ChunkVersion(version), new CopyId(copy)) }, default);

    public static ChunkInfo Info(this IChunkStore store, ChunkId chunk)
    {
        Assert.True(store.TryGet(chunk, out var info));
        return info;
    }

    /// <summary>The content of a chunk up to its length, as a client sees it.</summary>
    public static byte[] Content(this IChunkStore store, ChunkId chunk, ChunkVersion? version = null)
    {
        var content = Array.Empty<byte>();
        for (var first = 0u; first < ChunkLayout.BlocksMax; first += StoreLimits.ReadBlocksMax)
        {
            using var blocks = store.ReadUnchecked(
                chunk, version ?? V1, new BlockIndex(first), StoreLimits.ReadBlocksMax);
            if (first == 0)
            {
                content = new byte[blocks.Length];
            }

            for (var block = first; block < first + StoreLimits.ReadBlocksMax; block++)
            {
                var start = (int)block * ChunkLayout.BlockBytes;
                var pieces = blocks.PiecesOf(new BlockIndex(block));
                if (start < content.Length)
                {
                    var length = Math.Min(ChunkLayout.BlockBytes, content.Length - start);
                    Assert.Equal(
                        PieceFault.None,
                        BlockCodec.Merge(new BlockIndex(block), pieces, content.AsSpan(start, length)));
                }
                else if (!pieces.IsEmpty)
                {
                    var merged = DistFS.Blocks.Tests.Content.Merge(block, pieces);
                    Assert.Equal(-1, merged.AsSpan().IndexOfAnyExcept((byte)0));
                }
            }

            if (content.Length <= (first + StoreLimits.ReadBlocksMax) * ChunkLayout.BlockBytes)
            {
                break;
            }
        }

        return content;
    }

    /// <summary>Some bytes of a block, as a client sees them; null: not at hand.</summary>
    public static byte[]? Range(
        this IChunkStore store, ChunkId chunk, ChunkVersion version, BlockRange range, bool isAtHand)
    {
        var piece = new byte[PieceHeader.Bytes + range.Length];
        var read = store.ReadRange(chunk, version, range, isAtHand, piece);
        if (read.Outcome == RangeOutcome.NotAtHand)
        {
            Assert.True(isAtHand);
            return null;
        }

        Assert.Equal(RangeOutcome.Done, read.Outcome);
        var block = new byte[range.End];
        if (read.Bytes > 0)
        {
            Assert.Equal(PieceHeader.Bytes + range.Length, read.Bytes);
            Assert.Equal(PieceFault.None, BlockCodec.Apply(range.Block, piece, block));
        }

        return block[range.Offset..];
    }

    public static async Task RefusedAsync(ErrorCode code, Func<ValueTask> call) =>
        Assert.Equal(code, (await Assert.ThrowsAsync<DistFsException>(async () => await call())).Code);

    public static void Refused(ErrorCode code, Action call) =>
        Assert.Equal(code, Assert.Throws<DistFsException>(call).Code);
}
