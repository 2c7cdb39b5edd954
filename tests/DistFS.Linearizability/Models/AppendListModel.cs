using System.Globalization;

namespace DistFS.Linearizability;

/// <summary>
/// A list at whose end values are appended and that is read as a whole: the strictest model of a log or of a file with
/// O_APPEND, since every read shows the order of all appends before it. The values of a history must be unique.
/// </summary>
public sealed class AppendListModel : IModel<AppendedList, AppendInput, AppendOutput>
{
    /// <summary>The longest answer of the history; null: not known.</summary>
    private readonly AppendOutput? _longest;

    /// <summary>An empty list.</summary>
    public AppendListModel()
    {
    }

    private AppendListModel(AppendOutput longest) => _longest = longest;

    /// <inheritdoc/>
    public AppendedList Initial => AppendedList.Empty;

    /// <inheritdoc/>
    public bool TryStep(AppendedList state, AppendInput input, AppendOutput output, out AppendedList next)
    {
        next = state;
        if (input.IsRead)
        {
            return !output.IsOk && state.IsEqualTo(output.Values.Span);
        }

        if (!output.IsOk || !MayComeNext(state, input.Value))
        {
            return false;
        }

        next = state.Append(input.Value);
        return true;
    }

    /// <summary>What was not read has, if pending, no effect that anybody saw.</summary>
    public AppendedList StepUnknown(AppendedList state, AppendInput input)
    {
        var sees = _longest is null || state.Count < _longest.Values.Length;
        return !input.IsRead && sees && MayComeNext(state, input.Value) ? state.Append(input.Value) : state;
    }

    /// <summary>
    /// A list only grows, so until it is as long as the longest answer it must be a beginning of that: this fixes the
    /// order of concurrent appends, which otherwise would be tried in all orders.
    /// </summary>
    public IModel<AppendedList, AppendInput, AppendOutput> For(
        IReadOnlyList<Operation<AppendInput, AppendOutput>> operations) =>
        new AppendListModel(operations
            .Where(operation => !operation.IsPending)
            .Select(operation => operation.Output!)
            .MaxBy(output => output.Values.Length) ?? AppendOutput.Ok);

    private bool MayComeNext(AppendedList state, long value) =>
        _longest is null
        || state.Count >= _longest.Values.Length
        || _longest.Values.Span[state.Count] == value;
}

/// <summary>An immutable list that shares its beginning with the lists it was made from.</summary>
public sealed class AppendedList : IEquatable<AppendedList>
{
    private readonly AppendedList? _before;
    private readonly long _last;
    private readonly ulong _hash;

    private AppendedList(AppendedList? before, long last, int count, ulong hash) =>
        (_before, _last, Count, _hash) = (before, last, count, hash);

    /// <summary>The list without values.</summary>
    public static AppendedList Empty { get; } = new(null, 0, 0, 0);

    /// <summary>How many values.</summary>
    public int Count { get; }

    /// <summary>The list with one value more.</summary>
    public AppendedList Append(long value) => new(this, value, Count + 1, Hashing.Mix(_hash ^ (ulong)value));

    /// <summary>Whether it is these values.</summary>
    public bool IsEqualTo(ReadOnlySpan<long> values)
    {
        if (values.Length != Count)
        {
            return false;
        }

        // From the end, where lists of one history differ first.
        var list = this;
        for (var i = values.Length - 1; i >= 0; i--, list = list._before!)
        {
            if (list._last != values[i])
            {
                return false;
            }
        }

        return true;
    }

    /// <inheritdoc/>
    public bool Equals(AppendedList? other)
    {
        if (other is null || other.Count != Count || other._hash != _hash)
        {
            return false;
        }

        var (mine, theirs) = (this, other);
        while (!ReferenceEquals(mine, theirs) && mine._last == theirs._last)
        {
            (mine, theirs) = (mine._before!, theirs._before!);
        }

        return ReferenceEquals(mine, theirs);
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as AppendedList);

    /// <inheritdoc/>
    public override int GetHashCode() => (int)_hash;

    /// <inheritdoc/>
    public override string ToString()
    {
        // The end, since a reader looks for what was appended last.
        const int Shown = 8;
        var values = new List<string>();
        var list = this;
        for (; list.Count > 0 && values.Count < Shown; list = list._before!)
        {
            values.Insert(0, list._last.ToString(CultureInfo.InvariantCulture));
        }

        return $"[{(list.Count > 0 ? "..., " : "")}{string.Join(", ", values)}]";
    }
}
