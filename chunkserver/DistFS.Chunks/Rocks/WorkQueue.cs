namespace DistFS.Chunks;

/// <summary>
/// The queue in front of a thread: many add, one takes everything that is there at once. Two lists that change places.
/// </summary>
internal sealed class WorkQueue<T>
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
            if (_isWaiting)
            {
                _isWaiting = false;
                Monitor.Pulse(_gate);
            }

            return true;
        }
    }

    /// <summary>
    /// Takes all items, in order, and waits for the first. Null once it is closed and empty. The list is the taker's
    /// until its next call.
    /// </summary>
    public List<T>? TakeAll()
    {
        lock (_gate)
        {
            _taken.Clear();
            while (_filling.Count == 0)
            {
                if (_isClosed)
                {
                    return null;
                }

                _isWaiting = true;
                Monitor.Wait(_gate);
            }

            (_filling, _taken) = (_taken, _filling);
            return _taken;
        }
    }

    /// <summary>Takes no more; what waits is still taken.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            Monitor.PulseAll(_gate);
        }
    }
}
