using System.CommandLine;
using System.CommandLine.Parsing;
using DistFS.Primitives;

namespace DistFS.Cli;

/// <summary>Makes errors of the command line that say what was probably meant.</summary>
internal static class UsageError
{
    /// <summary>A word that is no verb, or an option before any verb.</summary>
    public static DistFsException OfUnknownVerb(string word, IReadOnlyList<Verb> verbs, GlobalOptions globals)
    {
        ArgumentNullException.ThrowIfNull(word);
        var isOption = word.StartsWith('-');
        var candidates = isOption ? globals.All.Select(option => option.Name) : verbs.Select(verb => verb.Name);
        return Usage(
            $"'{word}' is no {(isOption ? "option" : "verb")}.{NearestName.Question(word, candidates)}"
            + " 'dfs --help' lists them.");
    }

    /// <summary>What a verb itself finds wrong with its command line.</summary>
    public static DistFsException Because(Verb verb, string why)
    {
        ArgumentNullException.ThrowIfNull(verb);
        return Usage($"{why}{Help(verb)}");
    }

    /// <summary>What is wrong with the command line of a verb; null when nothing is.</summary>
    public static DistFsException? Find(ParseResult arguments, Verb verb, GlobalOptions globals)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        ArgumentNullException.ThrowIfNull(verb);
        if (UnknownOption(arguments) is { } option)
        {
            var known = arguments.CommandResult.Command.Options.Concat(globals.All)
                .SelectMany(option => option.Aliases.Prepend(option.Name));
            return Usage(
                $"'{option}' is no option of '{verb.Name}'.{NearestName.Question(option, known)}"
                + $" A name that starts with a dash goes after '--'.{Help(verb)}");
        }

        return arguments.Errors.Count > 0 ? Of(arguments, verb) : null;
    }

    // System.CommandLine takes an unknown option for an argument: 'dfs ls --lnog' would list a path of that name.
    private static string? UnknownOption(ParseResult arguments)
    {
        Token? before = null;
        foreach (var token in arguments.Tokens)
        {
            if (token.Type == TokenType.DoubleDash)
            {
                return null;
            }

            if (token.Type == TokenType.Argument && token.Value is ['-', _, ..] && before?.Type != TokenType.Option)
            {
                return token.Value;
            }

            before = token;
        }

        return null;
    }

    private static string Help(Verb verb) => $" See 'dfs {verb.Name} --help'.";

    private static DistFsException Of(ParseResult arguments, Verb verb)
    {
        if (arguments.UnmatchedTokens.Count == 0)
        {
            return Usage(string.Join(' ', arguments.Errors.Select(error => error.Message).Distinct()) + Help(verb));
        }

        var word = arguments.UnmatchedTokens[0];
        return Usage(
            $"'{word}' is an argument too many for '{verb.Name}'."
            + NearestName.Question(word, arguments.CommandResult.Command.Subcommands.Select(command => command.Name))
            + Help(verb));
    }

    private static DistFsException Usage(string message) => new(ErrorCatalog.Usage, message);
}
