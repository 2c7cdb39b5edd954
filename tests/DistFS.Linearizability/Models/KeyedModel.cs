namespace DistFS.Linearizability;

/// <summary>
/// Many independent objects of one kind, told apart by a key; each key is a part and is checked on its own. Its state
/// is that of one key, so it is a model only of histories that were split, as the checker does.
/// </summary>
/// <typeparam name="TKey">Tells the objects apart; compared by Equals.</typeparam>
/// <typeparam name="TState">State of one.</typeparam>
/// <typeparam name="TInput">What one is asked.</typeparam>
/// <typeparam name="TOutput">What one answers.</typeparam>
/// <param name="inner">The model of each.</param>
public sealed class KeyedModel<TKey, TState, TInput, TOutput>(IModel<TState, TInput, TOutput> inner)
    : IModel<TState, Keyed<TKey, TInput>, TOutput>
    where TKey : notnull
    where TState : notnull, IEquatable<TState>
{
    /// <inheritdoc/>
    public TState Initial => inner.Initial;

    /// <inheritdoc/>
    public bool TryStep(TState state, Keyed<TKey, TInput> input, TOutput output, out TState next) =>
        inner.TryStep(state, input.Input, output, out next);

    /// <inheritdoc/>
    public TState StepUnknown(TState state, Keyed<TKey, TInput> input) => inner.StepUnknown(state, input.Input);

    /// <summary>The key, and within it the part that the inner model separates.</summary>
    public object? Partition(Keyed<TKey, TInput> input) =>
        inner.Partition(input.Input) is { } part ? (input.Key, part) : input.Key;

    /// <inheritdoc/>
    public IModel<TState, Keyed<TKey, TInput>, TOutput> For(
        IReadOnlyList<Operation<Keyed<TKey, TInput>, TOutput>> operations) =>
        new KeyedModel<TKey, TState, TInput, TOutput>(
            inner.For([.. operations.Select(operation => operation.WithInput(operation.Input.Input))]));
}

/// <summary>An operation on one of many objects.</summary>
/// <param name="Key">Which object.</param>
/// <param name="Input">What it is asked.</param>
public readonly record struct Keyed<TKey, TInput>(TKey Key, TInput Input)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Key}: {Input}";
}
