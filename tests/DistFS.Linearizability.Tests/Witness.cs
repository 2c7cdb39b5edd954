namespace DistFS.Linearizability.Tests;

/// <summary>Replays the order that the checker gives as its reason: a wrong "linearizable" cannot have one.</summary>
internal static class Witness
{
    public static void Holds<TState, TInput, TOutput>(
        IModel<TState, TInput, TOutput> model, History<TInput, TOutput> history, CheckResult result)
        where TState : notnull, IEquatable<TState>
    {
        Assert.True(result.IsLinearizable, result.Explanation);
        Assert.Empty(result.Explanation);
        Assert.Empty(result.Culprits);
        var all = result.Parts.SelectMany(part => part.Order).ToList();
        Assert.Equal(all.Count, all.Distinct().Count());
        Assert.All(Enumerable.Range(0, history.Count).Where(i => !history[i].IsPending), i => Assert.Contains(i, all));
        foreach (var part in result.Parts)
        {
            var state = model.Initial;
            var latestCall = long.MinValue;
            foreach (var operation in part.Order.Select(index => history[index]))
            {
                Assert.Equal(part.Key, model.Partition(operation.Input));

                // Nothing may stand behind an operation that was called after its own answer.
                Assert.True(operation.ReturnTime >= latestCall, $"{operation} is placed too late");
                latestCall = Math.Max(latestCall, operation.InvokeTime);
                if (operation.IsPending)
                {
                    state = model.StepUnknown(state, operation.Input);
                }
                else
                {
                    Assert.True(
                        model.TryStep(state, operation.Input, operation.Output!, out var next),
                        $"{operation} is wrong in state {state}");
                    state = next;
                }
            }
        }
    }
}
