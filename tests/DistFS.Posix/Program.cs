using System.Runtime.CompilerServices;
using DistFS.Posix.Ledger;

namespace DistFS.Posix;

/// <summary>The command line: docs/operating/posix.md.</summary>
internal static class Program
{
    internal const string Usage = """
        usage: posix DIR [DIR2] [options]    examines DIR; DIR2 is the same directory through another mount
               posix --list [--only PART]    the checks, with what says that it must be so
               posix ledger write DIR LEDGER [--records N] [--seed N]
               posix ledger check DIR LEDGER
        options:
          --only PART       only checks with PART in Area.Name (=Area.Name: that one alone); may be repeated
          --require-all     what cannot be run here is a failure
          --json            the report as JSON
          --operations N    operations of each random run (20000)
          --entries N       entries of the large directory (100000)
          --seed N          what the random runs start from (1)
          --deadline S      seconds without progress after which a check is hung (30)
          --verbose         each check as it ends
          --plant FAULT     the system calls deviate on purpose: the suite must see it
        exit: 0 all that ran passed, 1 something failed, 2 wrong usage
        """;

    internal static int Main(string[] arguments)
    {
        if (arguments is [Peer.Verb, var fault])
        {
            Planted.Active = Enum.Parse<Fault>(fault);
            return Peer.Serve(Console.OpenStandardInput(), Console.OpenStandardOutput());
        }

        if (arguments is ["ledger", ..])
        {
            return LedgerProgram.Run(arguments.AsSpan(1));
        }

        if (!CommandLine.TryParse(arguments, out var line, out var problem))
        {
            Console.Error.WriteLine(problem);
            Console.Error.WriteLine(Usage);
            return 2;
        }

        return line.List ? List(line) : Run(line);
    }

    private static int List(CommandLine line)
    {
        foreach (var check in CheckList.Select(line.Options.Only))
        {
            Console.WriteLine($"{check.FullName,-60} {check.Source}");
        }

        return 0;
    }

    private static int Run(CommandLine line)
    {
        Planted.Active = line.Plant;
        LoadAll();
        try
        {
            var runner = new Runner(line.Options);
            var report = runner.Run(
                CheckList.Select(line.Options.Only),
                line.Verbose
                    ? r => Console.Error.WriteLine(
                        $"{(r.HasFailed ? "FAILED" : r.NotRun ?? "ok")} {r.FullName} {r.Ms:F0} ms")
                    : null);
            if (line.Json)
            {
                report.PrintJson(Console.Out);
            }
            else
            {
                report.Print(Console.Out);
            }

            return report.ExitCode;
        }
        catch (CheckFailedException e)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }

    /// <summary>A thread that acts as another user may not be able to read the program's own files any more.</summary>
    private static void LoadAll()
    {
        foreach (var name in typeof(Program).Assembly.GetReferencedAssemblies())
        {
            System.Reflection.Assembly.Load(name);
        }

        RuntimeHelpers.RunClassConstructor(typeof(CheckList).TypeHandle);
    }
}
