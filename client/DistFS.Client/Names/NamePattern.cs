using System.Text;

namespace DistFS.Client.Names;

/// <summary>
/// Patterns of names as shells have them (POSIX, XCU 2.14): '*', '?', '[a-z]', '[!a-z]', '[[:digit:]]', and '\' before
/// what shall stand for itself. Names that begin with a dot are found only by patterns that begin with one.
/// </summary>
public sealed class NamePattern
{
    private const string Special = "*?[";

    private readonly Part[] _parts;

    private NamePattern(Part[] parts) => _parts = parts;

    /// <summary>Whether a text has anything in it that makes it a pattern; else it is a plain name.</summary>
    public static bool IsPattern(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.AsSpan().ContainsAny(Special);
    }

    /// <summary>Reads a pattern; any text is one.</summary>
    public static NamePattern Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var runes = text.EnumerateRunes().ToArray();
        var parts = new List<Part>();
        for (var at = 0; at < runes.Length;)
        {
            switch ((char)Math.Min(runes[at].Value, char.MaxValue))
            {
                case '*':
                    parts.Add(new Part(PartKind.Any));
                    at++;
                    break;
                case '?':
                    parts.Add(new Part(PartKind.One));
                    at++;
                    break;
                case '[' when EndOfSet(runes, at) is { } end:
                    parts.Add(SetOf(runes.AsSpan((at + 1)..end)));
                    at = end + 1;
                    break;
                case '\\' when at + 1 < runes.Length:
                    parts.Add(new Part(PartKind.Letter, runes[at + 1]));
                    at += 2;
                    break;
                default:
                    parts.Add(new Part(PartKind.Letter, runes[at]));
                    at++;
                    break;
            }
        }

        return new NamePattern([.. parts]);
    }

    /// <summary>What a text that is no pattern, or whose special letters have '\' before them, stands for.</summary>
    public static string Unescape(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var plain = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            i += text[i] == '\\' && i + 1 < text.Length ? 1 : 0;
            plain.Append(text[i]);
        }

        return plain.ToString();
    }

    /// <summary>Whether a name is one of those that the pattern stands for.</summary>
    public bool Matches(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return !name.StartsWith('.') || (_parts.Length > 0 && _parts[0].Is('.')) ? MatchesAny(name) : false;
    }

    /// <summary>As <see cref="Matches"/>, dots being letters like any other (find -name).</summary>
    public bool MatchesAny(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var letters = name.EnumerateRunes().ToArray();
        var (part, at, star, starAt) = (0, 0, -1, 0);
        while (at < letters.Length)
        {
            if (part < _parts.Length && _parts[part].Kind == PartKind.Any)
            {
                (star, starAt) = (part++, at);
            }
            else if (part < _parts.Length && _parts[part].Takes(letters[at]))
            {
                (part, at) = (part + 1, at + 1);
            }
            else if (star >= 0)
            {
                // The last '*' takes one letter more; those before it need not be tried again.
                (part, at) = (star + 1, ++starAt);
            }
            else
            {
                return false;
            }
        }

        while (part < _parts.Length && _parts[part].Kind == PartKind.Any)
        {
            part++;
        }

        return part == _parts.Length;
    }

    /// <summary>Where the ']' of a set stands; null: there is none, and '[' is a letter.</summary>
    private static int? EndOfSet(Rune[] runes, int open)
    {
        var at = open + 1;
        at += at < runes.Length && runes[at].Value is '!' or '^' ? 1 : 0;
        for (var first = at; at < runes.Length; at++)
        {
            if (runes[at].Value == '[' && at + 1 < runes.Length && runes[at + 1].Value == ':'
                && EndOfClass(runes, at) is { } end)
            {
                at = end;
            }
            else if (runes[at].Value == ']' && at > first)
            {
                return at;
            }
        }

        return null;
    }

    private static int? EndOfClass(Rune[] runes, int open)
    {
        for (var at = open + 2; at + 1 < runes.Length; at++)
        {
            if (runes[at].Value == ':' && runes[at + 1].Value == ']')
            {
                return at + 1;
            }
        }

        return null;
    }

    private static Part SetOf(ReadOnlySpan<Rune> inside)
    {
        var isNot = inside[0].Value is '!' or '^';
        inside = isNot ? inside[1..] : inside;
        var tests = new List<Func<Rune, bool>>();
        for (var at = 0; at < inside.Length;)
        {
            if (inside[at].Value == '[' && at + 1 < inside.Length && inside[at + 1].Value == ':'
                && EndOfClass(inside.ToArray(), at) is { } end)
            {
                tests.Add(ClassOf(string.Concat(inside[(at + 2)..(end - 1)].ToArray())));
                at = end + 1;
                continue;
            }

            var from = inside[at];
            var isRange = at + 2 < inside.Length && inside[at + 1].Value == '-';
            var to = isRange ? inside[at + 2] : from;
            tests.Add(letter => letter >= from && letter <= to);
            at += isRange ? 3 : 1;
        }

        return new Part(PartKind.Set, Test: letter => tests.Exists(test => test(letter)) != isNot);
    }

    private static Func<Rune, bool> ClassOf(string name) => name switch
    {
        "alpha" => Rune.IsLetter,
        "digit" => static letter => letter.Value is >= '0' and <= '9',
        "alnum" => Rune.IsLetterOrDigit,
        "upper" => Rune.IsUpper,
        "lower" => Rune.IsLower,
        "space" => Rune.IsWhiteSpace,
        "punct" => static letter => Rune.IsPunctuation(letter) || Rune.IsSymbol(letter),
        _ => static _ => false,
    };

    private enum PartKind
    {
        Letter,
        One,
        Any,
        Set,
    }

    private readonly record struct Part(PartKind Kind, Rune Letter = default, Func<Rune, bool>? Test = null)
    {
        public bool Is(char letter) => Kind == PartKind.Letter && Letter.Value == letter;

        public bool Takes(Rune letter) => Kind switch
        {
            PartKind.Letter => Letter == letter,
            PartKind.One => true,
            _ => Test!(letter),
        };
    }
}
