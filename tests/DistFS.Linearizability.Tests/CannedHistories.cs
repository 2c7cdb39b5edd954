namespace DistFS.Linearizability.Tests;

/// <summary>
/// Short histories written by hand, as lines of (client, from, to, question, answer) in the order of their calls.
/// </summary>
public abstract class CannedHistories<TState, TInput, TOutput>(IModel<TState, TInput, TOutput> model)
    where TState : notnull, IEquatable<TState>
{
    protected static Operation<TInput, TOutput> Op(long client, long from, long to, TInput input, TOutput output) =>
        Operation.Completed(client, from, to, input, output);

    /// <summary>An operation of unknown outcome.</summary>
    protected static Operation<TInput, TOutput> Open(long client, long from, TInput input) =>
        Operation.Pending<TInput, TOutput>(client, from, input);

    protected void Legal(params Operation<TInput, TOutput>[] operations)
    {
        var history = new History<TInput, TOutput>(operations);
        Assert.Equal(operations, history);
        Witness.Holds(model, history, LinearizabilityChecker.Check(model, history));
        Assert.True(BruteForce.IsLinearizable(model, operations), "brute force finds no order");
    }

    /// <param name="culprit">The operation whose answer is the first that is impossible.</param>
    /// <param name="operations">The history.</param>
    protected void Illegal(int culprit, params Operation<TInput, TOutput>[] operations)
    {
        var history = new History<TInput, TOutput>(operations);
        Assert.Equal(operations, history);
        var result = LinearizabilityChecker.Check(model, history);
        Assert.Equal(Verdict.Illegal, result.Verdict);
        Assert.False(BruteForce.IsLinearizable(model, operations), "brute force finds an order");
        Assert.Equal([culprit], result.Culprits);
        Assert.Contains(
            FormattableString.Invariant($"\n > #{culprit} {operations[culprit]}"),
            result.Explanation,
            StringComparison.Ordinal);
    }
}
