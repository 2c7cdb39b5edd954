namespace DistFS.Simulation;

/// <summary>
/// What is to happen, by (time, order of scheduling): PriorityQueue alone would not keep equal times in order.
/// </summary>
public sealed class EventQueue
{
    private readonly PriorityQueue<Action, (long Time, ulong Sequence)> _queue = new();
    private ulong _sequence;

    /// <summary>Virtual microseconds since the start of the world.</summary>
    public long Now { get; private set; }

    /// <summary>Events that have happened.</summary>
    public long Done { get; private set; }

    /// <summary>Events that are to happen.</summary>
    public int Count => _queue.Count;

    /// <summary>Lets something happen that many microseconds from now.</summary>
    public void After(long delay, Action action) =>
        _queue.Enqueue(action, (Now + Math.Max(0, delay), _sequence++));

    /// <summary>Lets something happen then, or now if that is over.</summary>
    public void At(long time, Action action) => After(time - Now, action);

    /// <summary>Lets the next thing happen, unless that would be after <paramref name="end"/>.</summary>
    public bool RunOne(long end)
    {
        if (!_queue.TryPeek(out _, out var key) || key.Time > end)
        {
            Now = Math.Max(Now, end);
            return false;
        }

        var action = _queue.Dequeue();
        Now = key.Time;
        Done++;
        action();
        return true;
    }
}
