using System.CommandLine;
using DistFS.Client;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs ln</c>: links.</summary>
internal sealed class LnVerb : ClusterVerb
{
    private readonly Argument<string> _target = new("target") { Description = "What the link leads to" };

    private readonly Argument<string> _link = new("link") { Description = "Its name, or a directory for it" };

    private readonly Option<bool> _symbolic = new("-s", "--symbolic")
    {
        Description = "A symbolic link: the target is taken as it is written, and need not be there",
    };

    private readonly Option<bool> _force = new("-f", "--force") { Description = "Replace what is there, in one step" };

    public override string Summary => "Give a file another name, or make a symbolic link";

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs ln -s -f v42 /models/current", "move a link from one version to the next, in one step for everybody"),
        new("dfs ln /data/a /data/b", "give a file a second name"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Arguments.Add(_target);
        command.Arguments.Add(_link);
        command.Options.Add(_symbolic);
        command.Options.Add(_force);
    }

    protected override async Task<int> RunAsync(VerbContext context, DistFsClient client)
    {
        var (target, link, stop) = (context.Get(_target), context.Get(_link), context.Cancellation);

        // A link to a directory is replaced, and not entered, if replacing was asked for (ln -n).
        var followsLink = !context.Get(_force);
        if (await client.TryStatAsync(link, followsLink, stop).ConfigureAwait(false) is { IsDirectory: true })
        {
            link = $"{link.TrimEnd('/')}/{NameOf(target)}";
        }

        await ((context.Get(_symbolic), context.Get(_force)) switch
        {
            (true, true) => client.ReplaceWithSymbolicLinkAsync(link, target, stop),
            (true, false) => client.CreateSymbolicLinkAsync(link, target, stop),
            (false, true) => client.ReplaceWithHardLinkAsync(target, link, stop),
            (false, false) => client.CreateHardLinkAsync(target, link, stop),
        }).ConfigureAwait(false);
        return ExitCodes.Ok;
    }
}
