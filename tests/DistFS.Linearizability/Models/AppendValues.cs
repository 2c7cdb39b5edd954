using System.Globalization;

namespace DistFS.Linearizability;

/// <summary>An operation of a list or set to which values are added.</summary>
/// <param name="IsRead">Whether all values are read; otherwise one is added.</param>
/// <param name="Value">The value to add.</param>
public readonly record struct AppendInput(bool IsRead, long Value)
{
    /// <summary>Gives all values.</summary>
    public static AppendInput Read { get; } = new(true, 0);

    /// <summary>Adds a value.</summary>
    public static AppendInput Append(long value) => new(false, value);

    /// <inheritdoc/>
    public override string ToString() =>
        IsRead ? "read" : string.Create(CultureInfo.InvariantCulture, $"append {Value}");
}

/// <summary>The answer of a list or set.</summary>
public sealed class AppendOutput
{
    private long[]? _sorted;

    private AppendOutput(long[] values, bool isOk) => (Values, IsOk) = (values, isOk);

    /// <summary>A value was added.</summary>
    public static AppendOutput Ok { get; } = new([], true);

    /// <summary>Whether this says that a value was added.</summary>
    public bool IsOk { get; }

    /// <summary>What was read, as it was read.</summary>
    public ReadOnlyMemory<long> Values { get; }

    /// <summary>What was read, ascending; sorted once, since a search compares it often.</summary>
    internal ReadOnlySpan<long> Sorted
    {
        get
        {
            if (_sorted is null)
            {
                var values = Values.ToArray();
                Array.Sort(values);
                _sorted = values;
            }

            return _sorted;
        }
    }

    /// <summary>What was read.</summary>
    public static AppendOutput Of(params ReadOnlySpan<long> values) => new(values.ToArray(), false);

    /// <inheritdoc/>
    public override string ToString()
    {
        if (IsOk)
        {
            return "ok";
        }

        // The end, since a reader looks for what was appended last.
        const int Shown = 8;
        var hidden = Math.Max(0, Values.Length - Shown);
        var values = Values[hidden..].ToArray().Select(value => value.ToString(CultureInfo.InvariantCulture));
        return $"[{(hidden > 0 ? "..., " : "")}{string.Join(", ", values)}]";
    }
}
