using DistFS.Blocks;
using DistFS.Chunks;
using DistFS.Chunkserver.Copies;
using DistFS.Chunkserver.Data;
using DistFS.Primitives;
using DistFS.Rpc.Cluster;
using DistFS.Rpc.Frames;
using Microsoft.Extensions.Logging;

namespace DistFS.Chunkserver.Scrubbing;

/// <summary>
/// Mends a copy in which bytes rotted before it is told as lost: the blocks that are damaged are taken from the chunk's
/// other servers, each from whoever has it right. So what rots on several servers is no loss as long as each block is
/// right on one of them, and 64 KiB cross the network instead of 64 MiB (docs/design/chunkserver.md).
/// </summary>
/// <remarks>
/// Only what nobody writes is mended, and only from copies whose digest of all blocks equals the one here: which says
/// what each block should be. A block takes the place of a damaged one as soon as it is here, verified; the copy stays
/// lost, with no less that is right than before, until none is damaged. So whatever ends that, nothing is lost by it,
/// and a copy that an order makes meanwhile is not touched (<see cref="IChunkStore.ReplaceBlocksAsync"/>).
/// </remarks>
internal sealed partial class Mender(
    StoreSetView stores,
    OpenChunks open,
    LeaderChannel leader,
    FrameChannels links,
    CopyRate rate,
    TimeProvider clock,
    ILogger logger) : IAsyncDisposable
{
    /// <summary>Copies that are looked at and fetched for at a time; the others wait.</summary>
    internal const int RunningMax = 2;

    /// <summary>With so many under way what is lost is told at once: the cluster makes it again, with more hands.
    /// </summary>
    internal const int WaitingMax = 256;

    /// <summary>With more damaged blocks, all of it is made again elsewhere.</summary>
    private const int BlocksMax = 256;

    /// <summary>Blocks that take their places in one change of the store: 1 MiB in memory.</summary>
    private const int BlocksAtOnce = 16;

    /// <summary>Of so many that were told it is looked whether they are lost still.</summary>
    private const int ToldMax = 1_024;

    /// <summary>The others may be mending theirs at the same moment, or be away for one.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private readonly Lock _gate = new();

    /// <summary>By chunk. Under the gate.</summary>
    private readonly Dictionary<ChunkId, Task> _under = [];

    /// <summary>Those that could not be mended: of which copy that was said. Under the gate.</summary>
    private readonly Dictionary<ChunkId, (ChunkVersion Version, CopyId Copy)> _told = [];

    private readonly SemaphoreSlim _places = new(RunningMax);
    private readonly CancellationTokenSource _stop = new();
    private long _mended;
    private long _retries;

    private enum Outcome
    {
        /// <summary>It is whole again, deleted, or made by an order.</summary>
        Done,

        /// <summary>Not at the moment.</summary>
        Later,

        /// <summary>Not at all.</summary>
        Never,
    }

    /// <summary>Copies that were mended.</summary>
    public long Mended => Interlocked.Read(ref _mended);

    /// <summary>Attempts after which another one is made.</summary>
    public long Retries => Interlocked.Read(ref _retries);

    /// <summary>Copies that are being mended, or wait for it.</summary>
    public int Mending
    {
        get
        {
            lock (_gate)
            {
                return _under.Count;
            }
        }
    }

    /// <summary>A copy is lost: mended if it can be, else told. Any thread; does not wait.</summary>
    /// <param name="info">As it was found.</param>
    /// <param name="tell">If it cannot be mended.</param>
    public void Lost(ChunkInfo info, Action<ChunkInfo> tell)
    {
        if (!TryBegin(info, tell))
        {
            tell(info);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Task[] under;
        lock (_gate)
        {
            _stop.Cancel();
            under = [.. _under.Values];
        }

        await Task.WhenAll(under).ConfigureAwait(false);
        _places.Dispose();
        _stop.Dispose();
    }

    /// <summary>False: it cannot be mended, and is to be told. Once it was, it is whenever it is found.</summary>
    private bool TryBegin(ChunkInfo info, Action<ChunkInfo> tell)
    {
        if (info.LostStatus is not (FsStatus.Corrupt or FsStatus.IoError) || info.IsUnclean)
        {
            return false;
        }

        lock (_gate)
        {
            if (_under.ContainsKey(info.Chunk))
            {
                // Found again while it is mended: that is known.
                return true;
            }

            if (_under.Count >= WaitingMax || _stop.IsCancellationRequested
                || (_told.TryGetValue(info.Chunk, out var told) && told == (info.Version, info.Copy)))
            {
                return false;
            }

            _under.Add(info.Chunk, Task.Run(() => RunAsync(info, tell)));
            return true;
        }
    }

    private async Task RunAsync(ChunkInfo info, Action<ChunkInfo> tell)
    {
        var isMended = await TryAsync(info).ConfigureAwait(false);

        // As it is by now: it may have come to another version.
        info = Find(info.Chunk, out _) ?? info;
        lock (_gate)
        {
            _under.Remove(info.Chunk);
            if (!isMended)
            {
                Forget();
                _told[info.Chunk] = (info.Version, info.Copy);
            }
        }

        if (!isMended)
        {
            tell(info);
        }
    }

    /// <summary>What was told and is not lost any more may be mended again when it is.</summary>
    private void Forget()
    {
        if (_told.Count < ToldMax)
        {
            return;
        }

        foreach (var (chunk, told) in _told)
        {
            if (Find(chunk, out _) is not { } now || (now.Version, now.Copy) != told)
            {
                _told.Remove(chunk);
            }
        }
    }

    /// <summary>The copy, if it is lost here.</summary>
    private ChunkInfo? Find(ChunkId chunk, out IChunkStore? store)
    {
        store = stores(chunk);
        try
        {
            return store != null && store.TryGet(chunk, out var now) && now.State == ChunkState.Lost ? now : null;
        }
        catch (DistFsException e) when (e.Code == ErrorCatalog.ChunkStoreFailed)
        {
            // With all that it had, which others tell.
            return null;
        }
    }

    private async Task<bool> TryAsync(ChunkInfo info)
    {
        List<BlockIndex>? damaged = null;
        try
        {
            for (var from = 0L; ;)
            {
                await _places.WaitAsync(_stop.Token).ConfigureAwait(false);
                try
                {
                    // Those that wait for a place do not give up for that.
                    from = from == 0 ? clock.GetTimestamp() : from;
                    if (Find(info.Chunk, out var store) is not { } now)
                    {
                        return true;
                    }

                    var outcome = await OnceAsync(store!, now, damaged ??= Damaged(store!, now)).ConfigureAwait(false);
                    if (outcome != Outcome.Later)
                    {
                        return outcome == Outcome.Done;
                    }
                }
                finally
                {
                    _places.Release();
                }

                if (clock.GetElapsedTime(from) > Limit)
                {
                    return false;
                }

                Interlocked.Increment(ref _retries);
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

    /// <summary>Blocks that are damaged on the disk, looked at once.</summary>
    private List<BlockIndex> Damaged(IChunkStore store, in ChunkInfo info)
    {
        var damaged = new List<BlockIndex>();
        store.DropCached(info.Chunk);
        for (var first = 0; first < ChunkLayout.BlocksOf(info.Length); first += StoreLimits.ReadBlocksMax)
        {
            _stop.Token.ThrowIfCancellationRequested();
            store.Verify(info.Chunk, new BlockIndex((uint)first), StoreLimits.ReadBlocksMax, damaged);
        }

        return damaged;
    }

    /// <summary>What nobody answers, and what a store refuses, may be otherwise in a moment.</summary>
    private async Task<Outcome> OnceAsync(IChunkStore store, ChunkInfo info, List<BlockIndex> damaged)
    {
        try
        {
            return damaged.Count > BlocksMax ? Outcome.Never
                : await MendAsync(store, info, damaged).ConfigureAwait(false);
        }
        catch (DistFsException e) when (e.Code != ErrorCatalog.ChunkStoreFailed)
        {
            LogNotYet(logger, info.Chunk, info.Version, e.Message);
            return Outcome.Later;
        }
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Count} blocks of chunk {Chunk} {Version} were damaged here and are mended from other servers.")]
    private static partial void LogMended(ILogger logger, int count, ChunkId chunk, ChunkVersion version);

    [LoggerMessage(
        Level = LogLevel.Warning, Message = "Chunk {Chunk} {Version} cannot be mended here: {Reason}")]
    private static partial void LogNot(ILogger logger, ChunkId chunk, ChunkVersion version, string reason);

    [LoggerMessage(
        Level = LogLevel.Information, Message = "Chunk {Chunk} {Version} cannot be mended yet: {Reason}")]
    private static partial void LogNotYet(ILogger logger, ChunkId chunk, ChunkVersion version, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "A damaged block {Block} is not to be had there: {Reason}")]
    private static partial void LogNotThere(ILogger logger, BlockIndex block, string reason);
}

/// <summary>The store in which a chunk is; null: nowhere here.</summary>
internal delegate IChunkStore? StoreSetView(ChunkId chunk);
