namespace DistFS.Linearizability;

/// <summary>
/// The sequential specification of an object: which answers are right when operations run one after the other. A model
/// is pure: the same arguments give the same result, and a state is never changed in place.
/// </summary>
/// <typeparam name="TState">All that later answers depend on. Equal states must compare equal: the search
/// remembers them.</typeparam>
/// <typeparam name="TInput">What an operation asks.</typeparam>
/// <typeparam name="TOutput">What it answers.</typeparam>
public interface IModel<TState, TInput, TOutput>
    where TState : notnull, IEquatable<TState>
{
    /// <summary>The state before the first operation.</summary>
    TState Initial { get; }

    /// <summary>Runs an operation whose answer is known.</summary>
    /// <param name="state">The state in which it runs.</param>
    /// <param name="input">What it asks.</param>
    /// <param name="output">What it answered.</param>
    /// <param name="next">The state after it; <paramref name="state"/> if false.</param>
    /// <returns>Whether the answer is right in that state.</returns>
    bool TryStep(TState state, TInput input, TOutput output, out TState next);

    /// <summary>
    /// Runs an operation whose answer nobody saw. Returns <paramref name="state"/> where it changes nothing: the search
    /// then leaves it out, as an operation without effect explains nothing.
    /// </summary>
    TState StepUnknown(TState state, TInput input);

    /// <summary>
    /// The part of the object that <paramref name="input"/> works on. Parts that share no state are checked on their
    /// own (Horn and Kroening 2015), which turns one large search into small ones. Null: there is one part.
    /// </summary>
    object? Partition(TInput input) => null;

    /// <summary>
    /// A model that gives the same verdict on these <paramref name="operations"/> but may refuse, sooner, steps that
    /// cannot end well, because it has seen all answers. For instance a list that was read as [1, 2] refuses to append
    /// 2 first; the plain model would find out only at the read, after trying every order of what comes between.
    /// </summary>
    IModel<TState, TInput, TOutput> For(IReadOnlyList<Operation<TInput, TOutput>> operations) => this;
}
