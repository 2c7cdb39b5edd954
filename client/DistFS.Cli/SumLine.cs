using System.Buffers;
using System.Text;

namespace DistFS.Cli;

/// <summary>
/// A line of <c>sha256sum</c>: the sum, two blanks, the name. Of a name with a line end or '\' in it the line begins
/// with '\', and these stand as '\n', '\r' and '\\'.
/// </summary>
internal static class SumLine
{
    private const string Special = "\\\n\r";

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdefABCDEF");

    /// <summary>Writes it, without the end of the line.</summary>
    public static string Of(string sum, string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return path.AsSpan().ContainsAny(Special)
            ? $"\\{sum}  {path.Replace("\\", "\\\\", StringComparison.Ordinal)
                .Replace("\n", "\\n", StringComparison.Ordinal)
                .Replace("\r", "\\r", StringComparison.Ordinal)}"
            : $"{sum}  {path}";
    }

    /// <summary>Reads it, of SHA-256 or CRC32C.</summary>
    public static bool TryParse(string line, out string sum, out string path)
    {
        ArgumentNullException.ThrowIfNull(line);
        var isEscaped = line.StartsWith('\\');
        var rest = isEscaped ? line[1..] : line;
        var blank = rest.IndexOf(' ', StringComparison.Ordinal);
        (sum, path) = ("", "");

        // Behind the blank stands another one, or '*' for what Windows calls binary.
        if (blank is not (64 or 8) || rest.Length < blank + 3 || rest[blank + 1] is not (' ' or '*')
            || rest.AsSpan(0, blank).ContainsAnyExcept(HexDigits))
        {
            return false;
        }

        sum = rest[..blank].ToLowerInvariant();
        path = isEscaped ? Unescape(rest[(blank + 2)..]) : rest[(blank + 2)..];
        return true;
    }

    private static string Unescape(string text)
    {
        var plain = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            var isEscape = text[i] == '\\' && i + 1 < text.Length;
            i += isEscape ? 1 : 0;
            plain.Append((isEscape, text[i]) switch
            {
                (true, 'n') => '\n',
                (true, 'r') => '\r',
                (_, var letter) => letter,
            });
        }

        return plain.ToString();
    }
}
