namespace DistFS.Chunks;

/// <summary>
/// How much the scrubber may read: what a pass has to read, spread evenly over the time that it has. Pure.
/// </summary>
/// <param name="passMs">Milliseconds of one pass.</param>
/// <param name="burstBytes">What is not used is kept up to this.</param>
public sealed class ScrubPace(long passMs, long burstBytes)
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
        _credit = Math.Min(burstBytes, _credit + ((double)totalBytes * elapsed / passMs));
        return (long)_credit;
    }

    /// <summary>Says what was read.</summary>
    public void Used(long bytes) => _credit = Math.Max(-burstBytes, _credit - bytes);
}
