using System.Collections.Concurrent;
using DistFS.Blocks;
using DistFS.Chunks;
using DistFS.Chunkserver.Copies;
using DistFS.Chunkserver.Data;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc.Cluster;
using DistFS.Rpc.Frames;
using DistFS.Rpc.Services;
using Microsoft.Extensions.Logging;
using ChunkInfo = DistFS.Chunks.ChunkInfo;
using ChunkState = DistFS.Chunks.ChunkState;

namespace DistFS.Chunkserver.Scrubbing;

/// <summary>
/// Mends a copy in which bytes rotted before it is told as lost: the blocks that are damaged are taken from the chunk's
/// other servers, each from whoever has it right. So what rots on several servers is no loss as long as each block is
/// right on one of them, and 64 KiB cross the network instead of 64 MiB (docs/design/chunkserver.md).
/// </summary>
/// <remarks>
/// Only what nobody writes is mended, and only from copies whose digest of all blocks equals the one here: which says
/// what each block should be. The blocks are here, and verified, before anything of the copy is touched.
/// </remarks>
internal sealed partial class Mender(
    StoreSetView stores, OpenChunks open, LeaderChannel leader, FrameChannels links, TimeProvider clock, ILogger logger)
    : IAsyncDisposable
{
    /// <summary>With more, all of it is made again elsewhere.</summary>
    private const int BlocksMax = 256;

    /// <summary>The others may be mending theirs at the same moment, or be away for one.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private readonly ConcurrentDictionary<(ulong Chunk, uint Version), Task> _under = [];
    private readonly CancellationTokenSource _stop = new();
    private long _mended;

    /// <summary>Copies that were mended.</summary>
    public long Mended => Interlocked.Read(ref _mended);

    /// <summary>Copies that are being mended.</summary>
    public int Mending => _under.Count(static one => !one.Value.IsCompleted);

    /// <summary>A copy is lost: mended if it can be, else told. Any thread; does not wait.</summary>
    /// <param name="info">As it was found.</param>
    /// <param name="tell">If it cannot be mended.</param>
    public void Lost(ChunkInfo info, Action<ChunkInfo> tell)
    {
        var key = (info.Chunk.Value, info.Version.Value);
        if (info.LostStatus is not (FsStatus.Corrupt or FsStatus.IoError) || !info.IsSealed
            || _stop.IsCancellationRequested)
        {
            tell(info);
            return;
        }

        // Found again while it is mended: that is known. Once it could not be, it is told whenever it is found.
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var known = _under.GetOrAdd(key, begun.Task);
        if (known == begun.Task)
        {
            _ = Task.Run(async () =>
            {
                try
                {
                    if (await TryAsync(info).ConfigureAwait(false))
                    {
                        _under.TryRemove(key, out _);
                    }
                    else
                    {
                        tell(info);
                    }
                }
                finally
                {
                    begun.SetResult();
                }
            });
        }
        else if (known.IsCompleted)
        {
            tell(info);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_under.Values).ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task<bool> TryAsync(ChunkInfo info)
    {
        var from = clock.GetTimestamp();
        try
        {
            for (; ; )
            {
                if (stores(info.Chunk) is not { } store || !store.TryGet(info.Chunk, out var now)
                    || now.State != ChunkState.Lost || now.Version != info.Version)
                {
                    // Deleted, or made again: nothing is left to be told.
                    return true;
                }

                switch (await MendAsync(store, now).ConfigureAwait(false))
                {
                    case true:
                        Interlocked.Increment(ref _mended);
                        return true;
                    case null:
                        return false;
                }

                if (clock.GetElapsedTime(from) > Limit)
                {
                    return false;
                }

                await Task.Delay(Pause, clock, _stop.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            return false;
        }
        catch (Exception e)
        {
            // Whatever it is, a defect too: the copy is told as lost, and made again elsewhere.
            LogNot(logger, info.Chunk, info.Version, e.Message);
            return false;
        }
    }

    /// <summary>True: it is whole again. False: not at the moment. Null: not at all.</summary>
    private async Task<bool?> MendAsync(IChunkStore store, ChunkInfo info)
    {
        var sources = await SourcesAsync(store, info).ConfigureAwait(false);
        if (sources is not { Count: > 0 })
        {
            return sources == null ? null : false;
        }

        open.Close(info.Chunk);
        var damaged = new List<BlockIndex>();
        for (var first = 0; first < ChunkLayout.BlocksOf(info.Length); first += StoreLimits.ReadBlocksMax)
        {
            _stop.Token.ThrowIfCancellationRequested();
            store.Verify(info.Chunk, new BlockIndex((uint)first), StoreLimits.ReadBlocksMax, damaged);
        }

        if (damaged.Count > BlocksMax)
        {
            return null;
        }

        var fetched = new List<CopyPieces>(damaged.Count);
        try
        {
            foreach (var block in damaged)
            {
                if (await FetchAsync(sources, block).ConfigureAwait(false) is not { } pieces)
                {
                    return false;
                }

                fetched.Add(pieces);
            }

            await ReplaceAsync(store, info, fetched).ConfigureAwait(false);
        }
        finally
        {
            fetched.ForEach(static pieces => pieces.Dispose());
        }

        LogMended(logger, damaged.Count, info.Chunk, info.Version);
        return true;
    }

    private static async Task ReplaceAsync(IChunkStore store, ChunkInfo info, IReadOnlyList<CopyPieces> fetched)
    {
        // Not cancelled from here on. Whoever stops in between finds a copy that is not whole, which is then told.
        var (chunk, version) = (info.Chunk, info.Version);
        await store.BeginCopyAsync(chunk, version, info.Copy, keepsBlocks: true, default).ConfigureAwait(false);
        foreach (var pieces in fetched)
        {
            await store.DropBlockAsync(chunk, version, pieces.First, default).ConfigureAwait(false);
            if (pieces.Payload.Length > 0)
            {
                await store.WriteAsync(chunk, version, pieces.Payload.Memory, isDurable: false, default)
                    .ConfigureAwait(false);
            }
        }

        await store.CompleteAsync(chunk, version, info.Copy, info.Length, default).ConfigureAwait(false);
        await store.SealAsync(chunk, version, default).ConfigureAwait(false);
    }

    /// <summary>A block from whoever has it right; null: nobody who answers.</summary>
    private async Task<CopyPieces?> FetchAsync(IReadOnlyList<CopySource> sources, BlockIndex block)
    {
        foreach (var source in sources)
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

    /// <summary>
    /// Other servers whose copy should be byte by byte the same; null: somebody writes it, or it is gone.
    /// </summary>
    private async Task<List<CopySource>?> SourcesAsync(IChunkStore store, ChunkInfo info)
    {
        var how = new LeaderCall(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(2));
        var located = (await leader.AskAsync(
            ChunkServersMethods.Locate,
            new LocateChunkRequest { Chunk = info.Chunk.Value },
            static reply => reply.Answer,
            how,
            _stop.Token).ConfigureAwait(false)).Reply;
        if (located.Answer.Status != 0 || located.Version != info.Version.Value || !located.Sealed)
        {
            return null;
        }

        var digests = new List<BlockDigest>();
        store.Digest(info.Chunk, info.Version, digests);
        var here = digests.ToDictionary(static digest => digest.Block.Value);
        var sources = new List<CopySource>();
        foreach (var server in located.Servers.Where(server => server.Server != store.Identity.Server.Value))
        {
            var order = new CopyOrder
            {
                Chunk = info.Chunk.Value,
                Version = info.Version.Value,
                Length = info.Length,
                Source = server.Server,
            };
            var source = new CopySource(links.To(server.Address), order);
            try
            {
                var there = await source.DigestAsync(_stop.Token).ConfigureAwait(false);
                if (there.Count == here.Count && there.All(one =>
                    here.TryGetValue(one.Key, out var own) && own == one.Value))
                {
                    sources.Add(source);
                }
            }
            catch (DistFsException e)
            {
                LogNotThere(logger, default, e.Message);
            }
        }

        return sources;
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Count} blocks of chunk {Chunk} {Version} were damaged here and are mended from other servers.")]
    private static partial void LogMended(ILogger logger, int count, ChunkId chunk, ChunkVersion version);

    [LoggerMessage(
        Level = LogLevel.Warning, Message = "Chunk {Chunk} {Version} cannot be mended here: {Reason}")]
    private static partial void LogNot(ILogger logger, ChunkId chunk, ChunkVersion version, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "A damaged block {Block} is not to be had there: {Reason}")]
    private static partial void LogNotThere(ILogger logger, BlockIndex block, string reason);
}

/// <summary>The store in which a chunk is; null: nowhere here.</summary>
internal delegate IChunkStore? StoreSetView(ChunkId chunk);
