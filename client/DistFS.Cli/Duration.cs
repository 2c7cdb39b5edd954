using System.Globalization;

namespace DistFS.Cli;

/// <summary>Durations as people write them: "500ms", "10s", "1.5m", "2h", "1d".</summary>
internal static class Duration
{
    /// <summary>For error messages.</summary>
    public const string Hint = "write for example 500ms, 10s, 2m or 1h";

    // Longest suffix first: "ms" ends with "s".
    private static readonly (string Suffix, double Milliseconds)[] Units =
        [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

    /// <summary>Reads a duration; not negative, and a unit is required.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        ArgumentNullException.ThrowIfNull(text);
        duration = default;
        var trimmed = text.AsSpan().Trim();
        foreach (var (suffix, milliseconds) in Units)
        {
            if (!trimmed.EndsWith(suffix, StringComparison.Ordinal))
            {
                continue;
            }

            var parsed = double.TryParse(
                trimmed[..^suffix.Length].TrimEnd(),
                NumberStyles.AllowDecimalPoint,
                CultureInfo.InvariantCulture,
                out var number);
            if (!parsed || number * milliseconds > TimeSpan.MaxValue.TotalMilliseconds / 2)
            {
                return false;
            }

            duration = TimeSpan.FromMilliseconds(number * milliseconds);
            return true;
        }

        return false;
    }

    /// <summary>In the largest unit that gives a whole number: "90s", "1500ms".</summary>
    public static string Format(TimeSpan duration)
    {
        for (var i = Units.Length - 1; i > 0; i--)
        {
            var number = duration.TotalMilliseconds / Units[i].Milliseconds;
            if (number >= 1 && number == Math.Floor(number))
            {
                return string.Create(CultureInfo.InvariantCulture, $"{number}{Units[i].Suffix}");
            }
        }

        return string.Create(CultureInfo.InvariantCulture, $"{duration.TotalMilliseconds:0.###}ms");
    }

    /// <summary>For people, three digits: "312 µs", "1.24 ms", "3.5 s", "2h 5m", "12d 3h".</summary>
    public static string ForPeople(TimeSpan duration) => duration switch
    {
        { TotalMilliseconds: < 1 } => $"{Number(duration.TotalMicroseconds, "0")} µs",
        { TotalMilliseconds: < 10 } => $"{Number(duration.TotalMilliseconds, "0.00")} ms",
        { TotalMilliseconds: < 100 } => $"{Number(duration.TotalMilliseconds, "0.0")} ms",
        { TotalSeconds: < 1 } => $"{Number(duration.TotalMilliseconds, "0")} ms",
        { TotalMinutes: < 1 } => $"{Number(duration.TotalSeconds, "0.#")} s",
        { TotalHours: < 1 } => $"{duration.Minutes}m {duration.Seconds}s",
        { TotalDays: < 1 } => $"{duration.Hours}h {duration.Minutes}m",
        _ => $"{duration.Days}d {duration.Hours}h",
    };

    private static string Number(double number, string format) => number.ToString(format, CultureInfo.InvariantCulture);
}
