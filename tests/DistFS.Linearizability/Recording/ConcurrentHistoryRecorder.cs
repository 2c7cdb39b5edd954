namespace DistFS.Linearizability;

/// <summary>
/// Writes a history of real clients down, from any thread. Its clock must never go back and be the same for all
/// clients: Stopwatch.GetTimestamp is (the monotonic clock of the host), the time of day is not.
/// </summary>
/// <typeparam name="TInput">What is asked.</typeparam>
/// <typeparam name="TOutput">What is answered.</typeparam>
/// <param name="clock">Gives the stamps, from any thread.</param>
public sealed class ConcurrentHistoryRecorder<TInput, TOutput>(Func<long> clock)
{
    private readonly HistoryRecorder<TInput, TOutput> _recorder = new();
    private readonly Lock _lock = new();

    /// <summary>How many calls were made.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _recorder.Count;
            }
        }
    }

    /// <summary>A client is about to call, now: send the request after this returned.</summary>
    /// <param name="client">Who, for the reader.</param>
    /// <param name="input">What it asks.</param>
    /// <returns>Where the end is reported.</returns>
    public OpenOperation<TInput, TOutput> Invoke(long client, TInput input)
    {
        lock (_lock)
        {
            // Within the lock: waiting for it is not part of the operation, whose interval should be narrow.
            return _recorder.Add(client, input, clock(), clock);
        }
    }

    /// <summary>
    /// A client is about to call; <paramref name="time"/> was taken before. Send the request after this returned.
    /// </summary>
    /// <param name="client">Who, for the reader.</param>
    /// <param name="input">What it asks.</param>
    /// <param name="time">A stamp of the same clock.</param>
    /// <returns>Where the end is reported.</returns>
    public OpenOperation<TInput, TOutput> Invoke(long client, TInput input, long time)
    {
        lock (_lock)
        {
            return _recorder.Add(client, input, time, clock);
        }
    }

    /// <summary>What was recorded up to now; calls without a reported end are pending.</summary>
    public History<TInput, TOutput> ToHistory()
    {
        lock (_lock)
        {
            // Within the lock: otherwise an answer could come in that saw a call which this history does not have.
            return _recorder.ToHistory();
        }
    }
}
