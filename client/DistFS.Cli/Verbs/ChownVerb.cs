using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using DistFS.Client;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs chown</c>: owners and groups.</summary>
internal sealed class ChownVerb : AttributesVerb
{
    private readonly Argument<string> _owner = new("owner")
    {
        Description = "OWNER, OWNER:GROUP or :GROUP; numbers, or names of this machine",
    };

    private readonly Option<bool> _noDereference = new("-P", "--no-dereference")
    {
        Description = "Of a symbolic link that is named, the link itself",
    };

    private AttributeChange _change = null!;

    public override string Summary => "Change the owner and the group of files";

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs chown -R ada:staff /home/ada", "give a tree to somebody"),
        new("dfs chown :100 /data/shared", "change the group only"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Arguments.Add(_owner);
        base.Configure(command);
        command.Options.Add(_noDereference);
    }

    protected override async Task<int> RunAsync(VerbContext context, DistFsClient client)
    {
        var (owner, group) = context.Get(_owner).Split(':', 2) is [var one, var other] ? (one, other)
            : (context.Get(_owner), "");
        if (owner.Length + group.Length == 0)
        {
            throw UsageError.Because(this, "Whose? Give OWNER, OWNER:GROUP or :GROUP.");
        }

        _change = new AttributeChange
        {
            Uid = owner.Length == 0 ? null : await FindAsync("passwd", owner, context).ConfigureAwait(false),
            Gid = group.Length == 0 ? null : await FindAsync("group", group, context).ConfigureAwait(false),
        };
        return await ChangeAsync(context, client).ConfigureAwait(false);
    }

    protected override AttributeChange? ChangeOf(FileStatus status) => _change;

    protected override bool FollowsLinks(VerbContext context) => !context.Get(_noDereference);

    /// <summary>A number, or a name as this machine knows it, from wherever it has its users (getent(1)).</summary>
    private async Task<uint> FindAsync(string database, string name, VerbContext context)
    {
        if (uint.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number != uint.MaxValue)
        {
            return number;
        }

        if (OperatingSystem.IsLinux())
        {
            using var process = Process.Start(new ProcessStartInfo("getent", [database, "--", name])
            {
                RedirectStandardOutput = true,
                UseShellExecute = false,
            });
            var line = process == null ? "" : await process.StandardOutput.ReadToEndAsync(context.Cancellation)
                .ConfigureAwait(false);
            if (line.Split(':') is [_, _, var id, ..]
                && uint.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var found))
            {
                return found;
            }
        }

        var kind = database == "group" ? "group" : "user";
        throw UsageError.Because(this, $"This machine knows no {kind} '{name}'; give its number.");
    }
}
