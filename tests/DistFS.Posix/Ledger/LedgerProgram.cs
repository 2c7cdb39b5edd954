using System.Globalization;

namespace DistFS.Posix.Ledger;

/// <summary>`posix ledger write|check DIR LEDGER`.</summary>
internal static class LedgerProgram
{
    public static int Run(ReadOnlySpan<string> arguments)
    {
        if (arguments is not [("write" or "check") and var verb, var directory, var ledger, .. var options]
            || !TryReadOptions(options, out var records, out var seed))
        {
            Console.Error.WriteLine(Program.Usage);
            return 2;
        }

        directory = FromText(Path.GetFullPath(directory));
        ledger = FromText(Path.GetFullPath(ledger));
        try
        {
            return verb == "write" ? Write(directory, ledger, records, seed) : Check(directory, ledger);
        }
        catch (LedgerException e)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }

    private static bool TryReadOptions(ReadOnlySpan<string> options, out long records, out int seed)
    {
        (records, seed) = (long.MaxValue, 1);
        for (; options.Length >= 2; options = options[2..])
        {
            var isNumber = int.TryParse(options[1], NumberStyles.None, CultureInfo.InvariantCulture, out var number);
            if (!isNumber || options[0] is not ("--records" or "--seed"))
            {
                return false;
            }

            (records, seed) = options[0] == "--records" ? (number, seed) : (records, number);
        }

        return options.IsEmpty;
    }

    /// <summary>Says after each record how many are acknowledged, so that a caller knows when to kill.</summary>
    private static int Write(string directory, string ledger, long records, int seed)
    {
        new LedgerWriter(directory, ledger, seed).Write(
            records, id => Console.Out.WriteLine((id + 1).ToString(CultureInfo.InvariantCulture)));
        return 0;
    }

    private static int Check(string directory, string ledger)
    {
        var checker = new LedgerChecker(directory, ledger);
        var violations = checker.Check();
        foreach (var violation in violations)
        {
            Console.Error.WriteLine(violation);
        }

        Console.WriteLine($"{checker.Acknowledged} records acknowledged, {violations.Count} violations");
        return violations.Count == 0 ? 0 : 1;
    }
}
