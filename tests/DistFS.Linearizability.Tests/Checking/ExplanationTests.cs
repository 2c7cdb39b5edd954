using static DistFS.Linearizability.RegisterInput;
using static DistFS.Linearizability.RegisterOutput;

namespace DistFS.Linearizability.Tests;

/// <summary>A person understands the failure from the text alone.</summary>
public sealed class ExplanationTests
{
    private static readonly RegisterModel Model = new();

    [Fact]
    public void It_shows_the_order_the_state_and_the_impossible_answer()
    {
        var history = new History<RegisterInput, RegisterOutput>(
        [
            Operation.Completed(1, 0, 10, Write(1), Ok),
            Operation.Pending<RegisterInput, RegisterOutput>(2, 20, Write(2)),
            Operation.Completed(3, 30, 40, Read, Of(2)),
            Operation.Completed(3, 50, 60, Read, Of(1)),
            Operation.Completed(1, 55, 70, Write(3), Ok),
            Operation.Completed(1, 80, 90, Read, Of(3)),
        ]);
        Assert.Equal(
            """
            Not linearizable (6 operations, 1 of unknown outcome): #3 cannot have returned that.
            Before, this order explains every answer (the last 17 of 3 placed):
               #0 client 1 [0 .. 10] write 1 -> ok  => 1
               #1 client 2 [20 .. ?] write 2 -> unknown  => 2
               #2 client 3 [30 .. 40] read -> 2  => 2
            State: 2
            Impossible in any order:
             > #3 client 3 [50 .. 60] read -> 1
            Not placed either, and called before that answer:
               #4 client 1 [55 .. 70] write 3 -> ok
            1 operations were called later.
            """,
            LinearizabilityChecker.Check(Model, history).Explanation);
    }

    [Fact]
    public void It_fits_the_screen()
    {
        var operations = Enumerable.Range(0, 100)
            .Select(i => Operation.Completed(i, i, 10_000, Write(i + long.MaxValue - 200), Ok))
            .Concat(Enumerable.Range(0, 50).Select(i => Operation.Completed(i, 20_000, 20_001, Read, Of(-i - 1))))
            .Concat(Enumerable.Range(0, 50).Select(
                i => Operation.Pending<RegisterInput, RegisterOutput>(i, 5, Write(-1))))
            .Concat([Operation.Completed(1, 30_000, 30_001, Read, Of(0))])
            .SelectMany(o => new[] { "a", "b" }.Select(key => o.IsPending
                ? Operation.Pending<Keyed<string, RegisterInput>, RegisterOutput>(
                    o.Client, o.InvokeTime, new(key, o.Input))
                : Operation.Completed<Keyed<string, RegisterInput>, RegisterOutput>(
                    o.Client, o.InvokeTime, o.ReturnTime, new(key, o.Input), o.Output)));
        var result = LinearizabilityChecker.Check(
            new KeyedModel<string, RegisterState, RegisterInput, RegisterOutput>(Model),
            new History<Keyed<string, RegisterInput>, RegisterOutput>(operations));
        Assert.Equal(Verdict.Illegal, result.Verdict);
        var lines = result.Explanation.Split('\n');
        Assert.True(lines.Length is > 30 and <= 40, result.Explanation);
        Assert.All(lines, line => Assert.True(line.Length <= 160, line));
        Assert.Contains("1 more part(s) have the same verdict.", lines);
        Assert.Contains(lines, line => line.StartsWith("   and ", StringComparison.Ordinal));
    }

    [Fact]
    public void Long_values_are_shown_by_their_end()
    {
        long[] values = [.. Enumerable.Range(1, 500).Select(i => (long)i)];
        var history = new History<AppendInput, AppendOutput>(
        [
            .. values.Select(v => Operation.Completed(1, v * 2, (v * 2) + 1, AppendInput.Append(v), AppendOutput.Ok)),
            Operation.Completed(2, 2_000, 2_001, AppendInput.Read, AppendOutput.Of(values.AsSpan(0, 499))),
        ]);
        var result = LinearizabilityChecker.Check(new AppendListModel(), history);
        Assert.Contains(
            "#500 client 2 [2000 .. 2001] read -> [..., 492, 493, 494, 495, 496, 497, 498, 499]",
            result.Explanation,
            StringComparison.Ordinal);
        Assert.Contains(
            "\nState: [..., 493, 494, 495, 496, 497, 498, 499, 500]\n", result.Explanation, StringComparison.Ordinal);
    }
}
