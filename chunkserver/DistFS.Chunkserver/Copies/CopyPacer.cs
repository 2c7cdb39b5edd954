using DistFS.Protocol;

namespace DistFS.Chunkserver.Copies;

/// <summary>
/// Counts what clients say that their reads took, and what writes take, and lets a <see cref="CopyGovernor"/> say how
/// fast copies may be: those that are made here, and those that others make from here.
/// </summary>
internal sealed class CopyPacer : IAsyncDisposable
{
    private const int SmallBytes = 16 << 10;

    private readonly long[] _counts = new long[LatencyWindow.Kinds * LatencyWindow.Buckets];
    private readonly CopyGovernor _governor = new();
    private readonly LatencyWindow _requests = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<bool> _isCopying;
    private readonly TimeProvider _clock;
    private Task _running = Task.CompletedTask;
    private long _takenBefore;
    private long _limit = long.MaxValue;
    private int _percent;

    /// <param name="made">Of copies that are made here.</param>
    /// <param name="isCopying">Whether there are any.</param>
    /// <param name="clock">Whose time.</param>
    public CopyPacer(CopyRate made, Func<bool> isCopying, TimeProvider clock)
    {
        (Made, Given, _isCopying, _clock) = (made, new CopyRate(clock), isCopying, clock);
    }

    /// <summary>How fast copies are that are made here.</summary>
    public CopyRate Made { get; }

    /// <summary>How fast others may take copies from here.</summary>
    public CopyRate Given { get; }

    /// <summary>What the leader allows, in bytes per second.</summary>
    public long Limit
    {
        get => Volatile.Read(ref _limit);
        set => Volatile.Write(ref _limit, value);
    }

    /// <summary>What clients feel, in percent of what it is without copies; 0: not known.</summary>
    public int Percent => Volatile.Read(ref _percent);

    /// <summary>From here on it lets copies give way, four times a second.</summary>
    public void Start() => _running = Task.Run(RunAsync);

    /// <summary>A client tells how long it waited for a read here, the last that it made or one before.</summary>
    public void Felt(ReadChunkRequest request)
    {
        if (request.FeltUs > 0)
        {
            var blocks = request.FeltBlocks;
            Count(blocks == 0 ? 0 : blocks == 1 ? 1 : blocks <= 4 ? 2 : 3, request.FeltUs * 1_000L);
        }
    }

    /// <summary>A write took so long here, and in the chain behind.</summary>
    public void Wrote(int bytes, bool isDurable, TimeSpan took) =>
        Count(isDurable && bytes <= SmallBytes ? 4 : 5, (long)took.TotalNanoseconds);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stop.Dispose();
    }

    private void Count(int kind, long nanoseconds) =>
        Interlocked.Increment(ref _counts[(kind * LatencyWindow.Buckets) + LatencyWindow.BucketOf(nanoseconds)]);

    private async Task RunAsync()
    {
        try
        {
            using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1) / CopyGovernor.StepsPerSecond, _clock);
            do
            {
                Step();
            }
            while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopped.
        }
    }

    /// <summary>A quarter of a second has passed. One thread at a time.</summary>
    internal void Step()
    {
        _requests.Clear();
        for (var i = 0; i < _counts.Length; i++)
        {
            if (Volatile.Read(ref _counts[i]) > 0)
            {
                var count = Interlocked.Exchange(ref _counts[i], 0);
                _requests.Add(i / LatencyWindow.Buckets, i % LatencyWindow.Buckets, count);
            }
        }

        var taken = Made.TakenBytes + Given.TakenBytes;
        _governor.Step(_requests, taken != _takenBefore || _isCopying(), Limit);
        _takenBefore = taken;
        Made.BytesPerSecond = Given.BytesPerSecond = _governor.BytesPerSecond;
        Volatile.Write(ref _percent, _governor.Percent);
    }
}
