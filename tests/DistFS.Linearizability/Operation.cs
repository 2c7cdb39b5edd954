using System.Globalization;

namespace DistFS.Linearizability;

/// <summary>Makes operations of a history.</summary>
public static class Operation
{
    /// <summary>An operation whose answer came.</summary>
    /// <param name="client">Who called.</param>
    /// <param name="invokeTime">Stamp of the call.</param>
    /// <param name="returnTime">Stamp of the answer, not before <paramref name="invokeTime"/>.</param>
    /// <param name="input">What was asked.</param>
    /// <param name="output">What was answered.</param>
    /// <exception cref="ArgumentOutOfRangeException">The answer came before the call.</exception>
    public static Operation<TInput, TOutput> Completed<TInput, TOutput>(
        long client, long invokeTime, long returnTime, TInput input, TOutput output)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(returnTime, invokeTime);
        ArgumentOutOfRangeException.ThrowIfEqual(returnTime, Operation<TInput, TOutput>.Never);
        return new(client, invokeTime, returnTime, input, output);
    }

    /// <summary>
    /// An operation of unknown outcome: timed out, its client crashed, or still open when the history was taken. It may
    /// take effect at any time after its call, once, or never.
    /// </summary>
    /// <param name="client">Who called.</param>
    /// <param name="invokeTime">Stamp of the call.</param>
    /// <param name="input">What was asked.</param>
    public static Operation<TInput, TOutput> Pending<TInput, TOutput>(long client, long invokeTime, TInput input) =>
        new(client, invokeTime, Operation<TInput, TOutput>.Never, input, default);
}

/// <summary>One call of a history, with the interval in which it took effect.</summary>
/// <typeparam name="TInput">What a model's operations are asked; its ToString is shown to people.</typeparam>
/// <typeparam name="TOutput">What they answer; its ToString is shown to people.</typeparam>
public sealed class Operation<TInput, TOutput>
{
    /// <summary>The <see cref="ReturnTime"/> of a pending operation.</summary>
    public const long Never = long.MaxValue;

    internal Operation(long client, long invokeTime, long returnTime, TInput input, TOutput? output)
    {
        Client = client;
        InvokeTime = invokeTime;
        ReturnTime = returnTime;
        Input = input;
        Output = output;
    }

    /// <summary>Who called: shown to people; the verdict depends on the times only.</summary>
    public long Client { get; }

    /// <summary>When the call was made, in the recorder's unit.</summary>
    public long InvokeTime { get; }

    /// <summary>When the answer was seen; <see cref="Never"/> if pending.</summary>
    public long ReturnTime { get; }

    /// <summary>What was asked.</summary>
    public TInput Input { get; }

    /// <summary>What was answered; default if pending.</summary>
    public TOutput? Output { get; }

    /// <summary>Whether the outcome is unknown.</summary>
    public bool IsPending => ReturnTime == Never;

    /// <summary>The same call as it was known before its answer came.</summary>
    internal Operation<TInput, TOutput> AsPending() => new(Client, InvokeTime, Never, Input, default);

    /// <summary>The same call of another model.</summary>
    internal Operation<TOther, TOutput> WithInput<TOther>(TOther input) =>
        new(Client, InvokeTime, ReturnTime, input, Output);

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"client {Client} [{InvokeTime} .. {(IsPending ? "?" : ReturnTime)}] {Input} -> "
        + $"{(IsPending ? "unknown" : Output)}");
}
