using System.Globalization;
using Microsoft.Extensions.Logging;

namespace DistFS.Cli.Output;

/// <summary>The log of a server process: a line per event, for journald and people, whole also when written by many
/// threads.</summary>
/// <param name="writer">Where to.</param>
internal sealed class LineLogger(TextWriter writer) : ILogger
{
    private readonly Lock _gate = new();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel is >= LogLevel.Information and < LogLevel.None;

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        ArgumentNullException.ThrowIfNull(formatter);
        if (!IsEnabled(logLevel))
        {
            return;
        }

        var time = DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
        var text = formatter(state, exception).ReplaceLineEndings(" ");
        lock (_gate)
        {
            writer.WriteLine($"{time} {Name(logLevel)} {text}");
            if (exception != null)
            {
                writer.WriteLine(exception);
            }

            writer.Flush();
        }
    }

    private static string Name(LogLevel level) => level switch
    {
        LogLevel.Information => "info",
        LogLevel.Warning => "warning",
        LogLevel.Error => "error",
        LogLevel.Critical => "critical",
        _ => "debug",
    };
}
