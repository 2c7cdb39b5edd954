using DistFS.Client;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs tail</c>: the last part of files, of which nothing else is read.</summary>
internal sealed class TailVerb() : PartVerb(
    "So many lines; +N is from line N on [default 10]", "So many bytes; +N is from byte N on")
{
    public override string Summary => "Print the last lines or bytes of files";

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs tail /logs/app.log", "look at the last ten lines, however long the file is"),
        new("dfs tail -n +2 /data/table.csv", "leave out the heading"),
    ];

    protected override async ValueTask<(long From, long To)> FindAsync(
        DistFsFile file, PartSize size, bool inLines, CancellationToken cancellation)
    {
        // The first line and the first byte are number 1; +0 is the same.
        var (length, before) = (file.LengthWhenOpened, Math.Max(0, size.Count - 1));
        return ((inLines, size.Sign) switch
        {
            (false, '+') => Math.Min(length, before),
            (false, _) => Math.Max(0, length - size.Count),
            (true, '+') => await LineFinder.BehindFirstAsync(file, before, cancellation).ConfigureAwait(false),
            (true, _) => await LineFinder.LastAsync(file, size.Count, cancellation).ConfigureAwait(false),
        }, length);
    }
}
