namespace DistFS.Fuse;

/// <summary>
/// Bytes of requests that are taken and not answered. Beyond the limit readers pause, but for one: it goes on with one
/// request after each pause, so that an INTERRUPT, which the kernel hands out before anything else, is read within one
/// pause, however full it is. What it reads in that way is what the limit can be exceeded by.
/// </summary>
/// <param name="limitBytes">Readers pause from here on.</param>
/// <param name="pause">One request more after each.</param>
internal sealed class FlightBudget(long limitBytes, TimeSpan pause)
{
    private readonly object _gate = new();
    private long _usedBytes;
    private int _waiting;
    private bool _hasSentry;
    private bool _isClosed;

    public long UsedBytes => Interlocked.Read(ref _usedBytes);

    private bool IsFull => Interlocked.Read(ref _usedBytes) >= limitBytes;

    public void Add(long bytes) => Interlocked.Add(ref _usedBytes, bytes);

    public void Remove(long bytes)
    {
        var left = Interlocked.Add(ref _usedBytes, -bytes);
        if (left < limitBytes && Volatile.Read(ref _waiting) > 0)
        {
            lock (_gate)
            {
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <summary>A reader's wait before it takes a request.</summary>
    public void WaitForRoom()
    {
        if (!IsFull)
        {
            return;
        }

        lock (_gate)
        {
            Interlocked.Increment(ref _waiting);
            try
            {
                while (IsFull && !_isClosed)
                {
                    if (_hasSentry)
                    {
                        Monitor.Wait(_gate);
                        continue;
                    }

                    _hasSentry = true;
                    var isEarly = Monitor.Wait(_gate, pause);
                    _hasSentry = false;
                    if (!isEarly)
                    {
                        return;
                    }
                }
            }
            finally
            {
                Interlocked.Decrement(ref _waiting);
            }
        }
    }

    /// <summary>Nobody waits any more.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            Monitor.PulseAll(_gate);
        }
    }
}
