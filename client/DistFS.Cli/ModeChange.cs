namespace DistFS.Cli;

/// <summary>
/// A change of permission bits as chmod takes it (POSIX, chmod): "644", "u+x", "go-w", "a=rX,u+w", "g=u", "+t".
/// </summary>
internal sealed class ModeChange
{
    /// <summary>For error messages.</summary>
    public const string Hint = "write for example 644, 2755, u+x, go-w or a=rX";

    private const uint All = 0b111_111_111_111;
    private const uint Execute = 0b001_001_001;
    private const uint SetUser = 0b100_000_000_000;
    private const uint SetGroup = 0b010_000_000_000;
    private const uint Sticky = 0b001_000_000_000;
    private const uint User = SetUser | 0b111_000_000;
    private const uint Group = SetGroup | 0b000_111_000;
    private const uint Others = 0b000_000_111;

    private readonly List<Step> _steps = [];

    private ModeChange()
    {
    }

    /// <summary>Reads a change.</summary>
    /// <param name="text">Octal, or with letters.</param>
    /// <param name="umask">What letters without u, g, o and a leave alone.</param>
    /// <param name="change">What it says.</param>
    public static bool TryParse(string text, uint umask, out ModeChange? change)
    {
        ArgumentNullException.ThrowIfNull(text);
        change = new ModeChange();
        if (text.Length is > 0 and <= 5 && text.All(static letter => letter is >= '0' and <= '7'))
        {
            var mode = Convert.ToUInt32(text, 8);
            change._steps.Add(new Step('=', All, mode, "", NamesSetId: text.Length > 4));
            return mode <= All;
        }

        foreach (var clause in text.Split(','))
        {
            if (!change.TryAdd(clause, umask))
            {
                change = null;
                return false;
            }
        }

        return true;
    }

    /// <summary>The bits after it.</summary>
    /// <param name="mode">The bits before.</param>
    /// <param name="isDirectory">
    /// Then X is x, and set-id bits stay unless they are named: in octal by five digits.
    /// </param>
    public uint Apply(uint mode, bool isDirectory)
    {
        foreach (var step in _steps)
        {
            mode = step.Apply(mode, isDirectory);
        }

        return mode;
    }

    private bool TryAdd(string clause, uint umask)
    {
        var at = 0;
        var who = 0u;
        for (; at < clause.Length && Who(clause[at]) is var letter && letter != 0; at++)
        {
            who |= letter;
        }

        // Without a letter: everybody's, but what the umask keeps from new files too.
        var (affected, kept) = who == 0 ? (All, umask & ~(SetUser | SetGroup | Sticky)) : (who, 0u);
        if (at == clause.Length)
        {
            return false;
        }

        while (at < clause.Length)
        {
            var operation = clause[at++];
            if (operation is not ('+' or '-' or '='))
            {
                return false;
            }

            var end = clause.AsSpan(at).IndexOfAny("+-=");
            var letters = end < 0 ? clause[at..] : clause.Substring(at, end);
            at += letters.Length;
            if (!TryReadBits(letters, out var bits))
            {
                return false;
            }

            var namesSetId = letters.Contains('s', StringComparison.Ordinal);
            _steps.Add(new Step(operation, affected & ~kept, bits, letters, namesSetId));
        }

        return true;
    }

    private static uint Who(char letter) => letter switch
    {
        'u' => User,
        'g' => Group,
        'o' => Others | Sticky,
        'a' => All,
        _ => 0,
    };

    private static bool TryReadBits(string letters, out uint bits)
    {
        bits = 0;
        if (letters is "u" or "g" or "o")
        {
            return true;
        }

        foreach (var letter in letters)
        {
            var bit = letter switch
            {
                'r' => 0b100_100_100u,
                'w' => 0b010_010_010u,
                'x' => Execute,
                'X' => 0u,
                's' => SetUser | SetGroup,
                't' => Sticky,
                _ => uint.MaxValue,
            };
            if (bit == uint.MaxValue)
            {
                return false;
            }

            bits |= bit;
        }

        return true;
    }

    /// <summary>One operation on the bits of some.</summary>
    private sealed record Step(char Operation, uint Affected, uint Bits, string Letters, bool NamesSetId)
    {
        public uint Apply(uint mode, bool isDirectory)
        {
            var bits = Letters switch
            {
                "u" => Spread(mode >> 6),
                "g" => Spread(mode >> 3),
                "o" => Spread(mode),
                _ => Bits,
            };
            if (Letters.Contains('X', StringComparison.Ordinal) && (isDirectory || (mode & Execute) != 0))
            {
                bits |= Execute;
            }

            bits &= Affected;
            if (Operation != '=')
            {
                return Operation == '+' ? mode | bits : mode & ~bits;
            }

            // A directory keeps its set-id bits unless they are named (GNU chmod).
            var kept = isDirectory && !NamesSetId ? SetUser | SetGroup : 0;
            return (mode & (~Affected | kept)) | bits;
        }

        private static uint Spread(uint three) => (three & 0b111) * Execute;
    }
}
