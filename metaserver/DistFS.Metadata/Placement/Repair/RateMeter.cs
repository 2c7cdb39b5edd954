namespace DistFS.Metadata.Placement.Repair;

/// <summary>Bytes per second over the last minute, or since the first of them if that is less.</summary>
internal sealed class RateMeter
{
    private const int Seconds = 60;

    private readonly long[] _bytes = new long[Seconds];
    private long _second = -1;
    private long _first = -1;
    private long _sum;

    /// <summary>Counts bytes that came at a time.</summary>
    public void Add(long bytes, long nowMs)
    {
        Advance(nowMs);
        _first = _first < 0 ? _second : _first;
        _bytes[_second % Seconds] += bytes;
        _sum += bytes;
    }

    /// <summary>The rate at a time.</summary>
    public long BytesPerSecond(long nowMs)
    {
        Advance(nowMs);
        return _first < 0 ? 0 : _sum / Math.Clamp(_second - _first + 1, 1, Seconds);
    }

    private void Advance(long nowMs)
    {
        var second = nowMs / 1000;
        if (_second < 0 || second - _second >= Seconds)
        {
            Array.Clear(_bytes);
            (_sum, _second, _first) = (0, Math.Max(_second, second), -1);
        }

        while (_second < second)
        {
            _second++;
            _sum -= _bytes[_second % Seconds];
            _bytes[_second % Seconds] = 0;
        }
    }
}
