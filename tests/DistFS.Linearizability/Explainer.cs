using System.Globalization;
using System.Text;

namespace DistFS.Linearizability;

/// <summary>
/// Says where a history goes wrong. A beginning of a linearizable history is linearizable, so there is a first answer
/// with which it stops to be: found by bisection over the answers, it is what a person should look at, whereas the
/// point where the search got stuck may lie much later.
/// </summary>
internal sealed class Explainer<TState, TInput, TOutput>(
    IModel<TState, TInput, TOutput> model, Part<TInput, TOutput> part, long stepsMax)
    where TState : notnull, IEquatable<TState>
{
    // With eight lines of text and marks of what is left out at most 40 lines.
    private const int PlacedShownMax = 17;
    private const int CulpritsShownMax = 4;
    private const int OpenShownMax = 10;
    private const int ColumnsMax = 150;
    private const int StateColumnsMax = 60;

    private readonly StringBuilder _text = new();

    /// <summary>Explains a part that is not known to be linearizable.</summary>
    /// <param name="outcome">How its search ended.</param>
    /// <param name="others">How many other parts have the same verdict.</param>
    /// <returns>The operations whose answers are impossible, as indices of the history, and the text.</returns>
    public (IReadOnlyList<int> Culprits, string Text) Explain(SearchOutcome outcome, int others)
    {
        var operations = part.Operations;
        var where = (part.Key is null ? "" : $"{part.Key}: ")
            + $"{operations.Count} operations, {operations.Count(o => o.IsPending)} of unknown outcome";
        if (outcome.Verdict == Verdict.Illegal && FirstImpossible() is var (culprits, order))
        {
            Line($"Not linearizable ({where}): {Names(culprits)} cannot have returned that.");
            Line($"Before, this order explains every answer (the last {PlacedShownMax} of {order.Count} placed):");
            WriteOrder(order);
            WriteRest(culprits, order, Operations(culprits).Max(o => o.ReturnTime), "Impossible in any order:");
        }
        else
        {
            culprits = [outcome.Stuck];
            var illegal = outcome.Verdict == Verdict.Illegal;
            Line(illegal
                ? $"Not linearizable ({where}): no order explains every answer."
                : $"Unknown ({where}): {outcome.Steps} steps were not enough to find an order or to exclude all.");
            Line($"The longest beginning that was found (the last {PlacedShownMax} of {outcome.Order.Count} placed):");
            WriteOrder(outcome.Order);
            WriteRest(
                culprits,
                outcome.Order,
                operations[outcome.Stuck].ReturnTime,
                "Had to come next, but does not fit:");
            culprits = illegal ? culprits : [];
        }

        if (others > 0)
        {
            Line($"{others} more part(s) have the same verdict.");
        }

        return ([.. culprits.Select(position => part.Indices[position])], _text.ToString().TrimEnd('\n'));
    }

    /// <summary>
    /// The operations whose answers make the shortest beginning illegal, and an order of what is before these answers;
    /// null if the steps do not suffice. A beginning on which there is no verdict counts as right: the result is
    /// proved by the search that found the end illegal and by the last one.
    /// </summary>
    private (IReadOnlyList<int> Culprits, IReadOnlyList<int> Order)? FirstImpossible()
    {
        long[] ends = [.. part.Operations.Where(o => !o.IsPending).Select(o => o.ReturnTime).Distinct().Order()];
        int low = 0, high = ends.Length - 1;
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            (low, high) = Run(UpTo(ends[middle], _ => false)).Verdict == Verdict.Illegal
                ? (low, middle)
                : (middle + 1, high);
        }

        var before = Run(UpTo(ends[high], o => o.ReturnTime == ends[high]));
        int[] culprits =
            [.. Enumerable.Range(0, part.Operations.Count).Where(i => part.Operations[i].ReturnTime == ends[high])];
        return before.Verdict == Verdict.Linearizable ? (culprits, before.Order) : null;
    }

    /// <summary>What was known at a time; <paramref name="open"/> names answers to be forgotten as well.</summary>
    private List<Operation<TInput, TOutput>> UpTo(long time, Func<Operation<TInput, TOutput>, bool> open) =>
    [
        .. part.Operations
            .TakeWhile(operation => operation.InvokeTime <= time)
            .Select(o => o.IsPending || o.ReturnTime > time || open(o) ? o.AsPending() : o),
    ];

    private SearchOutcome Run(List<Operation<TInput, TOutput>> operations) =>
        Search<TState, TInput, TOutput>.Run(model, operations, stepsMax);

    private void WriteOrder(IReadOnlyList<int> order)
    {
        var state = model.Initial;
        var states = new List<TState>();
        foreach (var operation in Operations(order))
        {
            // In a beginning of the history an operation may be pending that has an answer later; its step is the same.
            state = operation.IsPending || !model.TryStep(state, operation.Input, operation.Output!, out var next)
                ? model.StepUnknown(state, operation.Input)
                : next;
            states.Add(state);
        }

        for (var i = Math.Max(0, order.Count - PlacedShownMax); i < order.Count; i++)
        {
            Line($"   {Name(order[i])}  => {Cut(states[i].ToString(), StateColumnsMax)}");
        }

        Line($"State: {Cut(state.ToString(), ColumnsMax - 10)}");
    }

    private void WriteRest(IReadOnlyList<int> culprits, IReadOnlyList<int> order, long time, string title)
    {
        Line(title);
        WriteSome(culprits, CulpritsShownMax, " > ");
        var shown = order.Concat(culprits).ToHashSet();
        var rest = Enumerable.Range(0, part.Operations.Count).Where(i => !shown.Contains(i)).ToList();
        var open = rest.Where(i => part.Operations[i].InvokeTime <= time).ToList();
        if (open.Count > 0)
        {
            Line("Not placed either, and called before that answer:");
            WriteSome(open, OpenShownMax, "   ");
        }

        if (rest.Count > open.Count)
        {
            Line($"{rest.Count - open.Count} operations were called later.");
        }
    }

    private void WriteSome(IReadOnlyList<int> positions, int max, string margin)
    {
        foreach (var position in positions.Take(max))
        {
            Line($"{margin}{Name(position)}");
        }

        if (positions.Count > max)
        {
            Line($"{margin}and {positions.Count - max} more");
        }
    }

    private IEnumerable<Operation<TInput, TOutput>> Operations(IEnumerable<int> positions) =>
        positions.Select(position => part.Operations[position]);

    private string Names(IEnumerable<int> positions) => Cut(
        string.Join(", ", positions.Select(p => string.Create(CultureInfo.InvariantCulture, $"#{part.Indices[p]}"))),
        StateColumnsMax);

    private string Name(int position) => Cut(
        string.Create(CultureInfo.InvariantCulture, $"#{part.Indices[position]} {part.Operations[position]}"),
        ColumnsMax - StateColumnsMax);

    private static string Cut(string? text, int columns) =>
        text is null ? "" : text.Length <= columns ? text : string.Concat(text.AsSpan(0, columns - 3), "...");

    private void Line(FormattableString line) =>
        _text.Append(line.ToString(CultureInfo.InvariantCulture).ReplaceLineEndings(" ")).Append('\n');

    private void Line(string line) => _text.Append(line).Append('\n');
}
