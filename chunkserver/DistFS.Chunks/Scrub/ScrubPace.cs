namespace DistFS.Chunks;

/// <summary>
/// How much the scrubber may read: what a pass has to read, spread evenly over the time that it has, and no less than
/// a rate. Pure.
/// </summary>
/// <param name="passMs">Milliseconds of one pass.</param>
/// <param name="burstBytes">What is not used is kept up to this.</param>
/// <param name="bytesPerSecondMin">However little there is to read.</param>
public sealed class ScrubPace(long passMs, long burstBytes, long bytesPerSecondMin = 0)
{
    private double _credit;
    private long? _lastMs;

    /// <summary>Bytes that may be read now.</summary>
    /// <param name="nowMs">A clock that only grows; a step back is none.</param>
    /// <param name="totalBytes">What one pass reads.</param>
    public long Allowed(long nowMs, long totalBytes)
    {
        var elapsed = Math.Max(0, nowMs - (_lastMs ?? nowMs));
        _lastMs = Math.Max(nowMs, _lastMs ?? nowMs);
        var rate = Math.Max((double)totalBytes / passMs, bytesPerSecondMin / 1_000.0);
        _credit = Math.Min(burstBytes, _credit + (rate * elapsed));
        return (long)_credit;
    }

    /// <summary>Says what was read.</summary>
    public void Used(long bytes) => _credit = Math.Max(-burstBytes, _credit - bytes);
}
