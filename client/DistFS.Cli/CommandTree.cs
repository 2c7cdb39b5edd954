using System.CommandLine;

namespace DistFS.Cli;

/// <summary>The commands that one run needs: the verb that is named, or all of them when that is not clear.</summary>
internal sealed class CommandTree
{
    private readonly VerbCatalog _catalog;
    private readonly Dictionary<Command, Verb> _verbs = [];
    private IReadOnlyList<Verb>? _all;

    private CommandTree(VerbCatalog catalog, GlobalOptions globals)
    {
        _catalog = catalog;
        Root = new RootCommand();
        Root.Options.Clear();
        foreach (var option in globals.All)
        {
            Root.Options.Add(option);
        }
    }

    /// <summary>What parses.</summary>
    public RootCommand Root { get; }

    /// <summary>Every verb, for help and suggestions.</summary>
    public IReadOnlyList<Verb> AllVerbs => _all ??= _catalog.All();

    /// <summary>Makes the commands.</summary>
    public static CommandTree Build(VerbCatalog catalog, GlobalOptions globals, IReadOnlyList<string> words)
    {
        var tree = new CommandTree(catalog, globals);
        if (FirstPlainWord(words) is { } name && catalog.Find(name) is { } named)
        {
            tree.Add(named);
        }
        else if (CliProgram.IsCompletion(words))
        {
            foreach (var verb in tree.AllVerbs)
            {
                tree.Add(verb);
            }
        }

        return tree;
    }

    /// <summary>The verb that a command or subcommand belongs to; null for the root.</summary>
    public Verb? VerbOf(Command command) =>
        _verbs.TryGetValue(command, out var verb) ? verb
        : command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? VerbOf(parent)
        : null;

    private void Add(Verb verb)
    {
        var command = new Command(verb.Name, verb.Summary);
        verb.Configure(command);
        Root.Subcommands.Add(command);
        _verbs.Add(command, verb);
    }

    private static string? FirstPlainWord(IReadOnlyList<string> words)
    {
        for (var i = 0; i < words.Count; i++)
        {
            if (GlobalOptions.TakesNextWord(words[i]))
            {
                i++;
            }
            else if (!words[i].StartsWith('-'))
            {
                return words[i].StartsWith('[') ? null : words[i];
            }
        }

        return null;
    }
}
