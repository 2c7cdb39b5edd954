using System.Buffers;
using DistFS.Client.Files;
using DistFS.Client.Names;
using DistFS.Native;
using DistFS.Primitives;
using Microsoft.Win32.SafeHandles;

namespace DistFS.Client.Transfers;

/// <summary>
/// Puts local files into the cluster. A file appears under its name when all of it is durable, and not before: it is
/// written under a temporary name beside it and renamed; a small one is made with its content in one step.
/// </summary>
/// <example>
/// <code>
/// var upload = new FileUpload(dfs, new TransferOptions { Resumes = true });
/// await upload.PutAsync("movie.mkv", "/movies/movie.mkv", cancellation);
/// await upload.PutTreeAsync("project", "/backup/project", cancellation);
/// </code>
/// </example>
public sealed partial class FileUpload(DistFsClient client, TransferOptions options)
{
    private const int BufferBytes = 4 << 20;

    /// <summary>The first letters of temporary names.</summary>
    public const string TemporaryPrefix = ".dfs-put-";

    /// <summary>Puts one file.</summary>
    /// <param name="local">A file; of what is no regular one (a pipe, a device), what it gives to its end.</param>
    /// <param name="path">Its name in the cluster.</param>
    /// <param name="cancellation">Gives up: nothing of it is seen.</param>
    /// <exception cref="DistFsException">
    /// <see cref="ErrorCatalog.TargetExists"/>, <see cref="ErrorCatalog.FileRefused"/>;
    /// <see cref="ErrorCatalog.LocalFileFailed"/>: the file cannot be read; <see cref="ErrorCatalog.SourceChanged"/>:
    /// it changed while it was read.
    /// </exception>
    public async Task PutAsync(string local, string path, CancellationToken cancellation)
    {
        var (directory, name) = await client.ParentAsync(path, cancellation).ConfigureAwait(false);
        if (File.Exists(local) && !Posix.IsRegularFile(local, followsLink: true))
        {
            try
            {
                var pipe = new FileStream(
                    local, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0, useAsync: true);
                await using (pipe.ConfigureAwait(false))
                {
                    await PutAsync(pipe, path, cancellation).ConfigureAwait(false);
                }
            }
            catch (Exception e) when (LocalErrors.IsLocal(e))
            {
                throw LocalErrors.Of(e, local);
            }

            return;
        }

        await PutAsync(local, directory, name, path, cancellation).ConfigureAwait(false);
    }

    /// <summary>Puts what a stream gives, to its end.</summary>
    /// <inheritdoc cref="PutAsync(string, string, CancellationToken)"/>
    public async Task PutAsync(Stream source, string path, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(source);
        var (directory, name) = await client.ParentAsync(path, cancellation).ConfigureAwait(false);

        // Not of the memory that transfers share: what the stream gives may wait for another of them.
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
        try
        {
            using var handle = File.OpenHandle(local, options: FileOptions.Asynchronous | FileOptions.SequentialScan);
            await PutAsync(handle, local, directory, name, path, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (LocalErrors.IsLocal(e))
        {
            throw LocalErrors.Of(e, local);
        }
    }

    private async Task PutAsync(
        SafeFileHandle handle,
        string local,
        InodeId directory,
        byte[] name,
        string path,
        CancellationToken cancellation)
    {
        using var memory = await TakeAsync(RandomAccess.GetLength(handle), cancellation).ConfigureAwait(false);
        var length = RandomAccess.GetLength(handle);
        var changed = File.GetLastWriteTimeUtc(handle);
        var mode = OperatingSystem.IsWindows() ? 0b110_100_100u : (uint)File.GetUnixFileMode(handle);
        FileTime? time = options.Preserves ? FileTime.Of(new DateTimeOffset(changed)) : null;
        if (length <= SmallContent.BytesMax)
        {
            var content = new byte[length + 1];
            var read = await RandomAccess.ReadAsync(handle, content, 0, cancellation).ConfigureAwait(false);
            EnsureUnchanged(read == length);
            if (await TryPutSmallAsync(directory, name, path, content.AsMemory(0, read), mode, time, cancellation)
                .ConfigureAwait(false))
            {
                options.Progress.Add(length);
                options.Progress.Done();
                return;
            }
        }

        var source = new Source(
            local,
            length,
            changed,
            mode,
            time,
            async (buffer, offset, stop) =>
                await RandomAccess.ReadAsync(handle, buffer, offset, stop).ConfigureAwait(false),
            () => EnsureUnchanged(true));
        await (options.Resumes && length > ResumeBytesMin
            ? PutResumableAsync(source, directory, name, path, cancellation)
            : PutLargeAsync(
                directory, name, path, source.Read, mode, time, cancellation, source.EnsureUnchanged))
            .ConfigureAwait(false);

        void EnsureUnchanged(bool isWhole)
        {
            if (!isWhole || RandomAccess.GetLength(handle) != length || File.GetLastWriteTimeUtc(handle) != changed)
            {
                throw new DistFsException(ErrorCatalog.SourceChanged, $"local {local}: it changed while it was read");
            }
        }
    }

    /// <summary>False: there is such a name already.</summary>
    private async Task<bool> TryPutSmallAsync(
        InodeId directory,
        byte[] name,
        string path,
        ReadOnlyMemory<byte> content,
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
            return options.Overwrites ? false : throw FileErrors.Exists(path);
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
        Action? ensureUnchanged = null)
    {
        if (!options.Overwrites)
        {
            await client.EnsureAbsentAsync(directory, name, path, cancellation).ConfigureAwait(false);
        }

        var temporary = System.Text.Encoding.UTF8.GetBytes($"{TemporaryPrefix}{Random.Shared.NextInt64():x16}");
        var file = await client
            .CreateFileAsync(directory, temporary, path, ModeOf(mode ?? 0b110_110_110), cancellation)
            .ConfigureAwait(false);
        try
        {
            await FillAsync(file, 0, read, cancellation).ConfigureAwait(false);
            ensureUnchanged?.Invoke();
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
    }

    /// <summary>Writes what is read from an offset on.</summary>
    /// <returns>Up to where.</returns>
    private async Task<long> FillAsync(
        DistFsFile file,
        long offset,
        Func<Memory<byte>, long, CancellationToken, ValueTask<int>> read,
        CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            for (int count; (count = await read(buffer.AsMemory(0, BufferBytes), offset, cancellation)
                .ConfigureAwait(false)) > 0; offset += count)
            {
                await options.PaceAsync(count, cancellation).ConfigureAwait(false);
                await file.WriteAsync(offset, buffer.AsMemory(0, count), cancellation).ConfigureAwait(false);
                options.Progress.Add(count);
            }

            return offset;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Memory for a file: what was read of it, and the requests, as they are and as they are sent.</summary>
    private ValueTask<TransferMemory.Taken> TakeAsync(long length, CancellationToken cancellation) =>
        client.Transferring.TakeAsync(
            length <= SmallContent.BytesMax
                ? length
                : Math.Min(length, BufferBytes) + (2 * Math.Min(length, client.WriteWindowBytes)),
            cancellation);

    private uint ModeOf(uint mode) =>
        options.Preserves ? mode & 0b111_111_111_111 : mode & 0b111_111_111 & ~client.Umask;
}
