using DistFS.Client;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs head</c>: the first part of files.</summary>
internal sealed class HeadVerb() : PartVerb(
    "So many lines; -N is all but the last N [default 10]", "So many bytes; -N is all but the last N")
{
    public override string Summary => "Print the first lines or bytes of files";

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs head -n 3 /logs/app.log", "look at the first three lines"),
        new("dfs head -c 512 /images/disk | file -", "look what it is"),
    ];

    protected override async ValueTask<(long From, long To)> FindAsync(
        DistFsFile file, PartSize size, bool inLines, CancellationToken cancellation)
    {
        var length = file.LengthWhenOpened;
        return (0, (inLines, size.Sign) switch
        {
            (false, '-') => Math.Max(0, length - size.Count),
            (false, _) => Math.Min(length, size.Count),
            (true, '-') => await LineFinder.LastAsync(file, size.Count, cancellation).ConfigureAwait(false),
            (true, _) => await LineFinder.BehindFirstAsync(file, size.Count, cancellation).ConfigureAwait(false),
        });
    }
}
