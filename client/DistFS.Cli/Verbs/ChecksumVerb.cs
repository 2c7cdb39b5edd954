using System.Buffers.Binary;
using System.CommandLine;
using System.Security.Cryptography;
using System.Text.Json.Serialization;
using DistFS.Client;
using DistFS.Primitives;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs checksum</c>: sums of files, as <c>sha256sum</c> has them.</summary>
internal sealed class ChecksumVerb : ClusterVerb
{
    private const string Sha256 = "sha256";
    private const string Crc = "crc32c";

    private readonly Argument<string[]> _paths = Paths("Files; with --check local files of sums, '-' for stdin");

    private readonly Option<string> _algorithm = new("-a", "--algorithm")
    {
        Description = "sha256 or crc32c [default sha256]",
        HelpName = "NAME",
        DefaultValueFactory = static _ => Sha256,
    };

    private readonly Option<bool> _check = new("-c", "--check")
    {
        Description = "Read sums and names, and say whether the files of the cluster have them",
    };

    private readonly Option<bool> _quiet = new("-q", "--quiet") { Description = "With --check, only what is wrong" };

    public override string Summary => "Print or check SHA-256 or CRC32C sums of files";

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs checksum '/data/*' > SUMS", "print sums that 'sha256sum -c' reads too"),
        new("dfs checksum -c SUMS", "compare the files of the cluster with them"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        _algorithm.AcceptOnlyFromAmong(Sha256, Crc);
        command.Arguments.Add(_paths);
        command.Options.Add(_algorithm);
        command.Options.Add(_check);
        command.Options.Add(_quiet);
    }

    protected override Task<int> RunAsync(VerbContext context, DistFsClient client) => context.Get(_check)
        ? CheckAsync(context, client)
        : ForEachAsync(context, client, context.Get(_paths), async path =>
        {
            var algorithm = context.Get(_algorithm);
            var sum = await SumAsync(client, path, algorithm, context.Cancellation).ConfigureAwait(false);
            if (context.Json)
            {
                context.WriteJson(
                    new ChecksumReport(path, algorithm, sum, null), ChecksumJson.Default.ChecksumReport);
            }
            else
            {
                context.Host.Out.WriteLine(SumLine.Of(sum, path));
            }
        });

    private async Task<int> CheckAsync(VerbContext context, DistFsClient client)
    {
        var (wrong, told) = (0, ExitCodes.Ok);
        foreach (var list in context.Get(_paths))
        {
            await foreach (var line in LinesAsync(context, list).ConfigureAwait(false))
            {
                if (!SumLine.TryParse(line, out var sum, out var path))
                {
                    throw new DistFsException(
                        ErrorCatalog.Usage, $"{list}: '{line}' is no sum and name; 'dfs checksum' writes such lines.");
                }

                var isGood = false;
                try
                {
                    var algorithm = sum.Length == 8 ? Crc : Sha256;
                    isGood = sum == await SumAsync(client, path, algorithm, context.Cancellation)
                        .ConfigureAwait(false);
                    Show(context, path, algorithm, sum, isGood);
                }
                catch (DistFsException e) when (DistFsErrors.IsOfOneFile(e) && !context.Json)
                {
                    told = Tell(context, told, e);
                }

                wrong += isGood ? 0 : 1;
            }
        }

        if (wrong > 0)
        {
            context.Host.Error.WriteLine($"dfs: {wrong} files do not have the sums that they should have");
        }

        return wrong > 0 ? ExitCodes.Failed : ExitCodes.Ok;
    }

    private void Show(VerbContext context, string path, string algorithm, string sum, bool isGood)
    {
        if (context.Json)
        {
            context.WriteJson(
                new ChecksumReport(path, algorithm, sum, isGood), ChecksumJson.Default.ChecksumReport);
        }
        else if (!isGood || !context.Get(_quiet))
        {
            context.Host.Out.WriteLine($"{path}: {(isGood ? "OK" : "FAILED")}");
        }
    }

    private static async IAsyncEnumerable<string> LinesAsync(VerbContext context, string list)
    {
        StreamReader reader;
        try
        {
            reader = new StreamReader(list == "-" ? context.Host.InBytes : File.OpenRead(list));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DistFsException(ErrorCatalog.LocalFileFailed, $"local {list}: {e.Message}", e);
        }

        using (reader)
        {
            while (await reader.ReadLineAsync(context.Cancellation).ConfigureAwait(false) is { } line)
            {
                if (line.Length > 0)
                {
                    yield return line;
                }
            }
        }
    }

    private static async Task<string> SumAsync(
        DistFsClient client, string path, string algorithm, CancellationToken cancellation)
    {
        var file = await client.OpenReadAsync(path, cancellation).ConfigureAwait(false);
        var stream = file.AsStream();
        await using (stream.ConfigureAwait(false))
        {
            using var sha = algorithm == Sha256 ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : null;
            var (crc, buffer) = (0u, new byte[1 << 20]);
            for (int count; (count = await stream.ReadAsync(buffer, cancellation).ConfigureAwait(false)) > 0;)
            {
                if (sha != null)
                {
                    sha.AppendData(buffer, 0, count);
                }
                else
                {
                    crc = Crc32C.Append(crc, buffer.AsSpan(0, count));
                }
            }

            var sum = new byte[sizeof(uint)];
            BinaryPrimitives.WriteUInt32BigEndian(sum, crc);
            return Convert.ToHexStringLower(sha?.GetHashAndReset() ?? sum);
        }
    }
}

/// <summary>A document of <c>dfs checksum --json</c>; good is null unless it was checked.</summary>
internal sealed record ChecksumReport(string Path, string Algorithm, string Sum, bool? Good);

[JsonSerializable(typeof(ChecksumReport))]
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
internal sealed partial class ChecksumJson : JsonSerializerContext;
