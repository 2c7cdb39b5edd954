using System.Globalization;
using DistFS.Primitives;

namespace DistFS.Cli;

/// <summary>Moments as people write them. Without a zone they are of this machine's.</summary>
internal static class TimeArgument
{
    /// <summary>For error messages.</summary>
    public const string Hint = "write for example 2026-03-01, '2026-03-01 12:30', 2026-03-01T12:30:00Z or @1772366400";

    // Exact ones only: a date that a parser guesses is right in one country and wrong in another.
    private static readonly string[] Formats =
    [
        "yyyy-MM-dd", "yyyy-MM-dd HH:mm", "yyyy-MM-ddTHH:mm", "yyyy-MM-dd HH:mm:ss", "yyyy-MM-ddTHH:mm:ss",
        "yyyy-MM-dd HH:mm:ss.FFFFFFF", "yyyy-MM-ddTHH:mm:ss.FFFFFFF", "yyyy-MM-ddTHH:mmK", "yyyy-MM-ddTHH:mm:ssK",
        "yyyy-MM-ddTHH:mm:ss.FFFFFFFK", "yyyy-MM-dd HH:mm:ssK", "yyyy-MM-dd HH:mm:ss zzz",
    ];

    /// <summary>Reads a moment.</summary>
    public delegate bool Parser(string text, out FileTime time);

    /// <summary>ISO 8601, or '@' and seconds since 1970.</summary>
    public static bool TryParseDate(string text, out FileTime time)
    {
        ArgumentNullException.ThrowIfNull(text);
        time = default;
        if (text.StartsWith('@'))
        {
            var isNumber = long.TryParse(text.AsSpan(1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture,
                out var seconds);
            time = new FileTime(seconds, 0);
            return isNumber;
        }

        var isTime = DateTimeOffset.TryParseExact(
            text.Trim(), Formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out var moment);
        time = isTime ? FileTime.Of(moment) : default;
        return isTime;
    }

    /// <summary>[[CC]YY]MMDDhhmm[.ss] (POSIX, touch): years 69 to 99 are of the last century.</summary>
    public static bool TryParseStamp(string text, out FileTime time)
    {
        ArgumentNullException.ThrowIfNull(text);
        var plain = text.Contains('.', StringComparison.Ordinal) ? text : text + ".00";
        var year = plain.Length switch
        {
            11 => DateTime.Now.Year.ToString(CultureInfo.InvariantCulture),
            13 when int.TryParse(plain.AsSpan(0, 2), NumberStyles.None, CultureInfo.InvariantCulture, out var two) =>
                two >= 69 ? "19" : "20",
            _ => "",
        };
        var isTime = DateTimeOffset.TryParseExact(
            year + plain,
            "yyyyMMddHHmm.ss",
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeLocal,
            out var moment);
        time = isTime ? FileTime.Of(moment) : default;
        return isTime;
    }
}
