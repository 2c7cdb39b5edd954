using DistFS.Primitives;

namespace DistFS.Chunks;

/// <summary>How a store is scrubbed.</summary>
public sealed record ScrubberOptions
{
    /// <summary>Milliseconds of one pass over everything: a week.</summary>
    public long PassMs { get; init; } = 7L * 24 * 3600 * 1000;

    /// <summary>Bytes that are read in one step at most.</summary>
    public long StepBytesMax { get; init; } = 64 << 20;

    /// <summary>
    /// Bytes per second at least: what is damaged in a small store is found within the hour.
    /// </summary>
    public long BytesPerSecondMin { get; init; } = 256 << 10;

    /// <summary>Milliseconds from the end of a pass to the begin of the next.</summary>
    public long PauseMs { get; init; } = 60_000;
}

/// <summary>A block that is damaged.</summary>
/// <param name="Chunk">Its chunk, as it was found.</param>
/// <param name="Block">Which block.</param>
public readonly record struct ScrubDamage(ChunkInfo Chunk, BlockIndex Block);

/// <summary>What one step did.</summary>
/// <param name="Bytes">Bytes of chunks that were looked at, holes included.</param>
/// <param name="StoredBytes">Stored bytes that were read for it.</param>
/// <param name="Chunks">Chunks of which the last block was looked at.</param>
/// <param name="HasEndedPass">Whether everything has been looked at.</param>
/// <param name="HasEndedAsked">Whether a pass on demand has ended with it.</param>
/// <param name="IsDue">Whether there is more to do at once: a pass on demand is under way.</param>
public readonly record struct ScrubStep(
    long Bytes, long StoredBytes, long Chunks, bool HasEndedPass, bool HasEndedAsked, bool IsDue);

/// <summary>
/// Verifies every stored byte of a store, again and again, at an even pace. It has no thread and no clock: somebody
/// calls <see cref="StepAsync"/> every second or so, and decides what is done about damage. Where it was is kept by the
/// store. For one caller at a time.
/// </summary>
/// <remarks>
/// Before a chunk is read, and when it has been, the page cache gives up what it has of it: so what is verified is what
/// the disk has, and what clients read of other chunks stays in memory.
/// </remarks>
public sealed class Scrubber
{
    private const int BlocksAtOnce = 16;

    private readonly IChunkStore _store;
    private readonly ScrubberOptions _options;
    private readonly ScrubPace _pace;
    private readonly ChunkInfo[] _next = new ChunkInfo[1];
    private readonly List<BlockIndex> _found = [];
    private ScrubMark _mark;
    private long? _totalBytes;
    private long _pausesUntilMs = long.MinValue;
    private long _storedBytes;
    private long _chunks;
    private volatile bool _isUrgent;

    /// <summary>Goes on where the store was scrubbed last.</summary>
    public Scrubber(IChunkStore store, ScrubberOptions options)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.PassMs, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.StepBytesMax, nameof(options));
        (_store, _options, _mark) = (store, options, store.ScrubMark);
        _pace = new ScrubPace(options.PassMs, options.StepBytesMax, options.BytesPerSecondMin);
    }

    /// <summary>How far it is.</summary>
    public ScrubMark Mark => _mark;

    /// <summary>The next steps look at everything from the beginning, as quickly as they can. For any thread.</summary>
    public void StartNow() => _isUrgent = true;

    /// <summary>The chunk at which a step has thrown is not looked at in this pass: the next one comes next.</summary>
    public void PassOver()
    {
        if (_next[0].Chunk.Value < ulong.MaxValue && _next[0].Chunk.Value >= _mark.Next.Value)
        {
            _mark = _mark with { Next = new ChunkId(_next[0].Chunk.Value + 1), NextBlock = default };
        }
    }

    /// <summary>Looks at as much as the pace allows.</summary>
    /// <param name="nowMs">
    /// A clock that only grows, over restarts too: milliseconds since 1970, for instance.
    /// </param>
    /// <param name="damages">Gets the blocks that are damaged.</param>
    /// <param name="cancellation">Ends the step early.</param>
    /// <exception cref="DistFsException">
    /// The store failed, or a chunk cannot be looked at now: <see cref="PassOver"/>.
    /// </exception>
    public async ValueTask<ScrubStep> StepAsync(
        long nowMs, ICollection<ScrubDamage> damages, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(damages);
        var isUrgent = _isUrgent;
        if (isUrgent && !IsOnDemand)
        {
            _mark = new ScrubMark(default, default, nowMs, _mark.Passes);
            IsOnDemand = true;
            _totalBytes = null;
        }

        if (_mark.PassStartedMs == 0)
        {
            _mark = _mark with { PassStartedMs = nowMs };
        }

        var total = _totalBytes ??= TotalBytes();
        var paced = _pace.Allowed(nowMs, total);
        if (!IsOnDemand && nowMs < _pausesUntilMs)
        {
            return default;
        }

        var allowed = Math.Min(IsOnDemand ? long.MaxValue : paced, _options.StepBytesMax);
        (_storedBytes, _chunks) = (0, 0);
        var bytes = 0L;
        while (bytes < allowed && !cancellation.IsCancellationRequested)
        {
            if (_store.List(_mark.Next, _next) == 0)
            {
                var wasAsked = IsOnDemand;
                await EndPassAsync(nowMs, cancellation).ConfigureAwait(false);
                _pace.Used(bytes);
                return new ScrubStep(bytes, _storedBytes, _chunks, true, wasAsked, false);
            }

            bytes += LookAt(_next[0], damages);
        }

        if (!IsOnDemand)
        {
            _pace.Used(bytes);
        }

        if (bytes > 0)
        {
            await _store.SetScrubMarkAsync(_mark, cancellation).ConfigureAwait(false);
        }

        return new ScrubStep(bytes, _storedBytes, _chunks, false, false, IsOnDemand);
    }

    private bool IsOnDemand { get; set; }

    private long LookAt(in ChunkInfo chunk, ICollection<ScrubDamage> damages)
    {
        var first = chunk.Chunk == _mark.Next ? _mark.NextBlock : default;
        var end = ChunkLayout.BlocksOf(chunk.Length);
        var count = Math.Min(BlocksAtOnce, end - (int)first.Value);
        if (count > 0 && chunk.State != ChunkState.Lost)
        {
            if (first.Value == 0)
            {
                _store.DropCached(chunk.Chunk);
            }

            _found.Clear();
            _storedBytes += _store.Verify(chunk.Chunk, first, count, _found);
            foreach (var block in _found)
            {
                damages.Add(new ScrubDamage(chunk, block));
            }
        }

        var isThrough = first.Value + count >= end || chunk.State == ChunkState.Lost;
        if (isThrough && chunk.State != ChunkState.Lost)
        {
            _store.DropCached(chunk.Chunk);
            _chunks++;
        }

        _mark = _mark with
        {
            Next = !isThrough || chunk.Chunk.Value == ulong.MaxValue
                ? chunk.Chunk
                : new ChunkId(chunk.Chunk.Value + 1),
            NextBlock = isThrough ? default : new BlockIndex(first.Value + (uint)count),
        };

        // A chunk without a block costs a little too, or a step would not end.
        return Math.Max(1, count) * (long)ChunkLayout.BlockBytes;
    }

    private async ValueTask EndPassAsync(long nowMs, CancellationToken cancellation)
    {
        _mark = new ScrubMark(default, default, nowMs, _mark.Passes + 1);
        _totalBytes = null;
        _pausesUntilMs = nowMs + _options.PauseMs;
        if (IsOnDemand)
        {
            (IsOnDemand, _isUrgent) = (false, false);
        }

        await _store.SetScrubMarkAsync(_mark, cancellation).ConfigureAwait(false);
    }

    private long TotalBytes()
    {
        var page = new ChunkInfo[1024];
        var total = 0L;
        for (var from = default(ChunkId); ;)
        {
            var count = _store.List(from, page);
            for (var i = 0; i < count; i++)
            {
                total += Math.Max(1, ChunkLayout.BlocksOf(page[i].Length)) * (long)ChunkLayout.BlockBytes;
            }

            if (count < page.Length || page[^1].Chunk.Value == ulong.MaxValue)
            {
                return total;
            }

            from = new ChunkId(page[^1].Chunk.Value + 1);
        }
    }
}
