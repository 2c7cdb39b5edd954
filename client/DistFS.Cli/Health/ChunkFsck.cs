using System.Diagnostics;
using System.Text.Json.Serialization;
using DistFS.Cli.Output;
using DistFS.Client;
using DistFS.Primitives;
using Spectre.Console;

namespace DistFS.Cli.Health;

/// <summary>
/// <c>dfs fsck PATH</c>: each chunk below a path, its copies against the goal, and their bytes if that is wanted.
/// Changes nothing, and may run at any time.
/// </summary>
internal sealed class ChunkFsck(VerbContext context, DistFsClient client, bool reads)
{
    private const int FilesInFlight = 8;
    private const int ShownMax = 1_000;

    private readonly Lock _gate = new();
    private readonly List<ChunkFinding> _findings = [];
    private long _files;
    private long _chunks;
    private long _copies;
    private long _bytes;
    private long _found;

    /// <summary>Checks, and tells.</summary>
    public async Task<int> RunAsync(IReadOnlyList<string> paths)
    {
        var began = Stopwatch.GetTimestamp();
        foreach (var path in paths)
        {
            await Parallel.ForEachAsync(
                client.WalkAsync(path, failed: (at, e) => Add("file", at, 0, "", e.Message),
                    cancellation: context.Cancellation),
                new ParallelOptions
                {
                    MaxDegreeOfParallelism = FilesInFlight,
                    CancellationToken = context.Cancellation,
                },
                CheckAsync).ConfigureAwait(false);
        }

        var report = new ChunkFsckReport(
            _files,
            _chunks,
            _copies,
            _bytes,
            Math.Round(Stopwatch.GetElapsedTime(began).TotalSeconds, 3),
            _found,
            [.. _findings.OrderBy(static one => one.Path, StringComparer.Ordinal).ThenBy(static one => one.Offset)]);
        if (context.Json)
        {
            context.WriteJson(report, ChunkFsckJson.Default.ChunkFsckReport);
        }
        else
        {
            Show(report);
        }

        return report.FindingsTotal == 0 ? ExitCodes.Ok : ExitCodes.Failed;
    }

    private async ValueTask CheckAsync(TreeItem item, CancellationToken cancellation)
    {
        if (!item.Status.IsFile)
        {
            return;
        }

        Interlocked.Increment(ref _files);
        try
        {
            await foreach (var chunk in client.CheckChunksAsync(item.Path, reads, cancellation).ConfigureAwait(false))
            {
                Look(item.Path, chunk);
            }
        }
        catch (DistFsException e) when (e.Status == FsStatus.NotFound)
        {
            // Removed meanwhile.
        }
        catch (DistFsException e) when (DistFsErrors.IsOfOneFile(e))
        {
            Add("file", item.Path, 0, "", e.Message);
        }
    }

    private void Look(string path, ChunkCheck chunk)
    {
        Interlocked.Increment(ref _chunks);
        Interlocked.Add(ref _copies, chunk.Copies.Count);
        var name = $"{chunk.Chunk.Value:x16}";
        foreach (var copy in chunk.Copies)
        {
            if (copy.Error is { } error)
            {
                var kind = error.Code == ErrorCatalog.BlockCorrupt ? "damaged" : "unreadable";
                Add(kind, path, chunk.Offset, name, $"server {copy.Server.Value}: {error.Message}");
            }
            else if (reads)
            {
                Interlocked.Add(ref _bytes, chunk.Length);
            }
        }

        if (chunk.Goal > 0 && chunk.Good == 0)
        {
            Add("missing", path, chunk.Offset, name, $"none of its copies can be read: {States(chunk)}");
        }
        else if (chunk.Good < chunk.Goal)
        {
            Add("copies", path, chunk.Offset, name, $"{chunk.Good} of {chunk.Goal} copies: {States(chunk)}");
        }
    }

    private static string States(ChunkCheck chunk) => string.Join(
        ", ",
        chunk.Copies.Select(static copy =>
            $"server {copy.Server.Value} {(copy.Error == null ? copy.State : "has it wrong")}"));

    private void Add(string kind, string path, long offset, string chunk, string text)
    {
        lock (_gate)
        {
            _found++;
            if (_findings.Count < ShownMax)
            {
                _findings.Add(new ChunkFinding(kind, path, offset, chunk, text));
            }
        }
    }

    private void Show(ChunkFsckReport report)
    {
        if (report.Findings.Length > 0)
        {
            var table = Consoles.PlainTable("KIND", "PATH", "OFFSET", "CHUNK", "WHAT IS WRONG");
            foreach (var one in report.Findings)
            {
                table.AddRow(
                    new Text(one.Kind),
                    new Text(Printable.Of(one.Path)),
                    new Text($"{one.Offset}"),
                    new Text(one.Chunk),
                    new Text(Printable.Of(one.Text)));
            }

            context.Out.Write(table);
        }

        var read = reads ? $", {new ByteSize(report.BytesRead)} read and right" : "";
        var told = report.Findings.Length < report.FindingsTotal ? $", {report.Findings.Length} shown" : "";
        context.Host.Out.WriteLine(
            $"{report.Files} files, {report.Chunks} chunks, {report.Copies} copies{read} "
            + $"in {Duration.ForPeople(TimeSpan.FromSeconds(report.Seconds))}: "
            + (report.FindingsTotal == 0 ? "nothing is wrong" : $"{report.FindingsTotal} findings{told}"));
    }
}

/// <summary>The document of <c>dfs fsck PATH --json</c>: at most 1,000 findings, and how many there are.</summary>
internal sealed record ChunkFsckReport(
    long Files,
    long Chunks,
    long Copies,
    long BytesRead,
    double Seconds,
    long FindingsTotal,
    ChunkFinding[] Findings);

/// <summary>
/// Something wrong with a chunk: <c>copies</c> (fewer than the goal), <c>missing</c> (none can be read),
/// <c>damaged</c>, <c>unreadable</c>; or <c>file</c>: what could not be looked at.
/// </summary>
internal sealed record ChunkFinding(string Kind, string Path, long Offset, string Chunk, string Text);

[JsonSerializable(typeof(ChunkFsckReport))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class ChunkFsckJson : JsonSerializerContext;
