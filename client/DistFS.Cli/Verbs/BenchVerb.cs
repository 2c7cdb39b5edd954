using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Serialization;
using DistFS.Cli.Output;
using DistFS.Client;
using DistFS.Primitives;
using Spectre.Console;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs bench</c>: what a running cluster does for one client, measured.</summary>
internal sealed class BenchVerb : ClusterVerb
{
    private const int PieceBytes = 4 << 20;
    private const int SmallBytes = 4096;

    private static readonly ByteSize SizeMax = ByteSize.GiB(64);

    private readonly Option<ByteSize[]> _size =
        CliArguments.Sizes("--size", "Of the large file [default 256 MiB]", SizeMax);

    private readonly Option<int> _files =
        CliArguments.Number("--files", "Small files, of 4 KiB", byDefault: 1_000, min: 1, max: 1_000_000);

    private readonly Option<int> _parallel =
        CliArguments.Number("--parallel", "Small files at a time", byDefault: 16, min: 1, max: 512);

    private readonly Option<string> _in = new("--in")
    {
        Description = "A directory for the files; another quota or number of copies may hold there [default /]",
        HelpName = "PATH",
        DefaultValueFactory = static _ => "/",
    };

    public override string Summary => "Measure a running cluster from here, and leave nothing behind";

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs bench", "measure a large file, and 1,000 small ones"),
        new("dfs bench --size 4GiB --files 20000 --parallel 64", "measure for longer"),
        new("dfs bench --json | jq .tests[0].bytesPerSecond", "take a number in a script"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Options.Add(_size);
        command.Options.Add(_files);
        command.Options.Add(_parallel);
        command.Options.Add(_in);
    }

    protected override async Task<int> RunAsync(VerbContext context, DistFsClient client)
    {
        var folder = $"{context.Get(_in).TrimEnd('/')}/.dfs-bench-{Random.Shared.NextInt64():x16}";
        await client.CreateDirectoryAsync(folder, cancellation: context.Cancellation).ConfigureAwait(false);
        List<BenchLine> lines;
        try
        {
            lines = await MeasureAsync(context, client, folder).ConfigureAwait(false);
        }
        finally
        {
            // Also after ^C; whoever presses it again finds the folder by its name.
            context.Note($"Removing {folder}.");
            await client.DeleteDirectoryAsync(folder, recursive: true, CancellationToken.None).ConfigureAwait(false);
        }

        if (context.Json)
        {
            context.WriteJson(new BenchReport([.. lines]), BenchJson.Default.BenchReport);
        }
        else
        {
            Show(context, lines);
        }

        return ExitCodes.Ok;
    }

    private async Task<List<BenchLine>> MeasureAsync(VerbContext context, DistFsClient client, string folder)
    {
        var (large, stop) = ($"{folder}/large", context.Cancellation);
        var size = context.Get(_size) is [.., var given] ? given.Bytes : ByteSize.MiB(256).Bytes;
        var lines = new List<BenchLine>
        {
            await LargeAsync(context, "write, sequential", size, () => WriteAsync(client, large, size, stop))
                .ConfigureAwait(false),
            await LargeAsync(context, "read, sequential", size, () => ReadAsync(client, large, size, stop))
                .ConfigureAwait(false),
        };
        var content = new byte[SmallBytes];
        Random.Shared.NextBytes(content);
        lines.Add(await SmallAsync(context, "create and write 4 KiB", async path =>
        {
            var file = await client.CreateFileAsync($"{folder}/{path}", cancellation: stop).ConfigureAwait(false);
            await using (file.ConfigureAwait(false))
            {
                await file.WriteAsync(0, content, stop).ConfigureAwait(false);
            }
        }).ConfigureAwait(false));
        lines.Add(await SmallAsync(context, "stat", path =>
            client.StatAsync($"{folder}/{path}", cancellation: stop)).ConfigureAwait(false));
        lines.Add(await SmallAsync(context, "open and read 4 KiB", async path =>
        {
            var file = await client.OpenReadAsync($"{folder}/{path}", stop).ConfigureAwait(false);
            await using (file.ConfigureAwait(false))
            {
                var read = new byte[SmallBytes];
                Ensure(await file.ReadAsync(0, read, stop).ConfigureAwait(false) == SmallBytes
                    && read.AsSpan().SequenceEqual(content), file.Path);
            }
        }).ConfigureAwait(false));
        lines.Add(await SmallAsync(context, "delete", path =>
            client.DeleteFileAsync($"{folder}/{path}", stop)).ConfigureAwait(false));
        return lines;
    }

    /// <summary>Half of it can be compressed, as of many files.</summary>
    private static byte[] Piece()
    {
        var piece = new byte[PieceBytes];
        Random.Shared.NextBytes(piece);
        for (var at = 0; at < PieceBytes; at += SmallBytes)
        {
            piece.AsSpan(at, SmallBytes / 2).Clear();
        }

        return piece;
    }

    private byte[] _piece = [];

    private async Task WriteAsync(DistFsClient client, string path, long size, CancellationToken cancellation)
    {
        _piece = Piece();
        var file = await client.CreateFileAsync(path, cancellation: cancellation).ConfigureAwait(false);
        await using (file.ConfigureAwait(false))
        {
            for (var at = 0L; at < size; at += PieceBytes)
            {
                var part = _piece.AsMemory(0, (int)Math.Min(PieceBytes, size - at));
                await file.WriteAsync(at, part, cancellation).ConfigureAwait(false);
            }
        }
    }

    private async Task ReadAsync(DistFsClient client, string path, long size, CancellationToken cancellation)
    {
        var buffer = new byte[PieceBytes];
        var file = await client.OpenReadAsync(path, cancellation).ConfigureAwait(false);
        await using (file.ConfigureAwait(false))
        {
            for (var at = 0L; at < size; at += PieceBytes)
            {
                var part = buffer.AsMemory(0, (int)Math.Min(PieceBytes, size - at));
                var count = await file.ReadAsync(at, part, cancellation).ConfigureAwait(false);
                Ensure(count == part.Length && part.Span.SequenceEqual(_piece.AsSpan(0, count)), path);
            }
        }
    }

    private static void Ensure(bool isRight, string path)
    {
        if (!isRight)
        {
            throw new DistFsException(ErrorCatalog.Internal, $"{path}: what was read is not what was written.");
        }
    }

    private static async Task<BenchLine> LargeAsync(VerbContext context, string name, long size, Func<Task> test)
    {
        context.Note($"{name}, {new ByteSize(size)} ...");
        var began = Stopwatch.GetTimestamp();
        await test().ConfigureAwait(false);
        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        return new BenchLine(name, 1, size, Round(seconds), null, Round(size / seconds), null, null);
    }

    private async Task<BenchLine> SmallAsync(VerbContext context, string name, Func<string, Task> test)
    {
        var (files, parallel) = (context.Get(_files), context.Get(_parallel));
        context.Note($"{name}, {files} files, {parallel} at a time ...");
        var latencies = new double[files];
        var began = Stopwatch.GetTimestamp();
        await Parallel.ForAsync(
            0,
            files,
            new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = context.Cancellation },
            async (i, _) =>
            {
                var from = Stopwatch.GetTimestamp();
                await test(i.ToString("d7", CultureInfo.InvariantCulture)).ConfigureAwait(false);
                latencies[i] = Stopwatch.GetElapsedTime(from).TotalMicroseconds;
            }).ConfigureAwait(false);
        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        Array.Sort(latencies);
        return new BenchLine(
            name, files, null, Round(seconds), Round(files / seconds), null, At(0.5), At(0.99));

        double At(double share) => Math.Round(latencies[(int)((files - 1) * share)]);
    }

    private static double Round(double number) => Math.Round(number, number < 1000 ? 3 : 0);

    private static void Show(VerbContext context, List<BenchLine> lines)
    {
        var table = Consoles.NumberTable("TEST", "COUNT", "TIME", "RATE", "P50", "P99");
        foreach (var line in lines)
        {
            string[] cells =
            [
                line.Test,
                $"{line.Count}",
                Duration.ForPeople(TimeSpan.FromSeconds(line.Seconds)),
                line.BytesPerSecond is { } bytes
                    ? $"{new ByteSize((long)bytes)}/s"
                    : string.Create(CultureInfo.InvariantCulture, $"{line.PerSecond:0}/s"),
                line.P50Us is { } half ? Duration.ForPeople(TimeSpan.FromMicroseconds(half)) : "",
                line.P99Us is { } most ? Duration.ForPeople(TimeSpan.FromMicroseconds(most)) : "",
            ];
            table.AddRow(cells.Select(static cell => new Text(cell)));
        }

        context.Out.Write(table);
        context.Host.Out.WriteLine();
    }
}

/// <summary>The document of <c>dfs bench --json</c>.</summary>
internal sealed record BenchReport(BenchLine[] Tests);

/// <summary>A test: of a large file its bytes and their rate, of small ones their rate and latencies.</summary>
internal sealed record BenchLine(
    string Test,
    int Count,
    long? Bytes,
    double Seconds,
    double? PerSecond,
    double? BytesPerSecond,
    double? P50Us,
    double? P99Us);

[JsonSerializable(typeof(BenchReport))]
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
internal sealed partial class BenchJson : JsonSerializerContext;
