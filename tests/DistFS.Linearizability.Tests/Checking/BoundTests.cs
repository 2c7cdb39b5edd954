using DistFS.Primitives;

namespace DistFS.Linearizability.Tests;

/// <summary>The search ends, and always in the same way.</summary>
public sealed class BoundTests
{
    [Fact]
    public void The_same_history_takes_the_same_steps_to_the_same_words()
    {
        var results = Enumerable.Range(0, 2).Select(_ =>
        {
            var history = RandomHistory.Make(new Prng(31), new SimulatedNamespace(), 4, 200, 0.01);
            var last = Enumerable.Range(0, history.Count).Last(index =>
                !history[index].IsPending && history[index].Input.Kind == NamespaceInputKind.Lookup);
            return LinearizabilityChecker.Check(
                new NamespaceModel(), RandomHistory.WithAnswer(history, last, NamespaceOutput.File(999_999)));
        }).ToArray();
        Assert.Equal(Verdict.Illegal, results[0].Verdict);
        Assert.Equal(results[0].Steps, results[1].Steps);
        Assert.Equal(results[0].Explanation, results[1].Explanation);
    }

    /// <summary>There is an end, but it is 2^30 sets of values away.</summary>
    [Fact]
    public void A_search_without_end_is_unknown()
    {
        var result = LinearizabilityChecker.Check(
            new AppendSetModel(), Hard(), new CheckerOptions { StepsMax = 100_000 });
        Assert.Equal(Verdict.Unknown, result.Verdict);
        Assert.InRange(result.Steps, 100_000, 100_100);
        Assert.Empty(result.Culprits);
        Assert.StartsWith(
            "Unknown (31 operations, 0 of unknown outcome): ", result.Explanation, StringComparison.Ordinal);
        Assert.Contains("\nHad to come next, but does not fit:\n", result.Explanation, StringComparison.Ordinal);
    }

    /// <summary>A part that uses up its share does not hide another one that is illegal.</summary>
    [Fact]
    public void A_hard_part_does_not_hide_an_illegal_one()
    {
        IEnumerable<Operation<Keyed<string, AppendInput>, AppendOutput>> operations =
        [
            .. Hard().Select(o => Operation.Completed(
                o.Client, o.InvokeTime, o.ReturnTime, new Keyed<string, AppendInput>("hard", o.Input), o.Output!)),
            Operation.Completed(
                1, 5_000, 5_001, new Keyed<string, AppendInput>("bad", AppendInput.Read), AppendOutput.Of(1)),
        ];
        var result = LinearizabilityChecker.Check(
            new KeyedModel<string, AppendedSet, AppendInput, AppendOutput>(new AppendSetModel()),
            new History<Keyed<string, AppendInput>, AppendOutput>(operations),
            new CheckerOptions { StepsMax = 100_000 });
        Assert.Equal(Verdict.Illegal, result.Verdict);
        Assert.Equal([Verdict.Unknown, Verdict.Illegal], result.Parts.Select(part => part.Verdict));
        Assert.StartsWith("Not linearizable (bad: ", result.Explanation, StringComparison.Ordinal);
        Assert.InRange(result.Steps, 50_000, 100_100);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void No_steps_are_refused(long steps) => Assert.Throws<ArgumentOutOfRangeException>(() =>
        LinearizabilityChecker.Check(
            new RegisterModel(),
            new History<RegisterInput, RegisterOutput>([]),
            new CheckerOptions { StepsMax = steps }));

    [Fact]
    public void An_answer_before_its_call_is_refused() => Assert.Throws<ArgumentOutOfRangeException>(() =>
        Operation.Completed(1, 10, 9, RegisterInput.Read, RegisterOutput.Of(0)));

    /// <summary>30 values added at once, and an answer with one more: excluded only after all subsets.</summary>
    private static History<AppendInput, AppendOutput> Hard() => new(
    [
        .. Enumerable.Range(1, 30).Select(
            value => Operation.Completed(value, value, 1_000, AppendInput.Append(value), AppendOutput.Ok)),
        Operation.Completed(
            99, 100, 900, AppendInput.Read, AppendOutput.Of([.. Enumerable.Range(1, 31).Select(v => (long)v)])),
    ]);
}
