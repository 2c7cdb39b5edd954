using System.Runtime.CompilerServices;
using DistFS.Client.Names;
using DistFS.Primitives;

namespace DistFS.Client;

/// <content>Many names at once: patterns, and all that is below a directory.</content>
public sealed partial class DistFsClient
{
    /// <summary>
    /// The paths that a pattern stands for (<see cref="NamePattern"/>, name by name), in order of their letters. Names
    /// that are no UTF-8 are not among them.
    /// </summary>
    /// <param name="pattern">
    /// A path; one without '*', '?' and '[' is its own only result, and is not looked for.
    /// </param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Empty: there is nothing like that.</returns>
    /// <exception cref="DistFsException">A directory may not be read, or nobody answers.</exception>
    public async Task<IReadOnlyList<string>> GlobAsync(string pattern, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        if (!NamePattern.IsPattern(pattern))
        {
            return [pattern];
        }

        List<string> found = [pattern.StartsWith('/') ? "/" : ""];
        var isLooked = true;
        foreach (var name in pattern.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            var next = new List<string>();
            isLooked = NamePattern.IsPattern(name);
            foreach (var above in found)
            {
                if (isLooked)
                {
                    await AddMatchesAsync(above, NamePattern.Parse(name), next, cancellation).ConfigureAwait(false);
                }
                else
                {
                    next.Add(Below(above, NamePattern.Unescape(name)));
                }
            }

            found = next;
        }

        if (!isLooked)
        {
            found = await ThereAsync(found, cancellation).ConfigureAwait(false);
        }

        found.Sort(StringComparer.Ordinal);
        return found;
    }

    /// <summary>
    /// All that is below a directory, itself first, each directory before what is in it; what comes or goes meanwhile
    /// may be there or not. Links are not followed.
    /// </summary>
    /// <param name="path">A directory; what is none is the only result.</param>
    /// <param name="depthMax">So deep at most; 0 is the path itself.</param>
    /// <param name="failed">
    /// Gets directories that may not be read, and others are gone on with; null: such an error ends it.
    /// </param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="DistFsException">There is no such path, or nobody answers.</exception>
    public async IAsyncEnumerable<TreeItem> WalkAsync(
        string path,
        int depthMax = int.MaxValue,
        Action<string, DistFsException>? failed = null,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(path);
        var root = await StatAsync(path, followsLink: false, cancellation).ConfigureAwait(false);
        var left = new Stack<TreeItem>([new TreeItem(path, 0, root)]);
        while (left.TryPop(out var item))
        {
            yield return item;
            if (!item.Status.IsDirectory || item.Depth >= depthMax)
            {
                continue;
            }

            var inside = new List<TreeItem>();
            try
            {
                await foreach (var entry in ListAsync(item.Status, item.Path, true, cancellation).ConfigureAwait(false))
                {
                    inside.Add(new TreeItem(Below(item.Path, entry.Name), item.Depth + 1, entry.Status!));
                }
            }
            catch (DistFsException e) when (DistFsErrors.IsOfOneFile(e))
            {
                // One that was removed meanwhile is none of those that are there.
                if (e.Status != FsStatus.NotFound)
                {
                    if (failed == null)
                    {
                        throw;
                    }

                    failed(item.Path, e);
                }
            }

            inside.Sort(static (one, other) => string.CompareOrdinal(other.Path, one.Path));
            inside.ForEach(left.Push);
        }
    }

    private static string Below(string directory, string name) =>
        directory is "" or "/" ? directory + name : $"{directory.TrimEnd('/')}/{name}";

    private async Task AddMatchesAsync(
        string directory, NamePattern pattern, List<string> matches, CancellationToken cancellation)
    {
        try
        {
            await foreach (var item in EnumerateAsync(
                directory.Length == 0 ? "/" : directory, withStatus: false, cancellation).ConfigureAwait(false))
            {
                if (item.HasText && pattern.Matches(item.Name))
                {
                    matches.Add(Below(directory, item.Name));
                }
            }
        }
        catch (DistFsException e) when (e.Status is FsStatus.NotFound or FsStatus.NotADirectory)
        {
            // Then there is nothing like that in it.
        }
    }

    private async Task<List<string>> ThereAsync(List<string> paths, CancellationToken cancellation)
    {
        var there = new List<string>();
        foreach (var path in paths)
        {
            try
            {
                await StatAsync(path, followsLink: false, cancellation).ConfigureAwait(false);
                there.Add(path);
            }
            catch (DistFsException e) when (e.Status is FsStatus.NotFound or FsStatus.NotADirectory)
            {
                // The pattern stands for others.
            }
        }

        return there;
    }
}

/// <summary>Something in a tree.</summary>
/// <param name="Path">From the path that was walked.</param>
/// <param name="Depth">0 for that path itself.</param>
/// <param name="Status">What it is.</param>
public sealed record TreeItem(string Path, int Depth, FileStatus Status);
