using System.Collections;

namespace DistFS.Linearizability;

/// <summary>
/// What clients asked and saw, ordered by the time of the call. An operation happened before another if its answer has
/// a smaller stamp than the other's call; equal stamps overlap, which accepts more, so stamps should be unique.
/// </summary>
/// <typeparam name="TInput">What was asked.</typeparam>
/// <typeparam name="TOutput">What was answered.</typeparam>
public sealed class History<TInput, TOutput> : IReadOnlyList<Operation<TInput, TOutput>>
{
    private readonly Operation<TInput, TOutput>[] _operations;

    /// <summary>Takes the operations of all clients, in any order.</summary>
    public History(IEnumerable<Operation<TInput, TOutput>> operations) =>
        _operations = [.. operations.OrderBy(operation => operation.InvokeTime)];

    /// <summary>How many operations there are, pending ones too.</summary>
    public int Count => _operations.Length;

    /// <summary>The operation that explanations call #<paramref name="index"/>.</summary>
    public Operation<TInput, TOutput> this[int index] => _operations[index];

    /// <inheritdoc/>
    public IEnumerator<Operation<TInput, TOutput>> GetEnumerator() =>
        ((IEnumerable<Operation<TInput, TOutput>>)_operations).GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => _operations.GetEnumerator();
}
