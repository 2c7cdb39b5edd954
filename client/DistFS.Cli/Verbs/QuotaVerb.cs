using System.CommandLine;
using System.Globalization;
using System.Text.Json.Serialization;
using DistFS.Cli.Output;
using DistFS.Client;
using DistFS.Primitives;
using Spectre.Console;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs quota</c>: limits of directories.</summary>
internal sealed class QuotaVerb : ClusterVerb
{
    private const string NoLimit = "none";

    private readonly Argument<string> _path = new("path") { Description = "A directory" };

    private readonly Option<ByteSize?> _bytes = new("--bytes")
    {
        Description = "The most that may be stored below it, one copy counted: 10GiB, or none",
        HelpName = "SIZE",
        CustomParser = static result =>
        {
            var text = result.Tokens[0].Value;
            if (text == NoLimit || (ByteSize.TryParse(text, null, out var size) && size.Bytes > 0))
            {
                return text == NoLimit ? default(ByteSize) : ByteSize.Parse(text, null);
            }

            result.AddError($"--bytes '{text}' is no size; write for example 500MiB, 10GiB or none.");
            return null;
        },
    };

    private readonly Option<long?> _inodes = new("--inodes")
    {
        Description = "The most files, directories and links below it: a number, or none",
        HelpName = "N",
        CustomParser = static result =>
        {
            var text = result.Tokens[0].Value;
            if (text == NoLimit)
            {
                return 0;
            }

            if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count > 0)
            {
                return count;
            }

            result.AddError($"--inodes '{text}' is no number; write for example 100000, or none.");
            return null;
        },
    };

    private readonly Command _show = new("show", "Show the quota that holds for a path, and its use");
    private readonly Command _set = new("set", "Limit a directory and all that is below it");
    private readonly Command _clear = new("clear", "Take the quota of a directory away");

    public override string Summary => "Show and set limits of directories";

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs quota set /home/ada --bytes 100GiB --inodes 1000000", "limit a directory"),
        new("dfs quota set /home/ada --inodes none", "take one of its limits away"),
        new("dfs quota show /home/ada/projects", "show what holds there, and how much of it is used"),
        new("dfs quota clear /home/ada", "limit it no more"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        foreach (var part in new[] { _show, _set, _clear })
        {
            part.Arguments.Add(_path);
            command.Subcommands.Add(part);
        }

        _set.Options.Add(_bytes);
        _set.Options.Add(_inodes);
        _set.Validators.Add(result =>
        {
            if (result.GetResult(_bytes) == null && result.GetResult(_inodes) == null)
            {
                result.AddError("Which limit? Give --bytes, --inodes or both.");
            }
        });
    }

    protected override async Task<int> RunAsync(VerbContext context, DistFsClient client)
    {
        var (command, path, stop) = (context.Arguments.CommandResult.Command, context.Get(_path), context.Cancellation);
        if (command == _clear)
        {
            await client.ClearQuotaAsync(path, stop).ConfigureAwait(false);
            return ExitCodes.Ok;
        }

        if (command == _set)
        {
            // What is not named stays as it is.
            var status = await client.StatAsync(path, cancellation: stop).ConfigureAwait(false);
            var known = await client.TryGetQuotaAsync(path, stop).ConfigureAwait(false);
            known = known?.Directory == status.Inode ? known : null;
            await client.SetQuotaAsync(
                path,
                context.Get(_bytes)?.Bytes ?? known?.BytesMax ?? 0,
                context.Get(_inodes) ?? known?.InodesMax ?? 0,
                stop).ConfigureAwait(false);
        }

        await ShowAsync(context, client, path).ConfigureAwait(false);
        return ExitCodes.Ok;
    }

    private static async Task ShowAsync(VerbContext context, DistFsClient client, string path)
    {
        var quota = await client.TryGetQuotaAsync(path, context.Cancellation).ConfigureAwait(false);
        var directory = quota == null
            ? null : await NameOfAsync(context, client, path, quota.Directory).ConfigureAwait(false);
        if (context.Json)
        {
            context.WriteJson(
                new QuotaReport(
                    path, directory, quota?.BytesMax, quota?.BytesUsed, quota?.InodesMax, quota?.InodesUsed),
                QuotaJson.Default.QuotaReport);
            return;
        }

        if (quota == null)
        {
            context.Host.Out.WriteLine($"{Printable.Of(path)}: no quota");
            return;
        }

        var table = Consoles.NumberTable("QUOTA OF", "USED", "LIMIT", "USE%", "INODES", "LIMIT", "USE%");
        string[] cells =
        [
            Printable.Of(directory!),
            $"{new ByteSize(quota.BytesUsed)}",
            quota.BytesMax == 0 ? NoLimit : $"{new ByteSize(quota.BytesMax)}",
            Share(quota.BytesUsed, quota.BytesMax),
            $"{quota.InodesUsed}",
            quota.InodesMax == 0 ? NoLimit : $"{quota.InodesMax}",
            Share(quota.InodesUsed, quota.InodesMax),
        ];
        table.AddRow(cells.Select(static cell => new Text(cell)));
        context.Out.Write(table);
    }

    private static string Share(long used, long most) =>
        most == 0 ? "-" : string.Create(CultureInfo.InvariantCulture, $"{used * 100.0 / most:0}%");

    /// <summary>Which of the directories above has it; its number, if a link led elsewhere.</summary>
    private static async Task<string> NameOfAsync(
        VerbContext context, DistFsClient client, string path, InodeId directory)
    {
        for (var at = path.TrimEnd('/'); ; at = at[..Math.Max(0, at.LastIndexOf('/'))])
        {
            var name = at.Length == 0 ? "/" : at;
            var status = await client.TryStatAsync(name, true, context.Cancellation).ConfigureAwait(false);
            if (status?.Inode == directory || at.Length == 0)
            {
                return status?.Inode == directory ? name : $"inode {directory.Value}";
            }
        }
    }
}

/// <summary>The document of <c>dfs quota --json</c>: null where there is no quota; a limit of 0 is none.</summary>
internal sealed record QuotaReport(
    string Path, string? Directory, long? BytesMax, long? BytesUsed, long? InodesMax, long? InodesUsed);

[JsonSerializable(typeof(QuotaReport))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class QuotaJson : JsonSerializerContext;
