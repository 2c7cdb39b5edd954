using System.CommandLine;
using System.Globalization;
using System.Text.Json.Serialization;
using DistFS.Cli.Output;
using DistFS.Client;
using DistFS.Primitives;
using Spectre.Console;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs trash</c>: what was removed and is kept for a while.</summary>
internal sealed class TrashVerb : ClusterVerb
{
    private const string Off = "off";
    private const string Inherit = "inherit";

    private readonly Argument<string?> _directory = new("directory")
    {
        Description = "What was removed from it and below it [default all, for root]",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Argument<string> _path = new("path")
    {
        Description = "Where it was; or '#' and its number, as 'dfs trash list' shows it",
    };

    private readonly Argument<string> _kept = new("directory") { Description = "A directory" };

    private readonly Argument<string?> _time = new("time")
    {
        Description = "12h, 30d, off, or inherit from the directory above; none shows what holds",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _to = new("--to") { Description = "Its new name", HelpName = "PATH" };

    private readonly Option<bool> _recursive = new("-r", "--recursive")
    {
        Description = "Of a directory also what was removed from it",
    };

    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Say what would go, and do nothing" };

    private readonly Command _list = new("list", "Show what is in the trash");
    private readonly Command _restore = new("restore", "Bring something back");
    private readonly Command _empty = new("empty", "Remove for good what is in the trash");
    private readonly Command _keep = new("keep", "Set how long what is removed from a directory is kept");

    public override string Summary => "Show, bring back and remove what is in the trash";

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs trash keep /home 7d", "keep what is removed below a directory for a week"),
        new("dfs trash list /home/ada", "show what was removed there"),
        new("dfs trash restore -r /home/ada/thesis", "bring it back, with all that was in it"),
        new("dfs trash empty /home/ada", "free its space"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        _list.Arguments.Add(_directory);
        _empty.Arguments.Add(_directory);
        _empty.Options.Add(_dryRun);
        _restore.Arguments.Add(_path);
        _restore.Options.Add(_to);
        _restore.Options.Add(_recursive);
        _keep.Arguments.Add(_kept);
        _keep.Arguments.Add(_time);
        foreach (var part in new[] { _list, _restore, _empty, _keep })
        {
            command.Subcommands.Add(part);
        }
    }

    protected override Task<int> RunAsync(VerbContext context, DistFsClient client)
    {
        var command = context.Arguments.CommandResult.Command;
        return command == _list ? ListAsync(context, client)
            : command == _restore ? RestoreAsync(context, client)
            : command == _empty ? EmptyAsync(context, client)
            : KeepAsync(context, client);
    }

    private async Task<int> ListAsync(VerbContext context, DistFsClient client)
    {
        var found = await FindAsync(context, client).ConfigureAwait(false);
        if (context.Json)
        {
            context.WriteJson(
                new TrashReport([.. found.Select(static one => EntryOf(one))]), TrashJson.Default.TrashReport);
            return ExitCodes.Ok;
        }

        var table = Consoles.PlainTable("INODE", "KIND", "SIZE", "REMOVED", "BY", "GOES", "NAME");
        foreach (var (item, path) in found)
        {
            table.AddRow(
                new Text($"#{item.Status.Inode.Value}"),
                new Text(item.Status.Kind.ToString()),
                new Text($"{new ByteSize(item.Status.Size)}"),
                new Text(FileTimeText.Short(item.Removed)),
                new Text($"{item.RemovedBy}"),
                new Text(FileTimeText.Short(item.Purged)),
                new Text(Printable.Of(path)));
        }

        if (found.Count > 0)
        {
            context.Out.Write(table);
        }

        return ExitCodes.Ok;
    }

    private async Task<int> RestoreAsync(VerbContext context, DistFsClient client)
    {
        var (path, stop) = (context.Get(_path), context.Cancellation);
        var inode = await LookUpAsync(client, path, stop).ConfigureAwait(false);
        var restored = await client.RestoreAsync(inode, context.Get(_to), stop).ConfigureAwait(false);
        var code = restored.IsDirectory && context.Get(_recursive)
            ? await RestoreInsideAsync(context, client, inode).ConfigureAwait(false) : ExitCodes.Ok;
        if (context.Json)
        {
            context.WriteJson(
                new TrashRestored(restored.Inode.Value, restored.Kind.ToString()), TrashJson.Default.TrashRestored);
        }

        return code;
    }

    /// <summary>From the top down: a name comes back into a directory that is there.</summary>
    private static async Task<int> RestoreInsideAsync(VerbContext context, DistFsClient client, InodeId directory)
    {
        var code = ExitCodes.Ok;
        var left = new Queue<InodeId>([directory]);
        while (left.TryDequeue(out var above))
        {
            // Of several that had one name, what was removed last has it again.
            var inside = await client.ListTrashAsync(above, context.Cancellation).ToListAsync(context.Cancellation)
                .ConfigureAwait(false);
            foreach (var item in inside
                .OrderByDescending(static item => item.Removed)
                .DistinctBy(static item => item.Name))
            {
                try
                {
                    await client.RestoreAsync(item.Status.Inode, null, context.Cancellation).ConfigureAwait(false);
                }
                catch (DistFsException e) when (DistFsErrors.IsOfOneFile(e) && !context.Json)
                {
                    code = Tell(context, code, e);
                    continue;
                }

                if (item.Status.IsDirectory)
                {
                    left.Enqueue(item.Status.Inode);
                }
            }
        }

        return code;
    }

    private async Task<int> EmptyAsync(VerbContext context, DistFsClient client)
    {
        var found = await FindAsync(context, client).ConfigureAwait(false);
        var bytes = found.Sum(static one => one.Item.Status.Allocated);
        if (!context.Get(_dryRun))
        {
            await client.PurgeAsync([.. found.Select(static one => one.Item.Status.Inode)], context.Cancellation)
                .ConfigureAwait(false);
        }

        if (context.Json)
        {
            context.WriteJson(
                new TrashEmptied(found.Count, bytes, context.Get(_dryRun)), TrashJson.Default.TrashEmptied);
        }
        else
        {
            context.Host.Out.WriteLine(
                $"{found.Count} files and directories, {new ByteSize(bytes)}"
                + (context.Get(_dryRun) ? " would go for good" : " are gone for good"));
        }

        return ExitCodes.Ok;
    }

    private async Task<int> KeepAsync(VerbContext context, DistFsClient client)
    {
        var (path, text, stop) = (context.Get(_kept), context.Get(_time), context.Cancellation);
        if (text != null)
        {
            var time = TimeSpan.Zero;
            if (text is not (Off or Inherit) && (!Duration.TryParse(text, out time) || time < TimeSpan.FromSeconds(1)))
            {
                throw UsageError.Because(this, $"'{text}' is no time; write for example 12h, 30d, off or inherit.");
            }

            await client.SetRetentionAsync(path, text == Inherit ? null : time, stop).ConfigureAwait(false);
        }

        var (kept, directory) = await client.GetRetentionAsync(path, stop).ConfigureAwait(false);
        var status = await client.StatAsync(path, cancellation: stop).ConfigureAwait(false);
        if (context.Json)
        {
            context.WriteJson(
                new TrashRetention(path, (long)kept.TotalSeconds, directory == status.Inode),
                TrashJson.Default.TrashRetention);
        }
        else
        {
            var whose = directory == null ? "no directory says anything"
                : directory == status.Inode ? "its own setting" : "the setting of a directory above";
            var time = kept == TimeSpan.Zero ? "not kept" : $"kept for {Duration.Format(kept)}";
            context.Host.Out.WriteLine($"{Printable.Of(path)}: what is removed is {time} ({whose})");
        }

        return ExitCodes.Ok;
    }

    /// <summary>All that is asked for, what is in a removed directory behind that.</summary>
    private async Task<List<(TrashItem Item, string Path)>> FindAsync(VerbContext context, DistFsClient client)
    {
        var (found, stop) = (new List<(TrashItem Item, string Path)>(), context.Cancellation);
        if (context.Get(_directory) is not { } path)
        {
            await foreach (var item in client.ListTrashAsync(null, stop).ConfigureAwait(false))
            {
                found.Add((item, $"#{item.Directory.Value}/{item.Name}"));
            }

            return found;
        }

        var status = await client.StatAsync(path, cancellation: stop).ConfigureAwait(false);
        var left = new Queue<(InodeId Directory, string Path)>([(status.Inode, path.TrimEnd('/'))]);
        while (left.TryDequeue(out var next))
        {
            await foreach (var item in client.ListTrashAsync(next.Directory, stop).ConfigureAwait(false))
            {
                found.Add((item, $"{next.Path}/{item.Name}"));
                if (item.Status.IsDirectory)
                {
                    left.Enqueue((item.Status.Inode, $"{next.Path}/{item.Name}"));
                }
            }
        }

        return found;
    }

    private static async Task<InodeId> LookUpAsync(DistFsClient client, string path, CancellationToken cancellation)
    {
        if (path.StartsWith('#')
            && ulong.TryParse(path.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return new InodeId(number);
        }

        // The way to it may lead through directories that were removed with it.
        var names = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var (at, known) = (new InodeId?(), "");
        for (var i = 0; i < names.Length; i++)
        {
            var above = i == 0 ? "/" : known;
            known = $"{known}/{names[i]}";
            if (at == null && i < names.Length - 1
                && await client.TryStatAsync(known, true, cancellation).ConfigureAwait(false) != null)
            {
                continue;
            }

            at ??= (await client.StatAsync(above, cancellation: cancellation).ConfigureAwait(false)).Inode;
            var inside = await client.ListTrashAsync(at, cancellation).ToListAsync(cancellation).ConfigureAwait(false);
            at = inside.Where(item => item.Name == names[i]).MaxBy(static item => item.Removed)?.Status.Inode
                ?? throw new DistFsException(
                    ErrorCatalog.FileRefused, $"{known}: not in the trash", null, FsStatus.NotFound);
        }

        return at ?? throw new DistFsException(
            ErrorCatalog.FileRefused, $"{path}: not in the trash", null, FsStatus.NotFound);
    }

    private static TrashLine EntryOf((TrashItem Item, string Path) one) => new(
        one.Path,
        one.Item.Status.Inode.Value,
        one.Item.Status.Kind.ToString(),
        one.Item.Status.Size,
        FileTimeText.Short(one.Item.Removed),
        one.Item.RemovedBy,
        FileTimeText.Short(one.Item.Purged));
}

/// <summary>The document of <c>dfs trash list --json</c>.</summary>
internal sealed record TrashReport(TrashLine[] Entries);

/// <summary>Something in the trash; size in bytes, removedBy is a uid.</summary>
internal sealed record TrashLine(
    string Path, ulong Inode, string Kind, long Size, string Removed, uint RemovedBy, string Purged);

/// <summary>The document of <c>dfs trash restore --json</c>.</summary>
internal sealed record TrashRestored(ulong Inode, string Kind);

/// <summary>The document of <c>dfs trash empty --json</c>; bytes that are stored, one copy counted.</summary>
internal sealed record TrashEmptied(int Entries, long Bytes, bool DryRun);

/// <summary>The document of <c>dfs trash keep --json</c>; 0 seconds: not kept.</summary>
internal sealed record TrashRetention(string Path, long Seconds, bool Own);

[JsonSerializable(typeof(TrashReport))]
[JsonSerializable(typeof(TrashRestored))]
[JsonSerializable(typeof(TrashEmptied))]
[JsonSerializable(typeof(TrashRetention))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class TrashJson : JsonSerializerContext;
