namespace DistFS.Metadata.Placement.Repair;

/// <summary>
/// Bytes per second over the last minute, or since the work began if that is less: a pause before it does not count.
/// </summary>
internal sealed class RateMeter
{
    private const int Seconds = 60;

    /// <summary>After so long without bytes, what comes is work of its own.</summary>
    private const long PauseMs = 5_000;

    private readonly long[] _bytes = new long[Seconds];
    private long _second = -1;
    private long _firstMs = -1;
    private long _lastMs = long.MinValue / 2;
    private long _sum;

    /// <summary>Work begins at a time, of which the first bytes come later.</summary>
    public void Begin(long nowMs)
    {
        if (nowMs - _lastMs > PauseMs)
        {
            Array.Clear(_bytes);
            (_sum, _firstMs) = (0, nowMs);
        }
    }

    /// <summary>Counts bytes that came at a time.</summary>
    public void Add(long bytes, long nowMs)
    {
        Advance(nowMs);
        _firstMs = _firstMs < 0 ? nowMs : _firstMs;
        _lastMs = nowMs;
        _bytes[_second % Seconds] += bytes;
        _sum += bytes;
    }

    /// <summary>The rate at a time.</summary>
    public long BytesPerSecond(long nowMs)
    {
        Advance(nowMs);
        return _firstMs < 0 ? 0 : _sum * 1000 / Math.Clamp(nowMs - _firstMs, 1000, Seconds * 1000);
    }

    private void Advance(long nowMs)
    {
        var second = nowMs / 1000;
        if (_second < 0 || second - _second >= Seconds)
        {
            Array.Clear(_bytes);
            (_sum, _second) = (0, Math.Max(_second, second));
        }

        while (_second < second)
        {
            _second++;
            _sum -= _bytes[_second % Seconds];
            _bytes[_second % Seconds] = 0;
        }
    }
}
