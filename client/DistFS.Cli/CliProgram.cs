using System.CommandLine;
using DistFS.Cli.Configuration;
using DistFS.Cli.Output;
using DistFS.Cli.Verbs;

namespace DistFS.Cli;

/// <summary>One run of the tool: finds the verb, reads the command line, runs the verb, tells errors.</summary>
internal static class CliProgram
{
    // "@name" is a file name of the user's, not a file of arguments.
    private static readonly ParserConfiguration Parsing = new() { ResponseFileTokenReplacer = null };

    /// <summary>Runs the tool.</summary>
    /// <param name="args">Without the name of the program.</param>
    /// <param name="host">The world around.</param>
    /// <param name="catalog">Other verbs than the tool's own, for tests.</param>
    /// <returns>One of <see cref="ExitCodes"/>; never throws.</returns>
    public static Task<int> RunAsync(IReadOnlyList<string> args, CliHost host, VerbCatalog? catalog = null)
    {
        ArgumentNullException.ThrowIfNull(args);
        ArgumentNullException.ThrowIfNull(host);
        return IsPlainVersion(args) ? Task.FromResult(PrintVersion(host)) : ParseAndRunAsync(args, host, catalog);
    }

    /// <summary>Whether the shell asks for candidates: System.CommandLine's directive stands first.</summary>
    internal static bool IsCompletion(IReadOnlyList<string> words) =>
        words.Count > 0 && words[0].StartsWith("[suggest", StringComparison.Ordinal);

    // Scripts and package managers ask for the version before each use. The plain question needs no parser, and loading
    // one is half of the time of the answer; with any option it goes the way of every verb, to the same text.
    private static bool IsPlainVersion(IReadOnlyList<string> args) => args is ["version" or "--version"];

    private static int PrintVersion(CliHost host)
    {
        try
        {
            host.Out.Write(VersionVerb.PlainText());
            return ExitCodes.Ok;
        }
        catch (Exception e)
        {
            return ReportFor(host, arguments: null, new GlobalOptions()).Tell(e);
        }
    }

    private static async Task<int> ParseAndRunAsync(IReadOnlyList<string> args, CliHost host, VerbCatalog? catalog)
    {
        var globals = new GlobalOptions();
        ParseResult? arguments = null;
        try
        {
            var words = Normalise(args);
            var tree = CommandTree.Build(catalog ?? VerbCatalog.Default, globals, words);
            arguments = tree.Root.Parse(words, Parsing);
            return IsCompletion(words)
                ? await CompleteAsync(arguments, host).ConfigureAwait(false)
                : await RunVerbAsync(tree, arguments, globals, host).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            return ReportFor(host, arguments, globals).Tell(e);
        }
    }

    private static IReadOnlyList<string> Normalise(IReadOnlyList<string> args)
    {
        var first = args.Count == 0 ? "" : args[0];
        return first switch
        {
            "--version" => ["version", .. args.Skip(1)],
            "help" => [.. args.Skip(1), "--help"],
            _ => args,
        };
    }

    private static Task<int> CompleteAsync(ParseResult arguments, CliHost host) => arguments.InvokeAsync(
        new InvocationConfiguration { Output = host.Out, Error = host.Error, EnableDefaultExceptionHandler = false },
        host.Interrupted);

    private static async Task<int> RunVerbAsync(
        CommandTree tree, ParseResult arguments, GlobalOptions globals, CliHost host)
    {
        var verb = tree.VerbOf(arguments.CommandResult.Command);
        var wantsHelp = arguments.GetResult(globals.Help) != null;
        if (verb == null)
        {
            return ShowRoot(tree, arguments, globals, host, wantsHelp);
        }

        if (wantsHelp)
        {
            new HelpPage(host.Out, host.TerminalWidth).Write(verb, arguments.CommandResult.Command, globals);
            return ExitCodes.Ok;
        }

        if (UsageError.Find(arguments, verb, globals) is { } error)
        {
            throw error;
        }

        return await verb.RunAsync(new VerbContext(host, arguments, globals)).ConfigureAwait(false);
    }

    private static int ShowRoot(
        CommandTree tree, ParseResult arguments, GlobalOptions globals, CliHost host, bool wantsHelp)
    {
        if (arguments.UnmatchedTokens.Count > 0)
        {
            throw UsageError.OfUnknownVerb(arguments.UnmatchedTokens[0], tree.AllVerbs, globals);
        }

        // Without a verb the help is an answer to a mistake: it goes to stderr, so that no pipe takes it for a result.
        new HelpPage(wantsHelp ? host.Out : host.Error, host.TerminalWidth).Write(tree.AllVerbs, globals);
        return wantsHelp ? ExitCodes.Ok : ExitCodes.Usage;
    }

    private static ErrorReport ReportFor(CliHost host, ParseResult? arguments, GlobalOptions globals) => new(
        host,
        json: IsSet(arguments, globals.Json),
        stack: IsSet(arguments, globals.Verbose) || host.Environment(ErrorReport.DebugVariable) == "1",
        CliConfiguration.ColorWithoutFile(IsSet(arguments, globals.NoColor), host.Environment));

    // Of a command line that may be wrong.
    private static bool IsSet(ParseResult? arguments, Option<bool> option) =>
        arguments?.GetResult(option) is { } result && !result.Errors.Any() && arguments.GetValue(option);
}
