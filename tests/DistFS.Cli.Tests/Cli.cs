using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace DistFS.Cli.Tests;

/// <summary>What a run of the tool left.</summary>
internal sealed record CliResult(int ExitCode, string Out, string Error)
{
    /// <summary>stdout as the one JSON document that it must be.</summary>
    public JsonElement Json => JsonDocument.Parse(Out).RootElement;

    /// <summary>The object "error" on stderr.</summary>
    public JsonElement JsonError => JsonDocument.Parse(Error).RootElement.GetProperty("error");
}

/// <summary>Runs the tool within the test: own writers, own environment, no terminal.</summary>
internal sealed record Cli
{
    /// <summary>The environment; empty unless a test says otherwise, so that no file of the machine is read.</summary>
    public Dictionary<string, string> Environment { get; init; } = [];

    public CancellationToken Interrupted { get; init; }

    public bool Terminal { get; init; }

    public int Width { get; init; } = 80;

    public VerbCatalog? Catalog { get; init; }

    /// <summary>What stands on stdin.</summary>
    public string Input { get; init; } = "";

    /// <summary>The sample verbs of this project.</summary>
    public static Cli WithSamples => new()
    {
        Catalog = new VerbCatalog(typeof(Cli).Assembly, "DistFS.Cli.Tests.SampleVerbs"),
    };

    public static string RepositoryRoot([CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "..", ".."));

    public async Task<CliResult> RunAsync(params string[] args)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        using var bytes = new MemoryStream();
        using var input = new MemoryStream(Encoding.UTF8.GetBytes(Input));
        var host = new CliHost
        {
            Out = output,
            Error = error,
            OutBytes = bytes,
            InBytes = input,
            OutIsTerminal = Terminal,
            ErrorIsTerminal = Terminal,
            TerminalWidth = Width,
            Environment = name => Environment.GetValueOrDefault(name),
            Interrupted = Interrupted,
        };
        var exitCode = await CliProgram.RunAsync(args, host, Catalog);

        // A verb writes text or bytes.
        return new CliResult(exitCode, output + Encoding.UTF8.GetString(bytes.ToArray()), error.ToString());
    }
}
