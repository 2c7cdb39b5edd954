namespace DistFS.Linearizability;

/// <summary>
/// Decides whether a history of concurrent operations is linearizable: whether one order of them, in which no operation
/// comes before another that ended before it began, gives every answer that was seen (Herlihy and Wing 1990).
/// </summary>
/// <remarks>
/// <para>
/// <b>Use.</b> Record with <see cref="HistoryRecorder{TInput, TOutput}"/> (simulator) or
/// <see cref="ConcurrentHistoryRecorder{TInput, TOutput}"/> (real clients), choose a model, and ask:
/// </para>
/// <code>
/// var recorder = new HistoryRecorder&lt;RegisterInput, RegisterOutput&gt;();
/// var write = recorder.Invoke(client: 1, RegisterInput.Write(7), time: 10);
/// var read = recorder.Invoke(client: 2, RegisterInput.Read, time: 15);
/// read.Return(RegisterOutput.Of(7), time: 20);
/// write.Unknown();
/// var result = LinearizabilityChecker.Check(new RegisterModel(), recorder.ToHistory());
/// Assert.True(result.IsLinearizable, result.Explanation);
/// </code>
/// <para>
/// <b>What to record.</b> The stamp of a call is taken before the request leaves, that of an answer after it arrived:
/// an interval that is too wide hides faults, one that is too narrow invents them. What timed out is Unknown, not
/// Failed: it may take effect at any later time, and the search tries that, and that it never does. Failed is only what
/// certainly had no effect. Write unique values, or a lost write looks like another one's success.
/// </para>
/// <para>
/// <b>Models.</b> <see cref="RegisterModel"/>, <see cref="AppendListModel"/>, <see cref="AppendSetModel"/>,
/// <see cref="NamespaceModel"/>, <see cref="LockModel"/>; <see cref="KeyedModel{TKey, TState, TInput, TOutput}"/> makes
/// of each one for many keys that are checked apart (Horn and Kroening, "Faster linearizability checking via
/// P-compositionality", 2015). A model of your own implements <see cref="IModel{TState, TInput, TOutput}"/>.
/// </para>
/// <para>
/// <b>How.</b> The search of Wing and Gong ("Testing and verifying concurrent objects", 1993) with the memory of Lowe
/// ("Testing for linearizability", 2017). It has no clock, thread or random number: the same history gives the same
/// verdict after the same number of steps. It always ends: when the steps are used up the verdict is
/// <see cref="Verdict.Unknown"/>, as when many operations overlap or are pending and nothing tells their order.
/// </para>
/// </remarks>
public static class LinearizabilityChecker
{
    /// <summary>Checks a history.</summary>
    /// <param name="model">The object as it should be.</param>
    /// <param name="history">What was seen of it.</param>
    /// <param name="options">How much work may be done; null for the default.</param>
    /// <typeparam name="TState">State of the model.</typeparam>
    /// <typeparam name="TInput">What was asked.</typeparam>
    /// <typeparam name="TOutput">What was answered.</typeparam>
    /// <exception cref="ArgumentOutOfRangeException">The options allow no step.</exception>
    public static CheckResult Check<TState, TInput, TOutput>(
        IModel<TState, TInput, TOutput> model, History<TInput, TOutput> history, CheckerOptions? options = null)
        where TState : notnull, IEquatable<TState>
    {
        var stepsMax = (options ?? new CheckerOptions()).StepsMax;
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(stepsMax, nameof(options));
        var parts = Split(model, history);
        var outcomes = new SearchOutcome?[parts.Count];

        // A hard part must not take the steps of those after it: one of them may be illegal. So each has an equal
        // share of what is left, and the ones that are still unknown have another go with what nobody needed.
        var stepsLeft = RunAll(model, parts, outcomes, stepsMax);
        if (outcomes.Any(outcome => outcome!.Verdict == Verdict.Unknown))
        {
            stepsLeft = RunAll(model, parts, outcomes, stepsLeft);
        }

        var verdict = Worst(outcomes);
        var results = parts.Zip(outcomes, (part, outcome) => new PartResult(
            part.Key, outcome!.Verdict, outcome.Steps, [.. outcome.Order.Select(position => part.Indices[position])]));
        var (culprits, explanation) = Explain(model, parts, outcomes, verdict, stepsMax);
        return new CheckResult(verdict, stepsMax - stepsLeft, [.. results], culprits, explanation);
    }

    private static long RunAll<TState, TInput, TOutput>(
        IModel<TState, TInput, TOutput> model,
        List<Part<TInput, TOutput>> parts,
        SearchOutcome?[] outcomes,
        long stepsLeft)
        where TState : notnull, IEquatable<TState>
    {
        var waiting = outcomes.Count(outcome => outcome is null or { Verdict: Verdict.Unknown });
        for (var i = 0; i < parts.Count; i++)
        {
            if (outcomes[i] is { Verdict: not Verdict.Unknown })
            {
                continue;
            }

            var share = stepsLeft / waiting--;
            if (outcomes[i] is { } before && before.Steps >= share)
            {
                continue;
            }

            outcomes[i] = Search<TState, TInput, TOutput>.Run(model, parts[i].Operations, share);
            stepsLeft = Math.Max(0, stepsLeft - outcomes[i]!.Steps);
        }

        return stepsLeft;
    }

    private static Verdict Worst(SearchOutcome?[] outcomes) =>
        outcomes.Any(outcome => outcome!.Verdict == Verdict.Illegal) ? Verdict.Illegal
        : outcomes.Any(outcome => outcome!.Verdict == Verdict.Unknown) ? Verdict.Unknown
        : Verdict.Linearizable;

    private static (IReadOnlyList<int> Culprits, string Text) Explain<TState, TInput, TOutput>(
        IModel<TState, TInput, TOutput> model,
        List<Part<TInput, TOutput>> parts,
        SearchOutcome?[] outcomes,
        Verdict verdict,
        long stepsMax)
        where TState : notnull, IEquatable<TState>
    {
        if (verdict == Verdict.Linearizable)
        {
            return ([], "");
        }

        var first = Array.FindIndex(outcomes, outcome => outcome!.Verdict == verdict);
        var others = outcomes.Count(outcome => outcome!.Verdict == verdict) - 1;
        var explainer = new Explainer<TState, TInput, TOutput>(model, parts[first], stepsMax);
        return explainer.Explain(outcomes[first]!, others);
    }

    private static List<Part<TInput, TOutput>> Split<TState, TInput, TOutput>(
        IModel<TState, TInput, TOutput> model, History<TInput, TOutput> history)
        where TState : notnull, IEquatable<TState>
    {
        var parts = new List<Part<TInput, TOutput>>();
        var byKey = new Dictionary<object, Part<TInput, TOutput>>();
        var whole = new object();
        for (var i = 0; i < history.Count; i++)
        {
            var key = model.Partition(history[i].Input);
            if (!byKey.TryGetValue(key ?? whole, out var part))
            {
                part = new Part<TInput, TOutput>(key, [], []);
                byKey.Add(key ?? whole, part);
                parts.Add(part);
            }

            part.Operations.Add(history[i]);
            part.Indices.Add(i);
        }

        return parts;
    }
}

/// <summary>The operations of a history on one part of the object.</summary>
/// <param name="Key">Of the part.</param>
/// <param name="Operations">In the order of their calls.</param>
/// <param name="Indices">Of each operation, in the history.</param>
internal sealed record Part<TInput, TOutput>(
    object? Key, List<Operation<TInput, TOutput>> Operations, List<int> Indices);
