using System.Text.Json.Serialization;
using DistFS.Cli.Configuration;
using DistFS.Primitives;

namespace DistFS.Cli.Output;

/// <summary>
/// Tells an error on stderr: a line and a hint for people, or one line of JSON. stdout has results only.
/// </summary>
/// <param name="host">Where to print.</param>
/// <param name="json">As JSON.</param>
/// <param name="stack">With the stack.</param>
/// <param name="color">What flags and environment say of colours; the file may be what is wrong.</param>
internal sealed class ErrorReport(CliHost host, bool json, bool stack, string color)
{
    private const string Red = "\e[31m";
    private const string Dim = "\e[2m";
    private const string Reset = "\e[0m";

    /// <summary>The variable that shows stacks, as --verbose does.</summary>
    public const string DebugVariable = "DISTFS_DEBUG";

    /// <summary>Prints the error.</summary>
    /// <returns>The exit code.</returns>
    public int Tell(Exception error)
    {
        ArgumentNullException.ThrowIfNull(error);
        if (error is OperationCanceledException && host.Interrupted.IsCancellationRequested)
        {
            Print(ErrorCatalog.Cancelled, FsStatus.Cancelled, "Interrupted.", null);
            return host.InterruptExitCode();
        }

        if (error is DistFsException known)
        {
            Print(known.Code, known.Status, known.Message, known);
            return ExitCodes.Of(known);
        }

        Print(ErrorCatalog.Internal, FsStatus.IoError, $"{error.GetType().Name}: {error.Message}", error);
        return ExitCodes.Failed;
    }

    private void Print(ErrorCode code, FsStatus status, string message, Exception? error)
    {
        var trace = stack && error != null ? error.ToString() : null;
        if (json)
        {
            var body = new ErrorBody(code.Id, status.ToPosixName(), message, trace);
            JsonOutput.Write(host.Error, new ErrorDocument(body), ErrorJson.Default.ErrorDocument, indented: false);
            return;
        }

        var colored = UsesColor();
        host.Error.WriteLine($"dfs: {Paint(Red, code.Id, colored)}: {OneLine(message)}");
        host.Error.WriteLine(Paint(Dim, $"see 'dfs explain {code.Id}'", colored));
        if (trace != null)
        {
            host.Error.WriteLine(trace);
        }
    }

    private bool UsesColor()
    {
        var mode = color switch
        {
            "always" => ColorMode.Always,
            "never" => ColorMode.Never,
            _ => ColorMode.Auto,
        };
        return Consoles.UsesColor(mode, host.ErrorIsTerminal, host.Environment);
    }

    private static string Paint(string style, string text, bool colored) => colored ? style + text + Reset : text;

    // A message may quote what a peer sent: no escape sequence and no second line of it reaches the terminal.
    private static string OneLine(string message) =>
        string.Create(message.Length, message, static (line, text) =>
        {
            for (var i = 0; i < line.Length; i++)
            {
                line[i] = char.IsControl(text[i]) ? ' ' : text[i];
            }
        });
}

/// <summary>The document of an error.</summary>
internal sealed record ErrorDocument(ErrorBody Error);

/// <summary>An error.</summary>
/// <param name="Code">"DFS1203".</param>
/// <param name="Status">"ETIMEDOUT".</param>
/// <param name="Message">What happened here.</param>
/// <param name="Stack">Where, with --verbose.</param>
internal sealed record ErrorBody(string Code, string Status, string Message, string? Stack);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ErrorDocument))]
internal sealed partial class ErrorJson : JsonSerializerContext;
