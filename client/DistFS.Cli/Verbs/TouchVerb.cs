using System.CommandLine;
using DistFS.Client;
using DistFS.Primitives;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs touch</c>: times of files, which are made if they are not there.</summary>
internal sealed class TouchVerb : ClusterVerb
{
    private readonly Argument<string[]> _paths = Paths("Files or directories");

    private readonly Option<FileTime?> _date = Times(
        "-d", "--date", "TIME", TimeArgument.TryParseDate, TimeArgument.Hint);

    private readonly Option<FileTime?> _stamp = Times(
        "-t", "--stamp", "[[CC]YY]MMDDhhmm[.ss]", TimeArgument.TryParseStamp, "write [[CC]YY]MMDDhhmm[.ss]");

    private readonly Option<string?> _reference = new("-r", "--reference")
    {
        Description = "The times of another file of the cluster",
        HelpName = "PATH",
    };

    private readonly Option<bool> _noCreate = new("-c", "--no-create") { Description = "Make no file" };

    private readonly Option<bool> _access = new("-a") { Description = "Only the time of the last read" };

    private readonly Option<bool> _modify = new("-m") { Description = "Only the time of the last write" };

    public override string Summary => "Set the times of files, and make those that are not there";

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs touch /jobs/42/done", "make an empty file, or say that it is new"),
        new("dfs touch -c -d 2026-03-01T12:00:00Z /data/a", "set a time, if it is there"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Arguments.Add(_paths);
        command.Options.Add(_date);
        command.Options.Add(_stamp);
        command.Options.Add(_reference);
        command.Options.Add(_noCreate);
        command.Options.Add(_access);
        command.Options.Add(_modify);
        command.Validators.Add(result =>
        {
            if (new Option[] { _date, _stamp, _reference }.Count(one => result.GetResult(one) != null) > 1)
            {
                result.AddError("Give one of -d, -t and -r.");
            }
        });
    }

    protected override async Task<int> RunAsync(VerbContext context, DistFsClient client)
    {
        var time = context.Get(_date) ?? context.Get(_stamp);
        var (access, modify) = (time, time);
        if (context.Get(_reference) is { } reference)
        {
            var other = await client.StatAsync(reference, cancellation: context.Cancellation).ConfigureAwait(false);
            (access, modify) = (other.AccessTime, other.ModifyTime);
        }

        // Neither is both.
        var (setsAccess, setsModify) = (context.Get(_access), context.Get(_modify));
        (setsAccess, setsModify) = (setsAccess || !setsModify, setsModify || !setsAccess);
        var change = new AttributeChange
        {
            AccessTime = setsAccess ? access : null,
            ModifyTime = setsModify ? modify : null,
            TouchesAccessTime = setsAccess,
            TouchesModifyTime = setsModify,
        };
        return await ForEachAsync(
            context,
            client,
            context.Get(_paths),
            path => TouchAsync(context, client, path, change),
            mayBeAbsent: context.Get(_noCreate)).ConfigureAwait(false);
    }

    private async Task TouchAsync(VerbContext context, DistFsClient client, string path, AttributeChange change)
    {
        try
        {
            await client.SetAttributesAsync(path, change, cancellation: context.Cancellation).ConfigureAwait(false);
        }
        catch (DistFsException e) when (e.Status == FsStatus.NotFound)
        {
            if (context.Get(_noCreate))
            {
                return;
            }

            await (await client.CreateFileAsync(path, overwrites: false, cancellation: context.Cancellation)
                .ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
            if (change.AccessTime != null || change.ModifyTime != null)
            {
                await client.SetAttributesAsync(path, change, cancellation: context.Cancellation)
                    .ConfigureAwait(false);
            }
        }
    }

    private static Option<FileTime?> Times(
        string name, string alias, string value, TimeArgument.Parser parser, string hint) => new(name, alias)
        {
            Description = "This time, and not now",
            HelpName = value,
            CustomParser = result =>
            {
                if (parser(result.Tokens[0].Value, out var time))
                {
                    return time;
                }

                result.AddError($"{name} '{result.Tokens[0].Value}' is no time; {hint}.");
                return null;
            },
        };
}
