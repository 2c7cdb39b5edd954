using System.CommandLine.Parsing;
using System.Globalization;
using DistFS.Client;
using DistFS.Primitives;

namespace DistFS.Cli;

/// <summary>What <c>dfs find</c> asks of a file, read from its options.</summary>
internal static class FindTests
{
    /// <summary>Letters of kinds, with commas between.</summary>
    public static FileKind[] ParseKinds(ArgumentResult result)
    {
        var kinds = new List<FileKind>();
        foreach (var letter in result.Tokens[0].Value.Split(','))
        {
            FileKind? kind = letter switch
            {
                "f" => FileKind.File,
                "d" => FileKind.Directory,
                "l" => FileKind.SymbolicLink,
                "p" => FileKind.Fifo,
                "s" => FileKind.Socket,
                "c" => FileKind.CharacterDevice,
                "b" => FileKind.BlockDevice,
                _ => null,
            };
            if (kind is not { } known)
            {
                result.AddError($"-type '{letter}' is none of f, d, l, p, s, c and b.");
                return [];
            }

            kinds.Add(known);
        }

        return [.. kinds];
    }

    /// <summary>
    /// A size in bytes, unlike find(1), which rounds up to its unit: there, -size -1M is only what is empty.
    /// </summary>
    public static Func<FileStatus, bool>? ParseSize(ArgumentResult result)
    {
        var (sign, text) = Signed(result.Tokens[0].Value);
        if (ByteSize.TryParse(text, null, out var size))
        {
            return status => status.IsFile && Compares(status.Size.CompareTo(size.Bytes), sign);
        }

        result.AddError($"-size '{result.Tokens[0].Value}' is no size; write for example 4096, +1GiB or -64KiB.");
        return null;
    }

    /// <summary>How long ago something was written: in whole days if no unit is given, as find(1) has it.</summary>
    public static Func<FileStatus, bool>? ParseAge(ArgumentResult result)
    {
        var (sign, text) = Signed(result.Tokens[0].Value);
        var now = FileTime.Of(DateTimeOffset.UtcNow);
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var days))
        {
            return status => Compares(
                ((now.Seconds - status.ModifyTime.Seconds) / 86_400).CompareTo(days), sign);
        }

        if (sign != ' ' && Duration.TryParse(text, out var age))
        {
            var then = FileTime.Of(DateTimeOffset.UtcNow - age);
            return status => Compares(then.CompareTo(status.ModifyTime), sign);
        }

        result.AddError($"-mtime '{result.Tokens[0].Value}' is no age; write for example 3, +7, -1 or +12h.");
        return null;
    }

    private static (char Sign, string Text) Signed(string text) =>
        text.StartsWith('+') || text.StartsWith('-') ? (text[0], text[1..]) : (' ', text);

    private static bool Compares(int order, char sign) => sign switch
    {
        '+' => order > 0,
        '-' => order < 0,
        _ => order == 0,
    };
}
