using System.CommandLine;
using System.Diagnostics;
using DistFS.Primitives;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs umount</c>: takes a mount away.</summary>
internal sealed class UmountVerb : Verb
{
    private readonly Argument<string> _mountPoint = new("dir") { Description = "As it was given to 'dfs mount'" };

    private readonly Option<bool> _lazy = new("--lazy", "-l")
    {
        Description = "Out of sight at once, though something is open in it",
    };

    public override string Summary => "Take a mounted cluster away; all that was written is sent";

    public override VerbGroup Group => VerbGroup.Files;

    public override IReadOnlyList<Example> Examples => [new("dfs umount /mnt/dfs", "unmount what 'dfs mount' mounted")];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Arguments.Add(_mountPoint);
        command.Options.Add(_lazy);
    }

    public override async Task<int> RunAsync(VerbContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var mountPoint = Path.GetFullPath(context.Get(_mountPoint));
        if (!MountVerb.IsMounted(mountPoint))
        {
            throw new DistFsException(ErrorCatalog.MountFailed, $"{mountPoint}: no cluster is mounted there.");
        }

        List<string> command = Environment.IsPrivilegedProcess ? ["umount"] : ["fusermount3", "-u"];
        if (context.Get(_lazy))
        {
            command.Add(Environment.IsPrivilegedProcess ? "-l" : "-z");
        }

        var start = new ProcessStartInfo(command[0], [.. command.Skip(1), mountPoint])
        {
            UseShellExecute = false,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var said = await process.StandardError.ReadToEndAsync(context.Cancellation).ConfigureAwait(false);
        await process.WaitForExitAsync(context.Cancellation).ConfigureAwait(false);
        return process.ExitCode == 0
            ? ExitCodes.Ok : throw new DistFsException(ErrorCatalog.MountFailed, said.Trim());
    }
}
