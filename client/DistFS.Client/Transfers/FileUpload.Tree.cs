using DistFS.Native;
using DistFS.Primitives;

namespace DistFS.Client.Transfers;

/// <content>
/// Trees, level by level: the directories of a level in a few requests, then all files of these directories at the same
/// time, so that neither deep nor flat trees wait for round trips one after another.
/// </content>
public sealed partial class FileUpload
{
    /// <summary>
    /// Puts a directory with all that is in it; links as links, what is no file, directory or link not.
    /// </summary>
    /// <param name="local">A directory.</param>
    /// <param name="path">Its name in the cluster; may be there.</param>
    /// <param name="cancellation">Gives up: what was put stays.</param>
    /// <returns>What was left out since it is neither file, directory nor link.</returns>
    /// <exception cref="DistFsException">
    /// As of a single file, unless <see cref="TransferOptions.Failed"/> takes it.
    /// </exception>
    public async Task<IReadOnlyList<string>> PutTreeAsync(string local, string path, CancellationToken cancellation)
    {
        var skipped = new List<string>();
        var all = new List<Folder>();
        await client.CreateDirectoryAsync(path, withParents: true, cancellation: cancellation).ConfigureAwait(false);
        var root = await client.StatAsync(path, cancellation: cancellation).ConfigureAwait(false);
        List<Folder> level = [new(new DirectoryInfo(local), path, root.Inode)];
        while (level.Count > 0)
        {
            all.AddRange(options.Preserves ? level : []);
            var below = new List<(DirectoryInfo From, Folder In)>();
            await Parallel.ForEachAsync(
                Entries(level, below, skipped),
                new ParallelOptions
                {
                    MaxDegreeOfParallelism = options.FilesInFlight,
                    CancellationToken = cancellation,
                },
                (entry, stop) => PutEntryAsync(entry.From, entry.In, stop)).ConfigureAwait(false);
            level = await MakeAsync(below, cancellation).ConfigureAwait(false);
        }

        await PreserveAsync(all, cancellation).ConfigureAwait(false);
        return skipped;
    }

    /// <summary>
    /// Files and links of a level. What is listed is read by one thread at a time, so the lists need no lock.
    /// </summary>
    private IEnumerable<(FileSystemInfo From, Folder In)> Entries(
        List<Folder> level, List<(DirectoryInfo From, Folder In)> below, List<string> skipped)
    {
        foreach (var folder in level)
        {
            foreach (var entry in List(folder))
            {
                switch (KindOf(entry))
                {
                    case FileKind.File or FileKind.SymbolicLink:
                        yield return (entry, folder);
                        break;
                    case FileKind.Directory:
                        below.Add(((DirectoryInfo)entry, folder));
                        break;
                    case not null:
                        skipped.Add(entry.FullName);
                        break;
                }
            }
        }
    }

    /// <summary>What it is; null: that cannot be said, but why not was told.</summary>
    private FileKind? KindOf(FileSystemInfo entry)
    {
        if (entry.LinkTarget != null)
        {
            return FileKind.SymbolicLink;
        }

        try
        {
            return entry.Name.Contains('\uFFFD', StringComparison.Ordinal) && !Path.Exists(entry.FullName)
                ? throw new DistFsException(
                    ErrorCatalog.LocalNameRefused, $"local {entry.FullName}: the bytes of its name are no UTF-8")
                : entry is DirectoryInfo ? FileKind.Directory
                : Posix.IsRegularFile(entry.FullName, followsLink: false) ? FileKind.File
                : FileKind.Fifo;
        }
        catch (DistFsException e)
        {
            var error = e.Code == ErrorCatalog.LocalNameRefused
                ? e : new DistFsException(ErrorCatalog.LocalFileFailed, $"local {e.Message}", e, e.Status);
            Fail(entry.FullName, error);
            return null;
        }
    }

    private void Fail(string path, DistFsException error)
    {
        if (options.Failed == null)
        {
            throw error;
        }

        options.Failed(path, error);
    }

    private FileSystemInfo[] List(Folder folder)
    {
        try
        {
            return folder.From.GetFileSystemInfos();
        }
        catch (Exception e) when (LocalErrors.IsLocal(e))
        {
            Fail(folder.From.FullName, LocalErrors.Of(e, folder.From.FullName));
            return [];
        }
    }

    private ValueTask PutEntryAsync(FileSystemInfo entry, Folder folder, CancellationToken cancellation)
    {
        var to = folder.PathOf(entry);
        return options.TryAsync(entry.FullName, () => entry.LinkTarget is { } target
            ? PutLinkAsync(target, to, cancellation)
            : PutAsync(entry.FullName, folder.Inode, NameOf(entry), to, cancellation));
    }

    private async Task<List<Folder>> MakeAsync(
        List<(DirectoryInfo From, Folder In)> wanted, CancellationToken cancellation)
    {
        var made = await client.MakeDirectoriesAsync(
            [.. wanted.Select(static one => (one.In.Inode, NameOf(one.From)))], cancellation).ConfigureAwait(false);
        var folders = new List<Folder>(wanted.Count);
        for (var i = 0; i < wanted.Count; i++)
        {
            var (from, to) = (wanted[i].From, wanted[i].In.PathOf(wanted[i].From));
            if (made[i] is { } status)
            {
                folders.Add(new Folder(from, to, status.Inode));
                continue;
            }

            // There was one, or it was refused: by its name the answer is clear.
            await options.TryAsync(from.FullName, async () =>
            {
                await client.CreateDirectoryAsync(to, withParents: true, cancellation: cancellation)
                    .ConfigureAwait(false);
                var known = await client.StatAsync(to, cancellation: cancellation).ConfigureAwait(false);
                folders.Add(new Folder(from, to, known.Inode));
            }).ConfigureAwait(false);
        }

        return folders;
    }

    /// <summary>When nothing is put into them any more, which would change their times.</summary>
    private Task PreserveAsync(List<Folder> folders, CancellationToken cancellation) => Parallel.ForEachAsync(
        folders,
        new ParallelOptions { MaxDegreeOfParallelism = options.FilesInFlight, CancellationToken = cancellation },
        (folder, stop) => options.TryAsync(folder.From.FullName, () => client.SetAttributesAsync(
            folder.Inode,
            folder.To,
            new AttributeChange
            {
                Mode = OperatingSystem.IsWindows() ? null : (uint)folder.From.UnixFileMode,
                ModifyTime = FileTime.Of(new DateTimeOffset(folder.From.LastWriteTimeUtc)),
            },
            stop)));

    private async Task PutLinkAsync(string target, string to, CancellationToken cancellation)
    {
        await client.PutLinkAsync(to, target, options.Overwrites, cancellation).ConfigureAwait(false);
        options.Progress.Done();
    }

    private static byte[] NameOf(FileSystemInfo entry) => System.Text.Encoding.UTF8.GetBytes(entry.Name);

    /// <summary>A directory here, and in the cluster.</summary>
    private sealed record Folder(DirectoryInfo From, string To, InodeId Inode)
    {
        public string PathOf(FileSystemInfo entry) => $"{To.TrimEnd('/')}/{entry.Name}";
    }
}
