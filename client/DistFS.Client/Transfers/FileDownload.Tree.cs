using DistFS.Primitives;

namespace DistFS.Client.Transfers;

/// <content>Trees: directory by directory, the files of one at the same time.</content>
public sealed partial class FileDownload
{
    /// <summary>
    /// Gets a directory with all that is in it; links as links, what is no file, directory or link not.
    /// </summary>
    /// <param name="path">In the cluster.</param>
    /// <param name="local">Its name here; may be there.</param>
    /// <param name="cancellation">Gives up: what was got stays.</param>
    /// <returns>What was left out.</returns>
    /// <exception cref="DistFsException">
    /// As of a single file, unless <see cref="TransferOptions.Failed"/> takes it.
    /// </exception>
    public async Task<IReadOnlyList<string>> GetTreeAsync(string path, string local, CancellationToken cancellation)
    {
        var skipped = new List<string>();
        var all = new List<(FileStatus Status, string Local)>();
        var root = await client.StatAsync(path, cancellation: cancellation).ConfigureAwait(false);
        var left = new Queue<(FileStatus Status, string From, string To)>([(root, path, local)]);
        while (left.TryDequeue(out var next))
        {
            var items = new List<DirectoryItem>();
            await options.TryAsync(next.From, async () =>
            {
                MakeDirectory(next.To);
                all.Add((next.Status, next.To));
                await foreach (var item in client.EnumerateAsync(next.From, withStatus: true, cancellation)
                    .ConfigureAwait(false))
                {
                    items.Add(item);
                }
            }).ConfigureAwait(false);
            foreach (var item in items.Where(static item => item.Kind == FileKind.Directory))
            {
                await options.TryAsync(Below(next.From, item), () =>
                {
                    var to = Path.Combine(next.To, LocalErrors.NameOf(item, Below(next.From, item)));
                    left.Enqueue((item.Status!, Below(next.From, item), to));
                    return Task.CompletedTask;
                }).ConfigureAwait(false);
            }

            skipped.AddRange(items
                .Where(static item => item.Kind is not (FileKind.Directory or FileKind.File or FileKind.SymbolicLink))
                .Select(item => Below(next.From, item)));
            await Parallel.ForEachAsync(
                items.Where(static item => item.Kind is FileKind.File or FileKind.SymbolicLink),
                new ParallelOptions
                {
                    MaxDegreeOfParallelism = options.FilesInFlight,
                    CancellationToken = cancellation,
                },
                (item, stop) => options.TryAsync(
                    Below(next.From, item), () => GetItemAsync(item, next.From, next.To, stop)))
                .ConfigureAwait(false);
        }

        await PreserveAsync(all).ConfigureAwait(false);
        return skipped;
    }

    private static string Below(string directory, DirectoryItem item) => $"{directory.TrimEnd('/')}/{item.Name}";

    private Task GetItemAsync(DirectoryItem item, string from, string to, CancellationToken cancellation)
    {
        var path = Below(from, item);
        var local = Path.Combine(to, LocalErrors.NameOf(item, path));
        return item.Kind == FileKind.File
            ? GetAsync(item.Status!, path, local, cancellation)
            : GetLinkAsync(path, local, cancellation);
    }

    private async Task GetLinkAsync(string from, string to, CancellationToken cancellation)
    {
        var target = await client.ReadLinkAsync(from, cancellation).ConfigureAwait(false);
        try
        {
            if (options.Overwrites && new FileInfo(to).LinkTarget != null)
            {
                File.Delete(to);
            }

            File.CreateSymbolicLink(to, target);
        }
        catch (Exception e) when (LocalErrors.IsLocal(e))
        {
            throw LocalErrors.Of(e, to);
        }

        options.Progress.Done();
    }

    /// <summary>When nothing is put into them any more: the deepest first, since a mode may forbid to enter.</summary>
    private async Task PreserveAsync(List<(FileStatus Status, string Local)> folders)
    {
        for (var i = folders.Count - 1; i >= 0 && options.Preserves; i--)
        {
            var (status, local) = folders[i];
            await options.TryAsync(local, () =>
            {
                try
                {
                    if (!OperatingSystem.IsWindows())
                    {
                        File.SetUnixFileMode(local, (UnixFileMode)status.Mode);
                    }

                    Directory.SetLastWriteTimeUtc(local, TimeOf(status));
                }
                catch (Exception e) when (LocalErrors.IsLocal(e))
                {
                    throw LocalErrors.Of(e, local);
                }

                return Task.CompletedTask;
            }).ConfigureAwait(false);
        }
    }

    private static void MakeDirectory(string local)
    {
        try
        {
            Directory.CreateDirectory(local);
        }
        catch (Exception e) when (LocalErrors.IsLocal(e))
        {
            throw LocalErrors.Of(e, local);
        }
    }
}
