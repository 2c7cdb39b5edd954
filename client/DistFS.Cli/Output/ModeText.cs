using DistFS.Client;

namespace DistFS.Cli.Output;

/// <summary>Permissions as ls(1) shows them: "drwxr-xr-x".</summary>
internal static class ModeText
{
    /// <summary>Ten letters.</summary>
    public static string Of(FileStatus status)
    {
        ArgumentNullException.ThrowIfNull(status);
        var kind = status.Kind switch
        {
            FileKind.Directory => 'd',
            FileKind.SymbolicLink => 'l',
            FileKind.CharacterDevice => 'c',
            FileKind.BlockDevice => 'b',
            FileKind.Fifo => 'p',
            FileKind.Socket => 's',
            _ => '-',
        };
        return string.Create(10, (kind, status.Mode), static (text, given) =>
        {
            text[0] = given.kind;
            for (var i = 0; i < 9; i++)
            {
                text[1 + i] = (given.Mode & (1u << (8 - i))) != 0 ? "rwx"[i % 3] : '-';
            }

            Special(text, 3, given.Mode, 0b100_000_000_000, 's');
            Special(text, 6, given.Mode, 0b010_000_000_000, 's');
            Special(text, 9, given.Mode, 0b001_000_000_000, 't');
        });
    }

    private static void Special(Span<char> text, int at, uint mode, uint bit, char letter)
    {
        if ((mode & bit) != 0)
        {
            text[at] = text[at] == 'x' ? letter : char.ToUpperInvariant(letter);
        }
    }
}
