using DistFS.Blocks;
using DistFS.Chunks;
using DistFS.Chunkserver.Copies;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc.Cluster;
using DistFS.Rpc.Services;
using ChunkInfo = DistFS.Chunks.ChunkInfo;
using ChunkState = DistFS.Chunks.ChunkState;

namespace DistFS.Chunkserver.Scrubbing;

/// <content>One attempt: who has it, what is to be had of it, and putting that in its place.</content>
internal sealed partial class Mender
{
    /// <param name="store">Where it is.</param>
    /// <param name="info">As it is.</param>
    /// <param name="damaged">The blocks that are left to be replaced.</param>
    private async Task<Outcome> MendAsync(IChunkStore store, ChunkInfo info, List<BlockIndex> damaged)
    {
        var located = await LocateAsync(info.Chunk).ConfigureAwait(false);
        var self = store.Identity.Server.Value;
        if (located.Answer.Status != 0 || !located.Sealed || located.Servers.All(server => server.Server != self))
        {
            // Gone, written by somebody, or not here that counts.
            return Outcome.Never;
        }

        if (located.Version < info.Version.Value)
        {
            return Outcome.Later;
        }

        open.Close(info.Chunk);
        if (located.Version > info.Version.Value)
        {
            var fence = new VersionFence(
                info.Chunk, new ChunkVersion(located.Version), located.Length, IsSealed: true);
            await open.FenceAsync([fence]).ConfigureAwait(false);
            if (!store.TryGet(info.Chunk, out info) || info.Version != fence.Version
                || info is not { State: ChunkState.Lost, IsUnclean: false })
            {
                return Outcome.Later;
            }
        }

        var sources = await SourcesAsync(store, info, located).ConfigureAwait(false);
        var isKnown = info.IsSealed || located.Tail == self || sources.Exists(one => one.Server == located.Tail);
        if (sources.Count == 0 || !isKnown)
        {
            // What is not sealed here may have what the tail has not: nobody knows yet what is right.
            return Outcome.Later;
        }

        var count = damaged.Count;
        if (!await ReplaceAsync(store, info, sources, damaged).ConfigureAwait(false))
        {
            return Outcome.Later;
        }

        await store.ReplaceBlocksAsync(info.Chunk, info.Version, [], default, isWhole: true, CancellationToken.None)
            .ConfigureAwait(false);
        Interlocked.Increment(ref _mended);
        LogMended(logger, count, info.Chunk, info.Version);
        return Outcome.Done;
    }

    /// <summary>
    /// Takes all that are to be had, a few at a time; those that have come are damaged no more, whatever becomes of the
    /// others.
    /// </summary>
    /// <returns>Whether none is left.</returns>
    private async Task<bool> ReplaceAsync(
        IChunkStore store,
        ChunkInfo info,
        IReadOnlyList<(uint Server, CopySource Source)> sources,
        List<BlockIndex> damaged)
    {
        foreach (var batch in damaged.Chunk(BlocksAtOnce))
        {
            var (blocks, pieces) = (new List<BlockIndex>(), new List<byte>());
            foreach (var block in batch)
            {
                await rate.TakeAsync(ChunkLayout.BlockBytes, _stop.Token).ConfigureAwait(false);
                using var found = await FetchAsync(sources, block).ConfigureAwait(false);
                if (found != null)
                {
                    blocks.Add(block);
                    pieces.AddRange(found.Payload.Span);
                }
            }

            if (blocks.Count == 0)
            {
                continue;
            }

            Check.That(VerifiedPieces.Verify(pieces.ToArray(), out var verified, out _) == PieceFault.None);
            await store.ReplaceBlocksAsync(
                info.Chunk, info.Version, blocks, verified, isWhole: false, CancellationToken.None)
                .ConfigureAwait(false);
            damaged.RemoveAll(blocks.Contains);
        }

        return damaged.Count == 0;
    }

    /// <summary>A block from whoever has it right; null: nobody who answers.</summary>
    private async Task<CopyPieces?> FetchAsync(
        IReadOnlyList<(uint Server, CopySource Source)> sources, BlockIndex block)
    {
        foreach (var (_, source) in sources)
        {
            try
            {
                return await source.ReadAsync(block, 1, _stop.Token).ConfigureAwait(false);
            }
            catch (DistFsException e)
            {
                LogNotThere(logger, block, e.Message);
            }
        }

        return null;
    }

    private async Task<LocateChunkReply> LocateAsync(ChunkId chunk)
    {
        var how = new LeaderCall(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(2));
        return (await leader.AskAsync(
            ChunkServersMethods.Locate,
            new LocateChunkRequest { Chunk = chunk.Value },
            static reply => reply.Answer,
            how,
            _stop.Token).ConfigureAwait(false)).Reply;
    }

    /// <summary>Other servers whose copy should be byte by byte the same. They come to the version with it.</summary>
    private async Task<List<(uint Server, CopySource Source)>> SourcesAsync(
        IChunkStore store, ChunkInfo info, LocateChunkReply located)
    {
        var digests = new List<BlockDigest>();
        store.Digest(info.Chunk, info.Version, digests);
        var here = digests.ToDictionary(static digest => digest.Block.Value);
        var sources = new List<(uint Server, CopySource Source)>();
        foreach (var server in located.Servers.Where(server => server.Server != store.Identity.Server.Value))
        {
            var order = new CopyOrder
            {
                Chunk = info.Chunk.Value,
                Version = info.Version.Value,
                Length = located.Length,
                Source = server.Server,
            };
            var source = new CopySource(links.To(server.Address), order);
            try
            {
                var there = await source.DigestAsync(_stop.Token).ConfigureAwait(false);
                if (there.Count == here.Count && there.All(one =>
                    here.TryGetValue(one.Key, out var own) && own == one.Value))
                {
                    sources.Add((server.Server, source));
                }
            }
            catch (DistFsException e)
            {
                LogNotThere(logger, default, e.Message);
            }
        }

        return sources;
    }
}
