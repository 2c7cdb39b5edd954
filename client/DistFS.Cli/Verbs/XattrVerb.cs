using System.CommandLine;
using System.Text;
using System.Text.Json.Serialization;
using DistFS.Client;
using DistFS.Primitives;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs xattr</c>: extended attributes.</summary>
internal sealed class XattrVerb : ClusterVerb
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    private readonly Argument<string> _path = new("path") { Description = "A file or directory" };

    private readonly Argument<string> _name = new("name")
    {
        Description = "With its namespace; without one, of user",
    };

    private readonly Argument<string> _value = new("value") { Description = "Text; 0x... are bytes; '-' is stdin" };

    private readonly Option<bool> _create = new("--create") { Description = "It must be new" };

    private readonly Option<bool> _replace = new("--replace") { Description = "It must be there" };

    private readonly Option<bool> _raw = new("--raw") { Description = "Print the bytes of the value, and no line end" };

    private readonly Command _list = new("list", "Show all attributes and their values");
    private readonly Command _get = new("get", "Print the value of one");
    private readonly Command _set = new("set", "Make or change one");
    private readonly Command _remove = new("rm", "Remove one");

    public override string Summary => "Show, set and remove extended attributes";

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs xattr set /data/a origin lab-7", "set user.origin"),
        new("dfs xattr get /data/a origin", "print its value"),
        new("dfs xattr list /data/a", "show all of them"),
        new("dfs xattr rm /data/a origin", "remove it"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        foreach (var part in new[] { _list, _get, _set, _remove })
        {
            part.Arguments.Add(_path);
            command.Subcommands.Add(part);
        }

        _get.Arguments.Add(_name);
        _get.Options.Add(_raw);
        _set.Arguments.Add(_name);
        _set.Arguments.Add(_value);
        _set.Options.Add(_create);
        _set.Options.Add(_replace);
        _remove.Arguments.Add(_name);
    }

    protected override async Task<int> RunAsync(VerbContext context, DistFsClient client)
    {
        var (command, path, stop) = (context.Arguments.CommandResult.Command, context.Get(_path), context.Cancellation);
        if (command == _list)
        {
            await ListAsync(context, client, path).ConfigureAwait(false);
        }
        else if (command == _get)
        {
            var value = await client.TryGetXattrAsync(path, FullName(context), cancellation: stop)
                .ConfigureAwait(false) ?? throw new DistFsException(
                    ErrorCatalog.FileRefused, $"{path}: no attribute {FullName(context)}", null, FsStatus.NoData);
            await ShowAsync(context, FullName(context), value).ConfigureAwait(false);
        }
        else if (command == _remove)
        {
            await client.RemoveXattrAsync(path, FullName(context), cancellation: stop).ConfigureAwait(false);
        }
        else
        {
            await client.SetXattrAsync(
                path,
                FullName(context),
                await ValueAsync(context).ConfigureAwait(false),
                context.Get(_create) ? XattrMode.Create : context.Get(_replace) ? XattrMode.Replace : XattrMode.Set,
                cancellation: stop).ConfigureAwait(false);
        }

        return ExitCodes.Ok;
    }

    private string FullName(VerbContext context) => context.Get(_name) is var name
        && name.Contains('.', StringComparison.Ordinal) ? name : $"user.{name}";

    private static async Task ListAsync(VerbContext context, DistFsClient client, string path)
    {
        var all = new List<XattrEntry>();
        foreach (var name in await client.ListXattrsAsync(path, cancellation: context.Cancellation)
            .ConfigureAwait(false))
        {
            // One that was removed meanwhile is none.
            if (await client.TryGetXattrAsync(path, name, cancellation: context.Cancellation).ConfigureAwait(false)
                is { } value)
            {
                all.Add(EntryOf(name, value));
            }
        }

        if (context.Json)
        {
            context.WriteJson(new XattrReport(path, [.. all]), XattrJson.Default.XattrReport);
            return;
        }

        foreach (var entry in all)
        {
            context.Host.Out.WriteLine($"{entry.Name}={(entry.Text == null ? $"0x{entry.Hex}" : $"\"{entry.Text}\"")}");
        }
    }

    private async Task ShowAsync(VerbContext context, string name, byte[] value)
    {
        if (context.Json)
        {
            context.WriteJson(EntryOf(name, value), XattrJson.Default.XattrEntry);
        }
        else if (context.Get(_raw))
        {
            await context.Host.OutBytes.WriteAsync(value, context.Cancellation).ConfigureAwait(false);
        }
        else
        {
            var entry = EntryOf(name, value);
            context.Host.Out.WriteLine(entry.Text ?? $"0x{entry.Hex}");
        }
    }

    private async Task<byte[]> ValueAsync(VerbContext context)
    {
        var text = context.Get(_value);
        if (text == "-")
        {
            using var bytes = new MemoryStream();
            await context.Host.InBytes.CopyToAsync(bytes, context.Cancellation).ConfigureAwait(false);
            return bytes.ToArray();
        }

        if (!text.StartsWith("0x", StringComparison.Ordinal))
        {
            return Encoding.UTF8.GetBytes(text);
        }

        try
        {
            return Convert.FromHexString(text.AsSpan(2));
        }
        catch (FormatException)
        {
            throw UsageError.Because(this, $"'{text}' is no even number of hexadecimal digits.");
        }
    }

    /// <summary>As text if it is some that a terminal can show, else as digits.</summary>
    private static XattrEntry EntryOf(string name, byte[] value)
    {
        try
        {
            var text = Strict.GetString(value);
            if (!text.Any(char.IsControl))
            {
                return new XattrEntry(name, text, null, value.Length);
            }
        }
        catch (DecoderFallbackException)
        {
            // Bytes, then.
        }

        return new XattrEntry(name, null, Convert.ToHexStringLower(value), value.Length);
    }
}

/// <summary>The document of <c>dfs xattr list --json</c>.</summary>
internal sealed record XattrReport(string Path, XattrEntry[] Attributes);

/// <summary>An attribute; its value as text or, if it is none, as hexadecimal digits. Size in bytes.</summary>
internal sealed record XattrEntry(string Name, string? Text, string? Hex, int Size);

[JsonSerializable(typeof(XattrReport))]
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
internal sealed partial class XattrJson : JsonSerializerContext;
