using System.Buffers;
using DistFS.Client.Files;
using DistFS.Client.Names;
using DistFS.Primitives;

namespace DistFS.Client.Transfers;

/// <summary>
/// Puts local files into the cluster. A file appears under its name when all of it is durable, and not before: it is
/// written under a temporary name beside it and renamed; a small one is made with its content in one step.
/// </summary>
public sealed class FileUpload(DistFsClient client, TransferOptions options)
{
    private const int BufferBytes = 4 << 20;

    /// <summary>The first letters of temporary names.</summary>
    public const string TemporaryPrefix = ".dfs-put-";

    /// <summary>Puts one file.</summary>
    /// <param name="local">A regular file.</param>
    /// <param name="path">Its name in the cluster.</param>
    /// <param name="cancellation">Gives up: nothing of it is seen.</param>
    /// <exception cref="DistFsException">
    /// EEXIST, ENOENT and others; <see cref="ErrorCatalog.SourceChanged"/>: the file changed while it was read.
    /// </exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public async Task PutAsync(string local, string path, CancellationToken cancellation)
    {
        var (directory, name) = await client.ParentAsync(path, cancellation).ConfigureAwait(false);
        await PutAsync(local, directory, name, path, cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// Puts a directory with all that is in it; links as links, what is no file, directory or link not.
    /// </summary>
    /// <param name="local">A directory.</param>
    /// <param name="path">Its name in the cluster; may be there.</param>
    /// <param name="cancellation">Gives up: what was put stays.</param>
    /// <returns>What was left out since it is neither file, directory nor link.</returns>
    public async Task<IReadOnlyList<string>> PutTreeAsync(string local, string path, CancellationToken cancellation)
    {
        var skipped = new List<string>();
        var left = new Queue<(DirectoryInfo From, string To)>([(new DirectoryInfo(local), path)]);
        while (left.TryDequeue(out var next))
        {
            await client.CreateDirectoryAsync(next.To, withParents: true, cancellation: cancellation)
                .ConfigureAwait(false);
            var directory = (await client.StatAsync(next.To, cancellation: cancellation).ConfigureAwait(false)).Inode;
            var files = new List<FileInfo>();
            foreach (var entry in next.From.EnumerateFileSystemInfos())
            {
                var to = $"{next.To.TrimEnd('/')}/{entry.Name}";
                if (entry.LinkTarget is { } target)
                {
                    await PutLinkAsync(target, to, cancellation).ConfigureAwait(false);
                }
                else if (entry is DirectoryInfo folder)
                {
                    left.Enqueue((folder, to));
                }
                else if ((entry.Attributes & (FileAttributes.Device | FileAttributes.ReparsePoint)) != 0
                    || (!OperatingSystem.IsWindows() && !IsRegular((FileInfo)entry)))
                {
                    skipped.Add(entry.FullName);
                }
                else
                {
                    files.Add((FileInfo)entry);
                }
            }

            await Parallel.ForEachAsync(
                files,
                new ParallelOptions
                {
                    MaxDegreeOfParallelism = options.FilesInFlight,
                    CancellationToken = cancellation,
                },
                (file, stop) => new ValueTask(PutAsync(
                    file.FullName,
                    directory,
                    System.Text.Encoding.UTF8.GetBytes(file.Name),
                    $"{next.To.TrimEnd('/')}/{file.Name}",
                    stop))).ConfigureAwait(false);
        }

        return skipped;
    }

    /// <summary>Puts what a stream gives, to its end.</summary>
    /// <inheritdoc cref="PutAsync(string, string, CancellationToken)"/>
    public async Task PutAsync(Stream source, string path, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(source);
        var (directory, name) = await client.ParentAsync(path, cancellation).ConfigureAwait(false);
        await PutLargeAsync(
            directory,
            name,
            path,
            async (buffer, _, stop) => await source.ReadAtLeastAsync(
                buffer, buffer.Length, throwOnEndOfStream: false, stop).ConfigureAwait(false),
            mode: null,
            modifyTime: null,
            cancellation).ConfigureAwait(false);
    }

    private async Task PutAsync(
        string local, InodeId directory, byte[] name, string path, CancellationToken cancellation)
    {
        using var handle = File.OpenHandle(local, options: FileOptions.Asynchronous | FileOptions.SequentialScan);
        var length = RandomAccess.GetLength(handle);
        var (changed, mode) = (File.GetLastWriteTimeUtc(handle), OperatingSystem.IsWindows()
            ? 0b110_100_100u : (uint)File.GetUnixFileMode(handle));
        FileTime? time = options.Preserves ? FileTime.Of(new DateTimeOffset(changed)) : null;
        if (length <= SmallContent.BytesMax)
        {
            var content = new byte[length];
            var read = await RandomAccess.ReadAsync(handle, content, 0, cancellation).ConfigureAwait(false);
            if (read == length && await TryPutSmallAsync(directory, name, path, content, mode, time, cancellation)
                .ConfigureAwait(false))
            {
                options.Progress.Add(length);
                options.Progress.Done();
                return;
            }
        }

        await PutLargeAsync(
            directory,
            name,
            path,
            async (buffer, offset, stop) =>
                await RandomAccess.ReadAsync(handle, buffer, offset, stop).ConfigureAwait(false),
            mode,
            time,
            cancellation,
            () => RandomAccess.GetLength(handle) == length && File.GetLastWriteTimeUtc(handle) == changed)
            .ConfigureAwait(false);
    }

    /// <summary>False: there is such a name already.</summary>
    private async Task<bool> TryPutSmallAsync(
        InodeId directory,
        byte[] name,
        string path,
        byte[] content,
        uint mode,
        FileTime? time,
        CancellationToken cancellation)
    {
        try
        {
            await client.CreateSmallFileAsync(directory, name, content, ModeOf(mode), time, cancellation)
                .ConfigureAwait(false);
            return true;
        }
        catch (DistFsException e) when (e.Status == FsStatus.AlreadyExists)
        {
            return options.Overwrites ? false : throw FileErrors.Of(FsStatus.AlreadyExists, path);
        }
    }

    private async Task PutLargeAsync(
        InodeId directory,
        byte[] name,
        string path,
        Func<Memory<byte>, long, CancellationToken, ValueTask<int>> read,
        uint? mode,
        FileTime? modifyTime,
        CancellationToken cancellation,
        Func<bool>? isUnchanged = null)
    {
        if (!options.Overwrites)
        {
            await client.EnsureAbsentAsync(directory, name, path, cancellation).ConfigureAwait(false);
        }

        var temporary = System.Text.Encoding.UTF8.GetBytes($"{TemporaryPrefix}{Random.Shared.NextInt64():x16}");
        var file = await client
            .CreateFileAsync(directory, temporary, path, ModeOf(mode ?? 0b110_110_110), cancellation)
            .ConfigureAwait(false);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            long offset = 0;
            for (int count; (count = await read(buffer.AsMemory(0, BufferBytes), offset, cancellation)
                .ConfigureAwait(false)) > 0; offset += count)
            {
                await file.WriteAsync(offset, buffer.AsMemory(0, count), cancellation).ConfigureAwait(false);
                options.Progress.Add(count);
            }

            if (isUnchanged?.Invoke() == false)
            {
                throw new DistFsException(
                    ErrorCatalog.SourceChanged, $"The local file for {path} changed while it was read.");
            }

            await file.CloseAsync(modifyTime, cancellation).ConfigureAwait(false);
            await client.RenameAsync(directory, temporary, name, options.Overwrites, path, cancellation)
                .ConfigureAwait(false);
            options.Progress.Done();
        }
        catch
        {
            // Whatever it was, also ^C: nothing of it stays. If that fails too, a name that begins so tells what it is.
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            await file.AbandonAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await client.UnlinkAsync(directory, temporary, limit.Token)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task PutLinkAsync(string target, string to, CancellationToken cancellation)
    {
        try
        {
            await client.CreateSymbolicLinkAsync(to, target, cancellation).ConfigureAwait(false);
        }
        catch (DistFsException e) when (e.Status == FsStatus.AlreadyExists && options.Overwrites)
        {
            await client.DeleteFileAsync(to, cancellation).ConfigureAwait(false);
            await client.CreateSymbolicLinkAsync(to, target, cancellation).ConfigureAwait(false);
        }

        options.Progress.Done();
    }

    private uint ModeOf(uint mode) =>
        options.Preserves ? mode & 0b111_111_111_111 : mode & 0b111_111_111 & ~client.Umask;

    private static bool IsRegular(FileInfo file) => (file.Attributes & FileAttributes.Normal) != 0
        || (file.Attributes & FileAttributes.Directory) == 0;
}
