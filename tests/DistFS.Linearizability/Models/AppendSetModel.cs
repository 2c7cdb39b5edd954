using System.Globalization;

namespace DistFS.Linearizability;

/// <summary>
/// A set to which values are added and that is read as a whole, in any order: for instance the files of a directory
/// that only gets new ones. An answer that names a value twice is wrong.
/// </summary>
public sealed class AppendSetModel : IModel<AppendedSet, AppendInput, AppendOutput>
{
    /// <summary>The answers of the history, the smallest first; null: not known.</summary>
    private readonly AppendOutput[]? _answers;

    /// <summary>An empty set.</summary>
    public AppendSetModel()
    {
    }

    private AppendSetModel(AppendOutput[] answers) => _answers = answers;

    /// <inheritdoc/>
    public AppendedSet Initial => AppendedSet.Empty;

    /// <inheritdoc/>
    public bool TryStep(AppendedSet state, AppendInput input, AppendOutput output, out AppendedSet next)
    {
        var right = input.IsRead
            ? !output.IsOk && state.IsEqualTo(output.Sorted)
            : output.IsOk && MayComeNext(state, input.Value, isPending: false);
        next = right && !input.IsRead ? state.Add(input.Value) : state;
        return right;
    }

    /// <summary>What was not read has, if pending, no effect that anybody saw.</summary>
    public AppendedSet StepUnknown(AppendedSet state, AppendInput input) =>
        !input.IsRead && MayComeNext(state, input.Value, isPending: true) ? state.Add(input.Value) : state;

    /// <summary>
    /// A set only grows, so until it is as large as the next larger answer it must stay within that one.
    /// </summary>
    public IModel<AppendedSet, AppendInput, AppendOutput> For(
        IReadOnlyList<Operation<AppendInput, AppendOutput>> operations) =>
        new AppendSetModel(
        [
            .. operations
                .Where(operation => !operation.IsPending && operation.Input.IsRead)
                .Select(operation => operation.Output!)
                .DistinctBy(output => output.Values.Length)
                .OrderBy(output => output.Values.Length),
        ]);

    private bool MayComeNext(AppendedSet state, long value, bool isPending)
    {
        if (_answers is null || state.Contains(value))
        {
            return true;
        }

        // The first answer that is larger than the set.
        int low = 0, high = _answers.Length;
        while (low < high)
        {
            var middle = (low + high) >> 1;
            (low, high) = _answers[middle].Values.Length > state.Count ? (low, middle) : (middle + 1, high);
        }

        return low < _answers.Length ? _answers[low].Sorted.BinarySearch(value) >= 0 : !isPending;
    }
}

/// <summary>An immutable set of numbers.</summary>
public sealed class AppendedSet : IEquatable<AppendedSet>
{
    /// <summary>Ascending and without repetition, so equal sets have equal arrays.</summary>
    private readonly long[] _values;

    private readonly ulong _hash;

    private AppendedSet(long[] values, ulong hash) => (_values, _hash) = (values, hash);

    /// <summary>The set without values.</summary>
    public static AppendedSet Empty { get; } = new([], 0);

    /// <summary>How many values.</summary>
    public int Count => _values.Length;

    /// <summary>Whether it has the value.</summary>
    public bool Contains(long value) => Array.BinarySearch(_values, value) >= 0;

    /// <summary>The set with one value more; itself if it has the value.</summary>
    public AppendedSet Add(long value)
    {
        var place = Array.BinarySearch(_values, value);
        return place >= 0
            ? this
            : new AppendedSet(
                [.. _values.AsSpan(0, ~place), value, .. _values.AsSpan(~place)],
                _hash + Hashing.Mix((ulong)value));
    }

    /// <summary>Whether it is these values, given ascending.</summary>
    public bool IsEqualTo(ReadOnlySpan<long> sorted) => sorted.SequenceEqual(_values);

    /// <inheritdoc/>
    public bool Equals(AppendedSet? other) =>
        other is not null && _hash == other._hash && other.IsEqualTo(_values);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as AppendedSet);

    /// <inheritdoc/>
    public override int GetHashCode() => (int)_hash;

    /// <inheritdoc/>
    public override string ToString()
    {
        // The greatest, since values are mostly given in ascending order.
        const int Shown = 8;
        var hidden = Math.Max(0, Count - Shown);
        var values = _values.Skip(hidden).Select(value => value.ToString(CultureInfo.InvariantCulture));
        return $"{{{(hidden > 0 ? "..., " : "")}{string.Join(", ", values)}}}";
    }
}
