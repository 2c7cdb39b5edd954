using System.CommandLine;
using System.Globalization;
using System.Text;
using DistFS.Client;
using DistFS.Client.Transfers;
using DistFS.Primitives;

namespace DistFS.Cli;

/// <summary>A verb that prints a part of each file: so many lines or bytes from one of its ends.</summary>
internal abstract class PartVerb : ClusterVerb
{
    /// <summary>As <c>head</c> and <c>tail</c> do without an option.</summary>
    private const long LinesByDefault = 10;

    private readonly Argument<string[]> _paths = Paths("Files");
    private readonly Option<PartSize?> _lines;
    private readonly Option<PartSize?> _bytes;

    private readonly Option<bool> _quiet = new("-q", "--quiet")
    {
        Description = "Of several files, print no names between",
    };

    protected PartVerb(string lines, string bytes)
    {
        _lines = Size("-n", "--lines", "N", lines);
        _bytes = Size("-c", "--bytes", "BYTES", bytes);
    }

    /// <inheritdoc/>
    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Arguments.Add(_paths);
        command.Options.Add(_lines);
        command.Options.Add(_bytes);
        command.Options.Add(_quiet);
    }

    /// <summary>Where the part begins and ends, in bytes.</summary>
    protected abstract ValueTask<(long From, long To)> FindAsync(
        DistFsFile file, PartSize size, bool inLines, CancellationToken cancellation);

    /// <inheritdoc/>
    protected sealed override async Task<int> RunAsync(VerbContext context, DistFsClient client)
    {
        var paths = await ExpandAsync(context, client, context.Get(_paths)).ConfigureAwait(false);
        var download = new FileDownload(client, new TransferOptions());
        var size = context.Get(_bytes) ?? context.Get(_lines) ?? new PartSize(LinesByDefault, ' ');
        var before = "";
        return await ForEachNameAsync(context, paths, async path =>
        {
            var file = await client.OpenReadAsync(path, context.Cancellation).ConfigureAwait(false);
            await using (file.ConfigureAwait(false))
            {
                if (paths.Count > 1 && !context.Get(_quiet))
                {
                    await context.Host.OutBytes.WriteAsync(
                        Encoding.UTF8.GetBytes($"{before}==> {path} <==\n"), context.Cancellation)
                        .ConfigureAwait(false);
                    before = "\n";
                }

                var (from, to) = await FindAsync(
                    file, size, context.Get(_bytes) == null, context.Cancellation).ConfigureAwait(false);
                await download.GetAsync(file, from, to, context.Host.OutBytes, context.Cancellation)
                    .ConfigureAwait(false);
            }
        }).ConfigureAwait(false);
    }

    private static Option<PartSize?> Size(string name, string alias, string value, string description) =>
        new(name, alias)
        {
            Description = description,
            HelpName = value,
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                var sign = text.StartsWith('+') || text.StartsWith('-') ? text[0] : ' ';
                var number = text.AsSpan(sign == ' ' ? 0 : 1);
                if (long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
                    || (ByteSize.TryParse(number, null, out var bytes) && (count = bytes.Bytes) >= 0))
                {
                    return new PartSize(count, sign);
                }

                result.AddError($"{name} '{text}' is no number; write for example 10, -10, +10 or 4KiB.");
                return null;
            },
        };
}

/// <summary>How much of a file.</summary>
/// <param name="Count">Lines or bytes.</param>
/// <param name="Sign">'+', '-', or ' ' for none.</param>
internal readonly record struct PartSize(long Count, char Sign);
