using System.Buffers;
using System.Globalization;

namespace DistFS.Primitives;

/// <summary>
/// A number of bytes, from 0 to 2^63 - 1. Reads "64KiB", "1.5 GiB", "10M" (a bare K, M, G, T, P, E is binary, as in
/// <c>dd</c> and <c>ls -h</c>), "10MB" (decimal) and "4096"; prints IEC units.
/// </summary>
public readonly record struct ByteSize(long Bytes) : IComparable<ByteSize>, ISpanParsable<ByteSize>
{
    private const string Prefixes = "KMGTPE";
    private static readonly SearchValues<char> NumberCharacters = SearchValues.Create("0123456789.");

    /// <summary>1,024 bytes times <paramref name="count"/>.</summary>
    public static ByteSize KiB(long count) => new(checked(count * (1L << 10)));

    /// <summary>1,048,576 bytes times <paramref name="count"/>.</summary>
    public static ByteSize MiB(long count) => new(checked(count * (1L << 20)));

    /// <summary>2^30 bytes times <paramref name="count"/>.</summary>
    public static ByteSize GiB(long count) => new(checked(count * (1L << 30)));

    /// <inheritdoc/>
    public int CompareTo(ByteSize other) => Bytes.CompareTo(other.Bytes);

    /// <summary>Smaller than.</summary>
    public static bool operator <(ByteSize left, ByteSize right) => left.Bytes < right.Bytes;

    /// <summary>Larger than.</summary>
    public static bool operator >(ByteSize left, ByteSize right) => left.Bytes > right.Bytes;

    /// <summary>Not larger than.</summary>
    public static bool operator <=(ByteSize left, ByteSize right) => left.Bytes <= right.Bytes;

    /// <summary>Not smaller than.</summary>
    public static bool operator >=(ByteSize left, ByteSize right) => left.Bytes >= right.Bytes;

    /// <inheritdoc cref="TryParse(ReadOnlySpan{char}, IFormatProvider?, out ByteSize)"/>
    /// <exception cref="FormatException">The text is no size, negative, or 2^63 bytes and more.</exception>
    public static ByteSize Parse(ReadOnlySpan<char> s, IFormatProvider? provider) =>
        TryParse(s, provider, out var size)
            ? size
            : throw new FormatException($"'{s}' is not a size; write for example 4096, 64KiB, 1.5GiB or 10MB.");

    /// <inheritdoc cref="Parse(ReadOnlySpan{char}, IFormatProvider?)"/>
    public static ByteSize Parse(string s, IFormatProvider? provider) => Parse(s.AsSpan(), provider);

    /// <inheritdoc cref="Parse(ReadOnlySpan{char}, IFormatProvider?)"/>
    public static ByteSize Parse(ReadOnlySpan<char> s) => Parse(s, provider: null);

    /// <inheritdoc/>
    public static bool TryParse(string? s, IFormatProvider? provider, out ByteSize result) =>
        TryParse(s.AsSpan(), provider, out result);

    /// <summary>
    /// Reads a size. Fractions are rounded down to whole bytes. The culture is never asked: the decimal mark is
    /// a point.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> s, IFormatProvider? provider, out ByteSize result)
    {
        result = default;
        s = s.Trim();
        var unitAt = s.IndexOfAnyExcept(NumberCharacters);
        var number = (unitAt < 0 ? s : s[..unitAt]).TrimEnd();
        if (!TryParseUnit(unitAt < 0 ? [] : s[unitAt..].Trim(), out var unit)
            || !decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)
            || value > long.MaxValue
            || value * unit > long.MaxValue)
        {
            return false;
        }

        result = new ByteSize((long)decimal.Floor(value * unit));
        return true;
    }

    /// <summary>
    /// For people: at most one decimal place, IEC units ("64 KiB", "1.5 GiB"); a size that is not a multiple loses
    /// precision, so use <see cref="Bytes"/> for machines.
    /// </summary>
    public override string ToString()
    {
        var magnitude = Bytes < 0 ? -(decimal)Bytes : Bytes;
        var exponent = 0;
        while (magnitude >= 1024 && exponent < Prefixes.Length)
        {
            magnitude /= 1024;
            exponent++;
        }

        // 1023.96 KiB would print as 1024.0 KiB.
        if (exponent is > 0 and < 6 && Math.Round(magnitude, 1) >= 1024)
        {
            magnitude /= 1024;
            exponent++;
        }

        var sign = Bytes < 0 ? "-" : "";
        return exponent == 0
            ? string.Create(CultureInfo.InvariantCulture, $"{sign}{magnitude} B")
            : string.Create(CultureInfo.InvariantCulture, $"{sign}{magnitude:0.#} {Prefixes[exponent - 1]}iB");
    }

    private static bool TryParseUnit(ReadOnlySpan<char> text, out decimal unit)
    {
        unit = 1;
        if (text.IsEmpty || text is "B" or "b")
        {
            return true;
        }

        var exponent = Prefixes.IndexOf(char.ToUpperInvariant(text[0]), StringComparison.Ordinal) + 1;
        decimal radix = text[1..] switch
        {
            "" or "iB" or "ib" or "IB" or "i" => 1024,
            "B" or "b" => 1000,
            _ => 0,
        };
        if (exponent == 0 || radix == 0)
        {
            return false;
        }

        for (var i = 0; i < exponent; i++)
        {
            unit *= radix;
        }

        return true;
    }
}
