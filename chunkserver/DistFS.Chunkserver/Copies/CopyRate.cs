namespace DistFS.Chunkserver.Copies;

/// <summary>
/// How fast copies may be, all together: a bucket of bytes that fills with time. Who takes more than is there goes into
/// debt, and the next one waits until it is paid.
/// </summary>
/// <param name="clock">Whose time.</param>
internal sealed class CopyRate(TimeProvider clock)
{
    /// <summary>So much may be taken at once after a pause.</summary>
    private static readonly TimeSpan Burst = TimeSpan.FromMilliseconds(20);

    private readonly Lock _gate = new();
    private long _bytesPerSecond;
    private double _bytes;
    private long _taken;
    private long _filledAt = clock.GetTimestamp();

    /// <summary>As fast as it goes until something else is said; 0 is that.</summary>
    public long BytesPerSecond
    {
        get
        {
            lock (_gate)
            {
                return _bytesPerSecond;
            }
        }

        set
        {
            lock (_gate)
            {
                Fill();
                _bytesPerSecond = Math.Max(0, value);
            }
        }
    }

    /// <summary>All that was taken.</summary>
    public long TakenBytes
    {
        get
        {
            lock (_gate)
            {
                return _taken;
            }
        }
    }

    /// <summary>Waits until the debt is paid, and takes.</summary>
    public async ValueTask TakeAsync(int bytes, CancellationToken cancellation)
    {
        for (TimeSpan wait; (wait = TryTake(bytes)) > TimeSpan.Zero;)
        {
            await Task.Delay(wait, clock, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>What was taken was more, or less.</summary>
    public void Correct(int bytes)
    {
        lock (_gate)
        {
            _bytes -= bytes;
            _taken += bytes;
        }
    }

    /// <summary>Zero: taken; else nothing was, and it is to be asked for again after so long.</summary>
    internal TimeSpan TryTake(int bytes)
    {
        lock (_gate)
        {
            Fill();
            if (_bytesPerSecond == 0)
            {
                _taken += bytes;
                return TimeSpan.Zero;
            }

            if (_bytes < 0)
            {
                // The rate may change meanwhile: it is looked at again before long.
                var seconds = Math.Clamp(-_bytes / _bytesPerSecond, 0.001, 0.5);
                return TimeSpan.FromSeconds(seconds);
            }

            _bytes -= bytes;
            _taken += bytes;
            return TimeSpan.Zero;
        }
    }

    private void Fill()
    {
        var now = clock.GetTimestamp();
        var passed = clock.GetElapsedTime(_filledAt, now);
        _filledAt = now;
        _bytes = _bytesPerSecond == 0
            ? 0 : Math.Min(_bytes + (passed.TotalSeconds * _bytesPerSecond), Burst.TotalSeconds * _bytesPerSecond);
    }
}
