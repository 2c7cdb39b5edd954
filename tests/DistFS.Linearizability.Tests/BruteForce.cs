namespace DistFS.Linearizability.Tests;

/// <summary>
/// The definition, run as it stands: every order of the operations that respects time, each pending one in or out. No
/// memory, no parts, no hints of the model, no list of events: nothing of what the checker could get wrong.
/// </summary>
internal static class BruteForce
{
    public const int OperationsMax = 9;

    public static bool IsLinearizable<TState, TInput, TOutput>(
        IModel<TState, TInput, TOutput> model, IReadOnlyList<Operation<TInput, TOutput>> operations)
        where TState : notnull, IEquatable<TState>
    {
        Assert.True(operations.Count <= OperationsMax);
        return Extend(model.Initial, new bool[operations.Count]);

        bool Extend(TState state, bool[] placed)
        {
            if (Enumerable.Range(0, placed.Length).All(i => placed[i] || operations[i].IsPending))
            {
                return true;
            }

            for (var i = 0; i < placed.Length; i++)
            {
                if (placed[i] || IsTooEarly(i, placed))
                {
                    continue;
                }

                var next = state;
                if (operations[i].IsPending)
                {
                    next = model.StepUnknown(state, operations[i].Input);
                }
                else if (!model.TryStep(state, operations[i].Input, operations[i].Output!, out next))
                {
                    continue;
                }

                placed[i] = true;
                if (Extend(next, placed))
                {
                    return true;
                }

                placed[i] = false;
            }

            return false;
        }

        bool IsTooEarly(int operation, bool[] placed) => Enumerable.Range(0, placed.Length).Any(other =>
            !placed[other] && operations[other].ReturnTime < operations[operation].InvokeTime);
    }
}
