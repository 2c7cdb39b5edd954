using System.Diagnostics;
using System.Text.Json.Serialization;
using DistFS.Client.Transfers;

namespace DistFS.Cli.Output;

/// <summary>The document of <c>dfs put --json</c> and <c>dfs get --json</c>.</summary>
/// <param name="Files">That were copied.</param>
/// <param name="Bytes">Of them.</param>
/// <param name="Seconds">It took.</param>
/// <param name="Skipped">What is neither file, directory nor link.</param>
internal sealed record TransferReport(long Files, long Bytes, double Seconds, string[] Skipped)
{
    /// <summary>Says what was done, on stderr for people, and what was left out.</summary>
    public static void Tell(
        VerbContext context, TransferProgress progress, long began, IReadOnlyList<string> skipped)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(progress);
        ArgumentNullException.ThrowIfNull(skipped);
        if (context.Json)
        {
            var seconds = Math.Round(Stopwatch.GetElapsedTime(began).TotalSeconds, 3);
            context.WriteJson(
                new TransferReport(progress.Files, progress.Bytes, seconds, [.. skipped]),
                TransferJson.Default.TransferReport);
            return;
        }

        foreach (var path in skipped)
        {
            context.Host.Error.WriteLine($"dfs: left out, since it is neither file, directory nor link: {path}");
        }

        context.Note(TransferBar.Summary(progress, began));
    }
}

[JsonSerializable(typeof(TransferReport))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class TransferJson : JsonSerializerContext;
