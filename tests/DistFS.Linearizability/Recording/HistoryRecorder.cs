namespace DistFS.Linearizability;

/// <summary>
/// Writes a history down in a single-threaded world, such as the simulator, which gives the stamps: best the number of
/// its events, since virtual time has many equal stamps and those make operations overlap that did not.
/// </summary>
/// <typeparam name="TInput">What is asked.</typeparam>
/// <typeparam name="TOutput">What is answered.</typeparam>
public sealed class HistoryRecorder<TInput, TOutput>
{
    private readonly List<OpenOperation<TInput, TOutput>> _operations = [];

    /// <summary>How many calls were made.</summary>
    public int Count => _operations.Count;

    /// <summary>A client is about to call.</summary>
    /// <param name="client">Who, for the reader.</param>
    /// <param name="input">What it asks.</param>
    /// <param name="time">A stamp taken before the request is sent.</param>
    /// <returns>Where the end is reported.</returns>
    public OpenOperation<TInput, TOutput> Invoke(long client, TInput input, long time) =>
        Add(client, input, time, null);

    /// <summary>What was recorded up to now; calls without a reported end are pending.</summary>
    public History<TInput, TOutput> ToHistory() =>
        new(_operations.Select(operation => operation.ToOperation()).OfType<Operation<TInput, TOutput>>());

    internal OpenOperation<TInput, TOutput> Add(long client, TInput input, long time, Func<long>? clock)
    {
        var operation = new OpenOperation<TInput, TOutput>(
            Operation.Pending<TInput, TOutput>(client, time, input), clock);
        _operations.Add(operation);
        return operation;
    }
}
