using DistFS.Metadata.Chunks;

namespace DistFS.Metadata.Placement.Repair;

/// <summary>
/// What repair may ask of a server: copies at once, and bytes per second that fall by half when clients feel too much
/// and rise by a sixteenth of the most when they do not (additive increase, multiplicative decrease: Chiu and Jain,
/// 1989).
/// </summary>
internal sealed class ServerThrottle(RepairOptions options, long nowMs)
{
    private const long AdaptMs = 1_000;
    private const int IncreaseParts = 16;

    private ByteBucket _bytes = new(options.BytesPerSecondMax, nowMs);
    private long _adaptedMs = nowMs - AdaptMs;
    private long _flying;

    /// <summary>Copies it takes part in.</summary>
    public int InFlight { get; private set; }

    /// <summary>What it may send and receive now.</summary>
    public long BytesPerSecond => _bytes.BytesPerSecond;

    /// <summary>Whether it cannot take part in one more.</summary>
    public bool IsBusy => InFlight >= options.InFlightMax
        || _flying + ChunkLayout.ChunkBytes > options.InFlightBytesMax || !_bytes.HasAny;

    /// <summary>Time goes on.</summary>
    public void Advance(long nowMs) => _bytes.Advance(nowMs);

    /// <summary>It takes part in a copy.</summary>
    public void Begin(long bytes)
    {
        InFlight++;
        _flying += bytes;
        _bytes.Take(bytes);
    }

    /// <summary>A copy has ended, well or not.</summary>
    /// <param name="bytes">As it began.</param>
    public void End(long bytes)
    {
        InFlight--;
        _flying -= bytes;
    }

    /// <summary>Clients' latency there, in percent of what it is without repair; counts once a second.</summary>
    public void Feel(int latencyPercent, long nowMs)
    {
        if (nowMs - _adaptedMs < AdaptMs)
        {
            return;
        }

        var rate = _bytes.BytesPerSecond;
        var next = latencyPercent > options.LatencyPercentMax ? rate / 2
            : latencyPercent < options.LatencyPercentGood
                ? rate + Math.Max(1, options.BytesPerSecondMax / IncreaseParts)
            : rate;
        _adaptedMs = nowMs;
        _bytes.SetRate(Math.Clamp(next, options.BytesPerSecondMin, options.BytesPerSecondMax));
    }
}
