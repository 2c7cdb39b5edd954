using DistFS.Chunks;
using DistFS.Chunkserver.Data;
using DistFS.Chunkserver.Stores;
using DistFS.Primitives;
using Microsoft.Extensions.Logging;

namespace DistFS.Chunkserver.Scrubbing;

/// <summary>
/// Has every store read, over and over, at the pace of one pass in so long (<see cref="Scrubber"/>); and at once, as
/// fast as it goes, when somebody asks. What is damaged is marked as lost, so that the cluster replaces it.
/// </summary>
internal sealed partial class ScrubRunner : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly StoreSet _stores;
    private readonly OpenChunks _open;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly List<Place> _places = [];
    private readonly Task _running;
    private long _passes;
    private long _chunks;
    private long _bytes;

    /// <summary>Begins at the usual pace.</summary>
    public ScrubRunner(StoreSet stores, OpenChunks open, TimeSpan pass, TimeProvider clock, ILogger logger)
    {
        (_stores, _open, _clock, _logger) = (stores, open, clock, logger);
        var options = new ScrubberOptions { PassMs = Math.Max(1, (long)pass.TotalMilliseconds) };
        _places.AddRange(stores.Stores.Select(store => new Place(store, new Scrubber(store, options))));
        _running = Task.WhenAll(_places.ToArray().Select(place => Task.Run(() => RunAsync(place))));
    }

    /// <summary>Whether a pass that was asked for is under way.</summary>
    public bool IsRunning
    {
        get
        {
            lock (_gate)
            {
                return _places.Exists(static place => place.IsAsked);
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
            if (_places.Exists(static place => place.IsAsked) || _stop.IsCancellationRequested)
            {
                return;
            }

            foreach (var place in _places)
            {
                place.IsAsked = true;
                place.Scrubber.StartNow();
                place.Now.Release();
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _places.ForEach(static place => place.Now.Dispose());
        _stop.Dispose();
    }

    private async Task RunAsync(Place place)
    {
        var damages = new List<ScrubDamage>();
        try
        {
            for (; ; )
            {
                var step = await StepAsync(place, damages).ConfigureAwait(false);
                Interlocked.Add(ref _bytes, step.StoredBytes);
                Interlocked.Add(ref _chunks, step.Chunks);
                if (step.HasEndedAsked)
                {
                    Ended(place, isLeft: false);
                }

                if (!step.IsDue)
                {
                    await place.Now.WaitAsync(Interval, _stop.Token).ConfigureAwait(false);
                }
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
            Ended(place, isLeft: true);
        }
    }

    /// <summary>
    /// One step, and what follows of it. A chunk that cannot be looked at now is passed over, after a pause: as long as
    /// the store has not failed, the others are looked at.
    /// </summary>
    private async Task<ScrubStep> StepAsync(Place place, List<ScrubDamage> damages)
    {
        var step = default(ScrubStep);
        try
        {
            var nowMs = _clock.GetUtcNow().ToUnixTimeMilliseconds();
            step = await place.Scrubber.StepAsync(nowMs, damages, _stop.Token).ConfigureAwait(false);
        }
        catch (DistFsException e) when (e.Code != ErrorCatalog.ChunkStoreFailed)
        {
            LogPassedOver(_logger, e.Message);
            place.Scrubber.PassOver();
        }

        foreach (var ofChunk in damages.GroupBy(static damage => damage.Chunk))
        {
            await GiveUpAsync(place.Store, ofChunk.Key, ofChunk.Count()).ConfigureAwait(false);
        }

        damages.Clear();
        return step;
    }

    /// <summary>The last store makes the pass that was asked for one that ended.</summary>
    private void Ended(Place place, bool isLeft)
    {
        lock (_gate)
        {
            var wasAsked = place.IsAsked;
            place.IsAsked = false;
            if (isLeft)
            {
                _places.Remove(place);
            }

            if (!wasAsked || _places.Exists(static other => other.IsAsked))
            {
                return;
            }
        }

        Interlocked.Increment(ref _passes);
        LogPass(_logger, Chunks, Bytes);
    }

    private async Task GiveUpAsync(IChunkStore store, ChunkInfo info, int blocks)
    {
        if (store.TryGet(info.Chunk, out var now)
            && (now.Version, now.State) == (info.Version, ChunkState.Serving))
        {
            LogDamaged(_logger, blocks, info.Chunk, info.Version, store.Identity.Store);
            _open.Close(info.Chunk);
            _stores.DamagedToo(blocks - 1);
            try
            {
                await store.MarkLostAsync(info.Chunk, info.Version, FsStatus.Corrupt, CancellationToken.None)
                    .ConfigureAwait(false);
            }
            catch (DistFsException e) when (e.Code == ErrorCatalog.ChunkStoreFull)
            {
                // Whoever reads it finds out, as does the next pass.
                LogPassedOver(_logger, e.Message);
            }
        }
    }

    /// <summary>A store, and how far it is read.</summary>
    private sealed class Place(IChunkStore store, Scrubber scrubber)
    {
        public IChunkStore Store { get; } = store;

        public Scrubber Scrubber { get; } = scrubber;

        /// <summary>Released when somebody does not want to wait for the usual pace.</summary>
        public SemaphoreSlim Now { get; } = new(0);

        /// <summary>Whether a pass that was asked for is under way. Under the gate.</summary>
        public bool IsAsked { get; set; }
    }

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "{Count} blocks of chunk {Chunk} {Version} are damaged in store {Store}: the copy is given up, and "
            + "replaced from another server.")]
    private static partial void LogDamaged(
        ILogger logger, int count, ChunkId chunk, ChunkVersion version, StoreId store);

    [LoggerMessage(Level = LogLevel.Information, Message = "All was looked at: {Chunks} chunks, {Bytes} bytes so far.")]
    private static partial void LogPass(ILogger logger, long chunks, long bytes);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A chunk is not looked at in this pass: {Reason}")]
    private static partial void LogPassedOver(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A store is not looked at any more: {Reason}")]
    private static partial void LogEnded(ILogger logger, string reason);
}
