using System.Text;

namespace DistFS.Cli;

/// <summary>The world around one run of the tool: a process has one, a test makes its own.</summary>
internal sealed record CliHost
{
    // What is written where nobody looks at a terminal is never wrapped.
    private const int UnlimitedWidth = 10_000;

    /// <summary>Results; UTF-8.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>Errors, notes and progress; UTF-8.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>stdout for verbs that print bytes; such a verb prints nothing on <see cref="Out"/>.</summary>
    public Stream OutBytes { get; init; } = Stream.Null;

    /// <summary>stdin as bytes.</summary>
    public Stream InBytes { get; init; } = Stream.Null;

    /// <summary>Whether a person sees <see cref="Out"/>.</summary>
    public bool OutIsTerminal { get; init; }

    /// <summary>Whether a person sees <see cref="Error"/>.</summary>
    public bool ErrorIsTerminal { get; init; }

    /// <summary>The columns of the terminal.</summary>
    public int TerminalWidth { get; init; } = 80;

    /// <summary>Reads an environment variable; null when it is not set.</summary>
    public Func<string, string?> Environment { get; init; } = static _ => null;

    /// <summary>Cancelled by ^C and SIGTERM.</summary>
    public CancellationToken Interrupted { get; init; }

    /// <summary>What to return after <see cref="Interrupted"/>.</summary>
    public Func<int> InterruptExitCode { get; init; } = static () => ExitCodes.Interrupted;

    /// <summary>Where lines of stdout end.</summary>
    public int OutWidth => OutIsTerminal ? TerminalWidth : UnlimitedWidth;

    /// <summary>Where lines of stderr end.</summary>
    public int ErrorWidth => ErrorIsTerminal ? TerminalWidth : UnlimitedWidth;

    /// <summary>The running process.</summary>
    public static CliHost ForProcess(Interrupts interrupts)
    {
        var outIsTerminal = !Console.IsOutputRedirected;
        var errorIsTerminal = !Console.IsErrorRedirected;
        return new CliHost
        {
            Out = Writer(Console.OpenStandardOutput(), static () => Console.Out),
            Error = Writer(Console.OpenStandardError(), static () => Console.Error),
            OutBytes = Console.OpenStandardOutput(),
            InBytes = new InterruptibleInput(Console.OpenStandardInput()),
            OutIsTerminal = outIsTerminal,
            ErrorIsTerminal = errorIsTerminal,
            TerminalWidth = outIsTerminal || errorIsTerminal ? WindowWidth() : 80,
            Environment = System.Environment.GetEnvironmentVariable,
            Interrupted = interrupts.Token,
            InterruptExitCode = () => interrupts.ExitCode,
        };
    }

    // Console.Out prepares a terminal (encodings, terminfo, a lock), which costs start-up time that plain text on Unix,
    // always UTF-8, does not need. Windows needs it, for its code pages.
    private static TextWriter Writer(Stream stream, Func<TextWriter> windows) => OperatingSystem.IsWindows()
        ? windows()
        : TextWriter.Synchronized(
            new StreamWriter(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true });

    private static int WindowWidth()
    {
        try
        {
            return Console.WindowWidth is > 0 and var width ? width : 80;
        }
        catch (IOException)
        {
            // Windows, without a window: as wide as terminals are since the punched card.
            return 80;
        }
    }
}
