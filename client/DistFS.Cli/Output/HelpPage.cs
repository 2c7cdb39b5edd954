using System.CommandLine;

namespace DistFS.Cli.Output;

/// <summary>
/// Prints help: usage, arguments, options, and examples at the end. In place of System.CommandLine's own, which knows
/// no examples and no groups of verbs.
/// </summary>
internal sealed class HelpPage(TextWriter writer, int terminalWidth)
{
    private const string Margin = "  ";
    private readonly int _width = Math.Clamp(terminalWidth, 40, TextWrap.ReadableWidth);

    /// <summary>The help of <c>dfs</c> itself.</summary>
    public void Write(IReadOnlyList<Verb> verbs, GlobalOptions globals)
    {
        ArgumentNullException.ThrowIfNull(verbs);
        ArgumentNullException.ThrowIfNull(globals);
        writer.WriteLine("dfs: the tool of DistFS, a distributed file system");
        Heading("Usage");
        writer.WriteLine($"{Margin}dfs VERB [ARGUMENTS] [OPTIONS]");
        foreach (var group in verbs.GroupBy(verb => verb.Group).OrderBy(group => group.Key))
        {
            Rows(group.Key.ToString(), [.. group.Select(verb => (verb.Name, verb.Summary))]);
        }

        Rows("Options of every verb", Describe(globals.All));
        Examples(
        [
            new Example("dfs VERB --help", "show the options and examples of a verb"),
            new Example("dfs doctor", "check that this machine can run DistFS"),
            new Example("dfs explain DFS1203", "tell what an error means and what to do"),
        ]);
    }

    /// <summary>The help of a verb, or of a subcommand of it.</summary>
    public void Write(Verb verb, Command command, GlobalOptions globals)
    {
        ArgumentNullException.ThrowIfNull(verb);
        ArgumentNullException.ThrowIfNull(command);
        ArgumentNullException.ThrowIfNull(globals);
        foreach (var line in TextWrap.Lines($"{PathOf(command)}: {command.Description ?? verb.Summary}", _width))
        {
            writer.WriteLine(line);
        }

        Heading("Usage");
        writer.WriteLine(Margin + Usage(command));
        Rows("Arguments", [.. command.Arguments.Where(a => !a.Hidden).Select(a => (Label(a), a.Description ?? ""))]);
        Rows("Commands", [.. command.Subcommands.Where(c => !c.Hidden).Select(c => (c.Name, c.Description ?? ""))]);
        Rows("Options", Describe(command.Options));

        // A verb may have a short name of its own in the place of one of all: 'dfs du -h'.
        Rows("Options of every verb", Describe(globals.All, [.. command.Options.SelectMany(static o => o.Aliases)]));
        Examples(verb.Examples);
    }

    private static string PathOf(Command command) => command.Parents.OfType<Command>().FirstOrDefault() is { } parent
        && parent is not RootCommand
            ? $"{PathOf(parent)} {command.Name}"
            : $"dfs {command.Name}";

    private static string Usage(Command command)
    {
        var parts = new List<string> { PathOf(command) };
        if (command.Subcommands.Count > 0)
        {
            parts.Add("COMMAND");
        }

        foreach (var argument in command.Arguments.Where(argument => !argument.Hidden))
        {
            var label = Label(argument) + (argument.Arity.MaximumNumberOfValues > 1 ? "..." : "");
            parts.Add(argument.Arity.MinimumNumberOfValues == 0 ? $"[{label}]" : label);
        }

        parts.AddRange(command.Options
            .Where(option => option.Required && !option.Hidden)
            .Select(option => $"{option.Name} {option.HelpName}"));
        parts.Add("[OPTIONS]");
        return string.Join(' ', parts);
    }

    private static string Label(Argument argument) => argument.HelpName ?? argument.Name.ToUpperInvariant();

    private static (string, string)[] Describe(IEnumerable<Option> options, params string[] taken) =>
    [
        .. options.Where(option => !option.Hidden).Select(option => (
            $"{string.Join(", ", option.Aliases.Except(taken).Prepend(option.Name))} {option.HelpName}".TrimEnd(),
            option.Description ?? "")),
    ];

    private void Examples(IReadOnlyList<Example> examples)
    {
        Heading("Examples");
        foreach (var example in examples)
        {
            writer.WriteLine(Margin + example.Command);
            foreach (var line in TextWrap.Lines(example.Effect, _width - 6))
            {
                writer.WriteLine($"{Margin}    {line}");
            }
        }
    }

    private void Heading(string text)
    {
        writer.WriteLine();
        writer.WriteLine(text + ":");
    }

    private void Rows(string heading, (string Name, string Description)[] rows)
    {
        if (rows.Length == 0)
        {
            return;
        }

        Heading(heading);
        var column = Math.Min(rows.Max(row => row.Name.Length), 28) + 2;
        foreach (var (name, description) in rows)
        {
            var lines = TextWrap.Lines(description, _width - column - Margin.Length);

            // A long name has its line to itself.
            var first = name.Length + 2 > column ? "" : lines[0];
            writer.WriteLine($"{Margin}{name.PadRight(column)}{first}".TrimEnd());
            foreach (var line in first.Length == 0 ? lines : lines.Skip(1))
            {
                writer.WriteLine($"{Margin}{new string(' ', column)}{line}".TrimEnd());
            }
        }
    }
}
