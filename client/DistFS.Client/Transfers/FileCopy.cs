using DistFS.Client.Names;
using DistFS.Primitives;

namespace DistFS.Client.Transfers;

/// <summary>
/// Copies within the cluster. The copy has the source's chunks until one of the two is written, which then gets chunks
/// of its own: so a copy costs a round trip, however long the file is, and no space. Its chunks have as many copies as
/// the source's.
/// </summary>
public sealed class FileCopy(DistFsClient client, TransferOptions options)
{
    /// <summary>Copies a file.</summary>
    /// <param name="from">What is there; of a symbolic link, what that stands for.</param>
    /// <param name="to">The name of the copy.</param>
    /// <param name="cancellation">Gives up; then it is there or not.</param>
    /// <exception cref="DistFsException">
    /// <see cref="ErrorCatalog.FileRefused"/>, <see cref="ErrorCatalog.TargetExists"/>,
    /// <see cref="ErrorCatalog.SourceChanged"/>.
    /// </exception>
    public async Task CopyAsync(string from, string to, CancellationToken cancellation)
    {
        var source = await client.StatAsync(from, cancellation: cancellation).ConfigureAwait(false);
        if (!source.IsFile)
        {
            throw FileErrors.Of(source.IsDirectory ? FsStatus.IsADirectory : FsStatus.NotSupported, from);
        }

        if ((await client.TryStatAsync(to, true, cancellation).ConfigureAwait(false))?.Inode == source.Inode)
        {
            throw new DistFsException(
                ErrorCatalog.FileRefused, $"{from} and {to}: the same file", null, FsStatus.Invalid);
        }

        var (directory, name) = await client.ParentAsync(to, cancellation).ConfigureAwait(false);
        await CopyAsync(source, from, directory, name, to, cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// Copies a directory with all that is in it; links as links, what is no file, directory or link not.
    /// </summary>
    /// <param name="from">A directory.</param>
    /// <param name="to">Its name; may be there.</param>
    /// <param name="cancellation">Gives up: what was copied stays.</param>
    /// <returns>What was left out.</returns>
    /// <exception cref="DistFsException">
    /// As of a single file, unless <see cref="TransferOptions.Failed"/> takes it.
    /// </exception>
    public async Task<IReadOnlyList<string>> CopyTreeAsync(string from, string to, CancellationToken cancellation)
    {
        var skipped = new List<string>();
        var all = new List<Folder>();
        var root = await client.StatAsync(from, cancellation: cancellation).ConfigureAwait(false);
        await client.CreateDirectoryAsync(to, withParents: true, cancellation: cancellation).ConfigureAwait(false);
        var target = (await client.StatAsync(to, cancellation: cancellation).ConfigureAwait(false)).Inode;
        EnsureApart(root.Inode, target, from, to);
        List<Folder> level = [new(root, from, target, to)];
        while (level.Count > 0)
        {
            all.AddRange(level);
            var files = new List<(DirectoryItem Item, Folder In)>();
            var below = new List<(DirectoryItem Item, Folder In)>();
            foreach (var folder in level)
            {
                await options.TryAsync(folder.From, async () =>
                {
                    await foreach (var item in client.EnumerateAsync(folder.From, withStatus: true, cancellation)
                        .ConfigureAwait(false))
                    {
                        Sort(item, folder, files, below, skipped);
                    }
                }).ConfigureAwait(false);
            }

            // What would be copied into itself, for ever, is left out with an error.
            foreach (var (item, folder) in below.Where(one => one.Item.Inode == target).ToList())
            {
                await options.TryAsync(folder.PathOf(item), () =>
                {
                    EnsureApart(item.Inode, target, folder.PathOf(item), to);
                    return Task.CompletedTask;
                }).ConfigureAwait(false);
            }

            below.RemoveAll(one => one.Item.Inode == target);
            await Parallel.ForEachAsync(
                files,
                new ParallelOptions
                {
                    MaxDegreeOfParallelism = options.FilesInFlight,
                    CancellationToken = cancellation,
                },
                (one, stop) => options.TryAsync(
                    one.In.PathOf(one.Item), () => CopyItemAsync(one.Item, one.In, stop))).ConfigureAwait(false);
            level = await MakeAsync(below, cancellation).ConfigureAwait(false);
        }

        for (var i = all.Count - 1; i >= 0 && options.Preserves; i--)
        {
            await PreserveAsync(all[i], cancellation).ConfigureAwait(false);
        }

        return skipped;
    }

    private static void Sort(
        DirectoryItem item,
        Folder folder,
        List<(DirectoryItem Item, Folder In)> files,
        List<(DirectoryItem Item, Folder In)> below,
        List<string> skipped)
    {
        switch (item.Kind)
        {
            case FileKind.File or FileKind.SymbolicLink:
                files.Add((item, folder));
                break;
            case FileKind.Directory:
                below.Add((item, folder));
                break;
            default:
                skipped.Add(folder.PathOf(item));
                break;
        }
    }

    private static void EnsureApart(InodeId source, InodeId target, string from, string to)
    {
        if (source == target)
        {
            throw new DistFsException(
                ErrorCatalog.FileRefused, $"{from} to {to}: into itself", null, FsStatus.Invalid);
        }
    }

    private async Task CopyAsync(
        FileStatus source,
        string from,
        InodeId directory,
        byte[] name,
        string to,
        CancellationToken cancellation)
    {
        await client.CopyFileAsync(source, from, directory, name, to, options, cancellation).ConfigureAwait(false);
        options.Progress.Add(source.Size);
        options.Progress.Done();
    }

    private async Task CopyItemAsync(DirectoryItem item, Folder folder, CancellationToken cancellation)
    {
        var (from, to) = (folder.PathOf(item), $"{folder.To.TrimEnd('/')}/{item.Name}");
        if (item.Kind == FileKind.File)
        {
            await CopyAsync(item.Status!, from, folder.Inode, item.NameBytes.ToArray(), to, cancellation)
                .ConfigureAwait(false);
            return;
        }

        var target = await client.ReadLinkAsync(from, cancellation).ConfigureAwait(false);
        await client.PutLinkAsync(to, target, options.Overwrites, cancellation).ConfigureAwait(false);
        options.Progress.Done();
    }

    private async Task<List<Folder>> MakeAsync(
        List<(DirectoryItem Item, Folder In)> wanted, CancellationToken cancellation)
    {
        var made = await client.MakeDirectoriesAsync(
            [.. wanted.Select(static one => (one.In.Inode, one.Item.NameBytes.ToArray()))], cancellation)
            .ConfigureAwait(false);
        var folders = new List<Folder>(wanted.Count);
        for (var i = 0; i < wanted.Count; i++)
        {
            var (item, above) = wanted[i];
            var to = $"{above.To.TrimEnd('/')}/{item.Name}";
            if (made[i] is { } status)
            {
                folders.Add(new Folder(item.Status!, above.PathOf(item), status.Inode, to));
                continue;
            }

            await options.TryAsync(above.PathOf(item), async () =>
            {
                await client.CreateDirectoryAsync(to, withParents: true, cancellation: cancellation)
                    .ConfigureAwait(false);
                var known = await client.StatAsync(to, cancellation: cancellation).ConfigureAwait(false);
                folders.Add(new Folder(item.Status!, above.PathOf(item), known.Inode, to));
            }).ConfigureAwait(false);
        }

        return folders;
    }

    private ValueTask PreserveAsync(Folder folder, CancellationToken cancellation) =>
        options.TryAsync(folder.To, () => client.SetAttributesAsync(
            folder.Inode,
            folder.To,
            new AttributeChange
            {
                Mode = folder.Source.Mode,
                Uid = client.IsRoot ? folder.Source.Uid : null,
                Gid = client.IsRoot ? folder.Source.Gid : null,
                AccessTime = folder.Source.AccessTime,
                ModifyTime = folder.Source.ModifyTime,
            },
            cancellation));

    /// <summary>A directory and its copy.</summary>
    private sealed record Folder(FileStatus Source, string From, InodeId Inode, string To)
    {
        public string PathOf(DirectoryItem item) => $"{From.TrimEnd('/')}/{item.Name}";
    }
}
