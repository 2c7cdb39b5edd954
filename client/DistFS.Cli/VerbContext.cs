using System.CommandLine;
using System.Text.Json.Serialization.Metadata;
using DistFS.Cli.Configuration;
using DistFS.Cli.Output;
using DistFS.Primitives;
using Spectre.Console;

namespace DistFS.Cli;

/// <summary>
/// What a verb gets to do its work: arguments, settings, where to print. Everything costly is made when it is used.
/// </summary>
internal sealed class VerbContext
{
    private readonly GlobalOptions _globals;
    private CliConfiguration? _configuration;
    private IAnsiConsole? _out;
    private IAnsiConsole? _error;

    public VerbContext(CliHost host, ParseResult arguments, GlobalOptions globals)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(arguments);
        ArgumentNullException.ThrowIfNull(globals);
        (Host, Arguments, _globals) = (host, arguments, globals);
        Json = arguments.GetValue(globals.Json);
        Verbose = arguments.GetValue(globals.Verbose);
    }

    /// <summary>The world around.</summary>
    public CliHost Host { get; }

    /// <summary>The command line.</summary>
    public ParseResult Arguments { get; }

    /// <summary>Print JSON and nothing else on stdout.</summary>
    public bool Json { get; }

    /// <summary>Say more.</summary>
    public bool Verbose { get; }

    /// <summary>Cancelled by ^C; every wait takes it.</summary>
    public CancellationToken Cancellation => Host.Interrupted;

    /// <summary>The configuration with origins.</summary>
    /// <exception cref="DistFsException"><see cref="ErrorCatalog.Configuration"/>.</exception>
    public CliConfiguration Configuration => _configuration ??= CliConfiguration.Load(
        _globals.Flags(Arguments), Arguments.GetValue(_globals.Config), Host.Environment);

    /// <inheritdoc cref="Configuration"/>
    public CliSettings Settings => Configuration.Settings;

    /// <summary>Tables and coloured text for people, on stdout.</summary>
    public IAnsiConsole Out => _out ??= Consoles.Create(Host.Out, UsesColor(Host.OutIsTerminal), Host.OutWidth);

    /// <summary>Progress and messages for people, on stderr; use <see cref="Note"/> for a line.</summary>
    public IAnsiConsole Error =>
        _error ??= Consoles.Create(Host.Error, UsesColor(Host.ErrorIsTerminal), Host.ErrorWidth);

    /// <summary>The value of an option.</summary>
    public T Get<T>(Option<T> option) => Arguments.GetValue(option)!;

    /// <summary>The value of an argument.</summary>
    public T Get<T>(Argument<T> argument) => Arguments.GetValue(argument)!;

    /// <summary>Tells a person something that is no result; silent where nobody looks.</summary>
    public void Note(string text)
    {
        if (Host.ErrorIsTerminal && !Json)
        {
            Host.Error.WriteLine(text);
        }
    }

    /// <summary>Prints one JSON document on stdout: indented on a terminal, else on one line.</summary>
    /// <param name="value">The result.</param>
    /// <param name="type">Of a source-generated context, which starts fast: declare one beside the verb.</param>
    public void WriteJson<T>(T value, JsonTypeInfo<T> type) =>
        JsonOutput.Write(Host.Out, value, type, Host.OutIsTerminal);

    private bool UsesColor(bool isTerminal)
    {
        ColorMode mode;
        try
        {
            mode = Settings.Color;
        }
        catch (DistFsException e) when (e.Code == ErrorCatalog.Configuration)
        {
            // A verb that needs no settings works with a broken file, 'dfs explain DFS1002' above all.
            mode = ColorMode.Auto;
        }

        return Consoles.UsesColor(mode, isTerminal, Host.Environment);
    }
}
