namespace DistFS.Linearizability;

/// <summary>
/// A call that was made and whose end its caller reports, once. What is never reported is pending, as after a crash of
/// the client. One thread reports; another may take the history meanwhile.
/// </summary>
/// <typeparam name="TInput">What was asked.</typeparam>
/// <typeparam name="TOutput">What was answered.</typeparam>
public sealed class OpenOperation<TInput, TOutput>
{
    private readonly Operation<TInput, TOutput> _call;
    private readonly Func<long>? _clock;

    /// <summary>Null while open; written once, last, so that a reader sees all of an end or none.</summary>
    private volatile End? _end;

    internal OpenOperation(Operation<TInput, TOutput> call, Func<long>? clock) => (_call, _clock) = (call, clock);

    private enum Outcome
    {
        Returned,
        Unknown,
        Failed,
    }

    /// <summary>The answer came at this time.</summary>
    /// <param name="output">The answer.</param>
    /// <param name="time">A stamp taken after the answer was received.</param>
    /// <exception cref="InvalidOperationException">The end was reported before.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The time is before the call.</exception>
    public void Return(TOutput output, long time) => Finish(
        Outcome.Returned,
        Operation.Completed(_call.Client, _call.InvokeTime, time, _call.Input, output));

    /// <summary>The answer came now, by the recorder's clock.</summary>
    /// <exception cref="InvalidOperationException">The end was reported before, or there is no clock.</exception>
    public void Return(TOutput output)
    {
        // First the clock: the sooner the stamp, the more the history says.
        var time = (_clock ?? throw new InvalidOperationException(
            "This recorder has no clock: give the time to Return."))();
        Return(output, time);
    }

    /// <summary>
    /// No answer, or one that does not tell whether there was an effect: a time-out, a lost connection.
    /// </summary>
    /// <exception cref="InvalidOperationException">The end was reported before.</exception>
    public void Unknown() => Finish(Outcome.Unknown, _call);

    /// <summary>
    /// It certainly had no effect and says nothing about the state, such as a refused connection: it is left out. If in
    /// doubt it is <see cref="Unknown"/>.
    /// </summary>
    /// <exception cref="InvalidOperationException">The end was reported before.</exception>
    public void Failed() => Finish(Outcome.Failed, _call);

    /// <summary>What a history says of it; null if it is left out.</summary>
    internal Operation<TInput, TOutput>? ToOperation() => _end switch
    {
        null => _call,
        { Outcome: Outcome.Failed } => null,
        { Operation: var operation } => operation,
    };

    private void Finish(Outcome outcome, Operation<TInput, TOutput> operation)
    {
        if (Interlocked.CompareExchange(ref _end, new End(outcome, operation), null) is not null)
        {
            throw new InvalidOperationException($"The end of this operation was reported before: {ToOperation()}.");
        }
    }

    private sealed record End(Outcome Outcome, Operation<TInput, TOutput> Operation);
}
