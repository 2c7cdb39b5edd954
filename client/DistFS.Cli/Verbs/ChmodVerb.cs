using System.CommandLine;
using DistFS.Client;
using DistFS.Native;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs chmod</c>: permission bits.</summary>
internal sealed class ChmodVerb : AttributesVerb
{
    private readonly Argument<ModeChange> _mode = new("mode")
    {
        Description = "As chmod takes it: 644, u+x, go-w, a=rX",
        CustomParser = static result =>
        {
            var umask = OperatingSystem.IsWindows() ? 0 : Posix.CurrentUmask();
            if (!ModeChange.TryParse(result.Tokens[0].Value, umask, out var change))
            {
                result.AddError($"'{result.Tokens[0].Value}' is no mode; {ModeChange.Hint}.");
            }

            return change!;
        },
    };

    private ModeChange _change = null!;

    public override string Summary => "Change who may read, write and execute files";

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs chmod 640 /data/secret", "set the permission bits"),
        new("dfs chmod -R a+rX /public", "let everybody read a tree"),
        new("dfs chmod -- -w /data/done", "take the right to write away"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Arguments.Add(_mode);
        base.Configure(command);
    }

    protected override Task<int> RunAsync(VerbContext context, DistFsClient client)
    {
        _change = context.Get(_mode);
        return ChangeAsync(context, client);
    }

    // A symbolic link has no permissions of its own.
    protected override AttributeChange? ChangeOf(FileStatus status) => status.IsSymbolicLink
        ? null : new AttributeChange { Mode = _change.Apply(status.Mode, status.IsDirectory) };
}
