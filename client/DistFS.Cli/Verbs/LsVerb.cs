using System.CommandLine;
using System.Text.Json.Serialization;
using DistFS.Cli.Output;
using DistFS.Client;
using Spectre.Console;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs ls</c>: what is in directories.</summary>
internal sealed class LsVerb : ClusterVerb
{
    private readonly Argument<string[]> _paths = Paths("Directories or files [default /]", min: 0);

    private readonly Option<bool> _long = new("-l", "--long") { Description = "Also mode, owner, size and time" };

    private readonly Option<bool> _all = new("-a", "--all") { Description = "Also names that begin with a dot" };

    public override string Summary => "List what is in directories";

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs ls -l /data", "list a directory with sizes and times"),
        new("dfs ls --json / | jq -r .entries[].name", "take the names in a script"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Arguments.Add(_paths);
        command.Options.Add(_long);
        command.Options.Add(_all);
    }

    protected override async Task<int> RunAsync(VerbContext context, DistFsClient client)
    {
        var paths = context.Get(_paths) is { Length: > 0 } given ? given : ["/"];
        return await ForEachAsync(context, client, paths, async path =>
        {
            var entries = await ListAsync(context, client, path).ConfigureAwait(false);
            if (context.Json)
            {
                context.WriteJson(new LsReport(path, entries), LsJson.Default.LsReport);
                return;
            }

            if (paths.Length > 1)
            {
                context.Host.Out.WriteLine($"{path}:");
            }

            Show(context, entries);
        }).ConfigureAwait(false);
    }

    private async Task<LsEntry[]> ListAsync(VerbContext context, DistFsClient client, string path)
    {
        var status = await client.StatAsync(path, cancellation: context.Cancellation).ConfigureAwait(false);
        if (!status.IsDirectory)
        {
            return [EntryOf(path, status)];
        }

        var entries = new List<LsEntry>();
        var withStatus = context.Get(_long) || context.Json;
        await foreach (var item in client.EnumerateAsync(path, withStatus, context.Cancellation).ConfigureAwait(false))
        {
            if (context.Get(_all) || !item.Name.StartsWith('.'))
            {
                entries.Add(item.Status == null
                    ? new LsEntry(item.Name, item.Kind.ToString(), 0, "", 0, 0, 0, "")
                    : EntryOf(item.Name, item.Status));
            }
        }

        return [.. entries.OrderBy(static entry => entry.Name, StringComparer.Ordinal)];
    }

    private void Show(VerbContext context, LsEntry[] entries)
    {
        if (!context.Get(_long))
        {
            foreach (var entry in entries)
            {
                context.Host.Out.WriteLine(Printable.Of(entry.Name));
            }

            return;
        }

        var table = Consoles.PlainTable("MODE", "LINKS", "UID", "GID", "SIZE", "MODIFIED", "NAME");
        table.Columns[4].RightAligned();
        foreach (var entry in entries)
        {
            table.AddRow(
                new Text(entry.Mode),
                new Text($"{entry.Links}"),
                new Text($"{entry.Uid}"),
                new Text($"{entry.Gid}"),
                new Text($"{entry.Size}"),
                new Text(entry.Modified),
                new Text(Printable.Of(entry.Name)));
        }

        if (entries.Length > 0)
        {
            context.Out.Write(table);
        }
    }

    private static LsEntry EntryOf(string name, FileStatus status) => new(
        name,
        status.Kind.ToString(),
        status.Size,
        ModeText.Of(status),
        status.Links,
        status.Uid,
        status.Gid,
        FileTimeText.Short(status.ModifyTime));
}

/// <summary>The document of <c>dfs ls --json</c>.</summary>
internal sealed record LsReport(string Path, LsEntry[] Entries);

/// <summary>A name; size in bytes.</summary>
internal sealed record LsEntry(
    string Name, string Kind, long Size, string Mode, uint Links, uint Uid, uint Gid, string Modified);

[JsonSerializable(typeof(LsReport))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class LsJson : JsonSerializerContext;
