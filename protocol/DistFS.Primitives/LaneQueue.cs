namespace DistFS.Primitives;

/// <summary>
/// The queue in front of a lane: many threads add, one thread takes everything that is there at once. Two lists that
/// change places, so that nothing is allocated, and a producer wakes the taker only when it sleeps.
/// </summary>
public sealed class LaneQueue<T>
{
    private readonly object _gate = new();
    private List<T> _filling = [];
    private List<T> _taken = [];
    private bool _isClosed;
    private bool _isWaiting;

    /// <summary>How many wait.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _filling.Count;
            }
        }
    }

    /// <summary>Adds; false, and nothing happens, once it is closed.</summary>
    public bool Add(T item)
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                return false;
            }

            _filling.Add(item);
            Wake();
            return true;
        }
    }

    /// <summary>
    /// Takes all items, in order; none if none came in time; null once it is closed and nothing waits. The list is the
    /// taker's until its next call.
    /// </summary>
    /// <param name="wait">For so long; <see cref="Timeout.InfiniteTimeSpan"/>: until one comes.</param>
    public List<T>? TakeAll(TimeSpan wait)
    {
        lock (_gate)
        {
            _taken.Clear();
            if (_filling.Count == 0 && !_isClosed && wait != TimeSpan.Zero)
            {
                // Woken early for no reason it just returns nothing: the taker looks at its clock anyway.
                _isWaiting = true;
                Monitor.Wait(
                    _gate, wait < TimeSpan.Zero ? Timeout.Infinite : (int)Math.Ceiling(wait.TotalMilliseconds));
                _isWaiting = false;
            }

            if (_isClosed && _filling.Count == 0)
            {
                return null;
            }

            (_filling, _taken) = (_taken, _filling);
            return _taken;
        }
    }

    /// <summary>Takes no more; what waits is taken yet, and then the taker ends.</summary>
    public void Complete() => Close(drops: false);

    /// <summary>Drops what waits; the taker ends.</summary>
    public void Close() => Close(drops: true);

    private void Close(bool drops)
    {
        lock (_gate)
        {
            _isClosed = true;
            if (drops)
            {
                _filling.Clear();
            }

            Wake();
        }
    }

    private void Wake()
    {
        if (_isWaiting)
        {
            _isWaiting = false;
            Monitor.Pulse(_gate);
        }
    }
}
