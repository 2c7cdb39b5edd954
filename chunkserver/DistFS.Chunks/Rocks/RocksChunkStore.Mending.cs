using DistFS.Primitives;

namespace DistFS.Chunks;

/// <content>Blocks that are taken from another server, in the place of damaged ones.</content>
public sealed partial class RocksChunkStore
{
    /// <inheritdoc/>
    public async ValueTask ReplaceBlocksAsync(
        ChunkId chunk,
        ChunkVersion version,
        IReadOnlyList<BlockIndex> blocks,
        VerifiedPieces pieces,
        bool isWhole,
        CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(blocks);
        cancellation.ThrowIfCancellationRequested();
        ChunkErrors.RequireReplacement(chunk, blocks, pieces.Span);
        RequireRoom();
        BlockIndex[] all = [.. blocks];

        // A part of it that is being ended still has to be on the disk before the row says that it is whole.
        for (var isDone = false; !isDone;)
        {
            await Change(
                (group, request) => isDone = Replace(group, request, FindMendable(chunk, version)),
                CancellationToken.None).ConfigureAwait(false);
        }

        bool Replace(LaneGroup group, LaneRequest request, ChunkEntry entry)
        {
            _editor.ReplaceBlocks(group, entry, all, pieces.Memory);
            if (!isWhole)
            {
                return true;
            }

            _editor.MakeDurable(group, entry, request);
            if (request.PartsLeft > 0)
            {
                return false;
            }

            var info = entry.Next!.Info;
            entry.Next = entry.Next with
            {
                Info = info with { State = ChunkState.Serving, LostStatus = FsStatus.Ok, IsSealed = true },
                DurableLength = info.Length,
            };
            return true;
        }
    }

    private ChunkEntry FindMendable(ChunkId chunk, ChunkVersion version)
    {
        var (entry, next) = FindNext(chunk);
        return ChunkErrors.Replaceable(next.Info, version) is { } refusal ? throw refusal
            : next.IsOverlayUnknown ? throw ChunkErrors.Lost(next.Info)
            : entry;
    }
}
