using DistFS.Blocks;
using DistFS.Chunks;
using DistFS.Chunkserver.Data;
using DistFS.Chunkserver.Stores;
using DistFS.Primitives;
using Microsoft.Extensions.Logging;

namespace DistFS.Chunkserver.Scrubbing;

/// <summary>
/// Reads everything that is stored, over and over, at the pace of one pass in so long; and at once, as fast as it goes,
/// when somebody asks. What is damaged is marked as lost, so that the cluster replaces it.
/// </summary>
internal sealed partial class ScrubRunner : IAsyncDisposable
{
    private const int WindowBlocks = 16;

    private static readonly TimeSpan LookAgain = TimeSpan.FromMinutes(1);

    // However little there is: what is damaged in a small store is found within the hour.
    private const long BytesPerSecondMin = 256 << 10;

    private readonly StoreSet _stores;
    private readonly OpenChunks _open;
    private readonly TimeSpan _pass;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly Task _usual;
    private Task _asked = Task.CompletedTask;
    private long _passes;
    private long _chunks;
    private long _bytes;

    /// <summary>Begins at the usual pace.</summary>
    public ScrubRunner(StoreSet stores, OpenChunks open, TimeSpan pass, TimeProvider clock, ILogger logger)
    {
        (_stores, _open, _pass, _clock, _logger) = (stores, open, pass, clock, logger);
        _usual = Task.WhenAll(stores.Stores.Select(store => Task.Run(() => UsualAsync(store))));
    }

    /// <summary>Whether a pass that was asked for is under way.</summary>
    public bool IsRunning
    {
        get
        {
            lock (_gate)
            {
                return !_asked.IsCompleted;
            }
        }
    }

    /// <summary>Passes that were asked for and ended.</summary>
    public long Passes => Interlocked.Read(ref _passes);

    /// <summary>Chunks that were looked at.</summary>
    public long Chunks => Interlocked.Read(ref _chunks);

    /// <summary>Stored bytes that were read for it.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>A pass over everything now; one that is under way goes on.</summary>
    public void Start()
    {
        lock (_gate)
        {
            if (_asked.IsCompleted && !_stop.IsCancellationRequested)
            {
                _asked = Task.Run(PassAsync);
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        Task asked;
        lock (_gate)
        {
            asked = _asked;
        }

        await _usual.ConfigureAwait(false);
        await asked.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task PassAsync()
    {
        await Task.WhenAll(_stores.Stores.Select(store => Task.Run(() => WalkAsync(store)))).ConfigureAwait(false);
        Interlocked.Increment(ref _passes);
        LogPass(_logger, Chunks, Bytes);

        async Task WalkAsync(IChunkStore store)
        {
            try
            {
                for (ulong from = 0; Next(store, from) is { } info; from = info.Chunk.Value + 1)
                {
                    await LookAsync(store, info, isPaced: false).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                // Stopped.
            }
            catch (DistFsException e)
            {
                LogEnded(_logger, e.Message);
            }
        }
    }

    private async Task UsualAsync(IChunkStore store)
    {
        try
        {
            for (var mark = store.ScrubMark; ;)
            {
                if (Next(store, mark.Next.Value) is { } info)
                {
                    await LookAsync(store, info, isPaced: true).ConfigureAwait(false);
                    mark = mark with { Next = new ChunkId(info.Chunk.Value + 1) };
                }
                else
                {
                    mark = new ScrubMark(default, default, NowMs, mark.Passes + 1);
                    await Task.Delay(LookAgain, _clock, _stop.Token).ConfigureAwait(false);
                }

                await store.SetScrubMarkAsync(mark, _stop.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopped.
        }
        catch (DistFsException e)
        {
            // The store has failed, which others tell; what it had is not here any more.
            LogEnded(_logger, e.Message);
        }
    }

    private long NowMs => _clock.GetUtcNow().ToUnixTimeMilliseconds();

    private static ChunkInfo? Next(IChunkStore store, ulong from)
    {
        Span<ChunkInfo> next = new ChunkInfo[1];
        return store.List(new ChunkId(from), next) == 1 ? next[0] : null;
    }

    private async Task LookAsync(IChunkStore store, ChunkInfo info, bool isPaced)
    {
        if (info.State != ChunkState.Serving)
        {
            return;
        }

        var damaged = new HashSet<BlockIndex>();
        for (var first = 0; first < ChunkLayout.BlocksOf(info.Length); first += WindowBlocks)
        {
            _stop.Token.ThrowIfCancellationRequested();
            var bytes = store.Verify(info.Chunk, new BlockIndex((uint)first), WindowBlocks, damaged);
            Interlocked.Add(ref _bytes, bytes);
            if (isPaced)
            {
                await Task.Delay(TimeFor(bytes), _clock, _stop.Token).ConfigureAwait(false);
            }
        }

        Interlocked.Increment(ref _chunks);
        if (damaged.Count > 0 && store.TryGet(info.Chunk, out var now)
            && (now.Version, now.State) == (info.Version, ChunkState.Serving))
        {
            LogDamaged(_logger, damaged.Count, info.Chunk, info.Version, store.Identity.Store);
            _open.Close(info.Chunk);
            _stores.DamagedToo(damaged.Count - 1);
            await store.MarkLostAsync(info.Chunk, info.Version, FsStatus.Corrupt, CancellationToken.None)
                .ConfigureAwait(false);
        }
    }

    private TimeSpan TimeFor(long bytes)
    {
        var space = _stores.Space;
        var pace = Math.Max(BytesPerSecondMin, (space.CapacityBytes - space.AvailableBytes) / _pass.TotalSeconds);
        return TimeSpan.FromSeconds(bytes / pace);
    }

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "{Count} blocks of chunk {Chunk} {Version} are damaged in store {Store}: the copy is given up, and "
            + "replaced from another server.")]
    private static partial void LogDamaged(
        ILogger logger, int count, ChunkId chunk, ChunkVersion version, StoreId store);

    [LoggerMessage(Level = LogLevel.Information, Message = "All was looked at: {Chunks} chunks, {Bytes} bytes so far.")]
    private static partial void LogPass(ILogger logger, long chunks, long bytes);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A store is not looked at any more: {Reason}")]
    private static partial void LogEnded(ILogger logger, string reason);
}
