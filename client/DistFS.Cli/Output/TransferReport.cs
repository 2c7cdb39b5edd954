using System.Diagnostics;
using System.Text.Json.Serialization;
using DistFS.Client.Transfers;
using DistFS.Primitives;

namespace DistFS.Cli.Output;

/// <summary>The document of <c>dfs put</c>, <c>get</c> and <c>cp</c> with <c>--json</c>.</summary>
/// <param name="Files">That were copied.</param>
/// <param name="Bytes">Of them.</param>
/// <param name="ResumedBytes">Of these, what an earlier run had copied.</param>
/// <param name="Seconds">It took.</param>
/// <param name="Skipped">What is neither file, directory nor link.</param>
/// <param name="Failed">What could not be copied.</param>
internal sealed record TransferReport(
    long Files, long Bytes, long ResumedBytes, double Seconds, string[] Skipped, TransferFailure[] Failed)
{
    /// <summary>Says what was done, on stderr for people, and what was left out.</summary>
    public static void Tell(
        VerbContext context,
        TransferProgress progress,
        long began,
        IReadOnlyList<string> skipped,
        TransferFailures failures)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(progress);
        ArgumentNullException.ThrowIfNull(skipped);
        ArgumentNullException.ThrowIfNull(failures);
        if (context.Json)
        {
            var seconds = Math.Round(Stopwatch.GetElapsedTime(began).TotalSeconds, 3);
            context.WriteJson(
                new TransferReport(
                    progress.Files, progress.Bytes, progress.Resumed, seconds, [.. skipped], failures.All),
                TransferJson.Default.TransferReport);
            return;
        }

        foreach (var path in skipped)
        {
            context.Host.Error.WriteLine(
                $"dfs: left out, since it is neither file, directory nor link: {Printable.Of(path)}");
        }

        if (progress.Resumed > 0)
        {
            context.Note($"Of it {new ByteSize(progress.Resumed)} were there from an earlier run.");
        }

        context.Note(TransferBar.Summary(progress, began));
    }
}

[JsonSerializable(typeof(TransferReport))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class TransferJson : JsonSerializerContext;
