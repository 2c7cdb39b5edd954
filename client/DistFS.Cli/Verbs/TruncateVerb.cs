using System.CommandLine;
using DistFS.Client;
using DistFS.Primitives;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs truncate</c>: lengths of files.</summary>
internal sealed class TruncateVerb : ClusterVerb
{
    private readonly Argument<string[]> _paths = Paths("Files; those that are not there are made");

    private readonly Option<(char Sign, long Bytes)> _size = new("-s", "--size")
    {
        Description = "The length, as 4096 or 64KiB; +N makes it longer, -N shorter; <N is at most, >N at least N",
        HelpName = "BYTES",
        Required = true,
        CustomParser = static result =>
        {
            var text = result.Tokens[0].Value;
            var sign = text.Length > 0 && "+-<>".Contains(text[0], StringComparison.Ordinal) ? text[0] : ' ';
            if (ByteSize.TryParse(text.AsSpan(sign == ' ' ? 0 : 1), null, out var size))
            {
                return (sign, size.Bytes);
            }

            result.AddError($"-s '{text}' is no size; write for example 4096, 64KiB, +1MiB or -1.");
            return default;
        },
    };

    private readonly Option<bool> _noCreate = new("-c", "--no-create") { Description = "Make no file" };

    public override string Summary => "Cut files, or let them grow by zeros";

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs truncate -s 0 /logs/app.log", "empty a file"),
        new("dfs truncate -s 1TiB /images/disk", "make a file of zeros that takes no space"),
        new("dfs truncate -s -1 /data/a", "take the last byte off"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Arguments.Add(_paths);
        command.Options.Add(_size);
        command.Options.Add(_noCreate);
    }

    protected override Task<int> RunAsync(VerbContext context, DistFsClient client) => ForEachAsync(
        context,
        client,
        context.Get(_paths),
        path => TruncateAsync(context, client, path),
        mayBeAbsent: context.Get(_noCreate));

    private async Task TruncateAsync(VerbContext context, DistFsClient client, string path)
    {
        var stop = context.Cancellation;
        var status = await client.TryStatAsync(path, true, stop).ConfigureAwait(false);
        if (status == null)
        {
            if (context.Get(_noCreate))
            {
                return;
            }

            await (await client.CreateFileAsync(path, overwrites: false, cancellation: stop).ConfigureAwait(false))
                .DisposeAsync().ConfigureAwait(false);
        }

        var (sign, bytes) = context.Get(_size);
        var now = status?.Size ?? 0;
        var length = sign switch
        {
            '+' => bytes > long.MaxValue - now ? long.MaxValue : now + bytes,
            '-' => Math.Max(0, now - bytes),
            '<' => Math.Min(now, bytes),
            '>' => Math.Max(now, bytes),
            _ => bytes,
        };
        await client.SetLengthAsync(path, length, stop).ConfigureAwait(false);
    }
}
