using System.Buffers;
using DistFS.Client.Names;
using DistFS.Primitives;
using Microsoft.Win32.SafeHandles;

namespace DistFS.Client.Transfers;

/// <summary>
/// Gets files from the cluster: several at a time, and of a large one several ranges. A file appears under its name
/// when all of it is there.
/// </summary>
public sealed class FileDownload(DistFsClient client, TransferOptions options)
{
    private const int RangeBytes = 8 << 20;
    private const int RangesInFlight = 2;

    /// <summary>Gets one file.</summary>
    /// <param name="path">In the cluster.</param>
    /// <param name="local">Its name here.</param>
    /// <param name="cancellation">Gives up: nothing of it is left.</param>
    /// <exception cref="DistFsException">ENOENT and others; EEXIST: there is such a local file.</exception>
    /// <exception cref="IOException">It cannot be written.</exception>
    public async Task GetAsync(string path, string local, CancellationToken cancellation)
    {
        var status = await client.StatAsync(path, cancellation: cancellation).ConfigureAwait(false);
        await GetAsync(status, path, local, cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// Gets a directory with all that is in it; links as links, what is no file, directory or link not.
    /// </summary>
    /// <returns>What was left out.</returns>
    public async Task<IReadOnlyList<string>> GetTreeAsync(string path, string local, CancellationToken cancellation)
    {
        var skipped = new List<string>();
        var left = new Queue<(string From, string To)>([(path, local)]);
        while (left.TryDequeue(out var next))
        {
            Directory.CreateDirectory(next.To);
            var files = new List<DirectoryItem>();
            await foreach (var item in client.EnumerateAsync(next.From, withStatus: true, cancellation)
                .ConfigureAwait(false))
            {
                var (from, to) = ($"{next.From.TrimEnd('/')}/{item.Name}", Path.Combine(next.To, item.Name));
                switch (item.Kind)
                {
                    case FileKind.Directory:
                        left.Enqueue((from, to));
                        break;
                    case FileKind.File:
                        files.Add(item);
                        break;
                    case FileKind.SymbolicLink:
                        await GetLinkAsync(from, to, cancellation).ConfigureAwait(false);
                        break;
                    default:
                        skipped.Add(from);
                        break;
                }
            }

            await Parallel.ForEachAsync(
                files,
                new ParallelOptions
                {
                    MaxDegreeOfParallelism = options.FilesInFlight,
                    CancellationToken = cancellation,
                },
                (item, stop) => new ValueTask(GetAsync(
                    item.Status!, $"{next.From.TrimEnd('/')}/{item.Name}", Path.Combine(next.To, item.Name), stop)))
                .ConfigureAwait(false);
        }

        return skipped;
    }

    /// <summary>Writes a file to a stream.</summary>
    public async Task GetAsync(string path, Stream destination, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(destination);
        var file = await client.OpenReadAsync(path, cancellation).ConfigureAwait(false);
        await using (file.ConfigureAwait(false))
        {
            var buffer = ArrayPool<byte>.Shared.Rent(RangeBytes);
            try
            {
                long offset = 0;
                for (int count; (count = await file.ReadAsync(offset, buffer.AsMemory(0, RangeBytes), cancellation)
                    .ConfigureAwait(false)) > 0; offset += count)
                {
                    await destination.WriteAsync(buffer.AsMemory(0, count), cancellation).ConfigureAwait(false);
                    options.Progress.Add(count);
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }

        await destination.FlushAsync(cancellation).ConfigureAwait(false);
        options.Progress.Done();
    }

    private async Task GetAsync(FileStatus status, string path, string local, CancellationToken cancellation)
    {
        if (!options.Overwrites && (File.Exists(local) || Directory.Exists(local)))
        {
            throw FileErrors.Of(FsStatus.AlreadyExists, local);
        }

        var temporary = $"{local}.dfs-get-{Random.Shared.NextInt64():x16}";
        try
        {
            var file = await client.OpenReadAsync(status, path, cancellation).ConfigureAwait(false);
            await using (file.ConfigureAwait(false))
            {
                using var handle = File.OpenHandle(
                    temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.Asynchronous);
                await CopyAsync(file, handle, cancellation).ConfigureAwait(false);
                if (options.Preserves)
                {
                    Preserve(status, handle);
                }
            }

            File.Move(temporary, local, options.Overwrites);
            options.Progress.Done();
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    private async Task CopyAsync(DistFsFile file, SafeFileHandle handle, CancellationToken cancellation)
    {
        var length = await file.GetLengthAsync(cancellation).ConfigureAwait(false);
        RandomAccess.SetLength(handle, length);
        await Parallel.ForAsync(
            0L,
            (length + RangeBytes - 1) / RangeBytes,
            new ParallelOptions { MaxDegreeOfParallelism = RangesInFlight, CancellationToken = cancellation },
            async (range, stop) =>
            {
                var buffer = ArrayPool<byte>.Shared.Rent(RangeBytes);
                try
                {
                    var at = range * RangeBytes;
                    var wanted = (int)Math.Min(RangeBytes, length - at);
                    var count = await file.ReadAsync(at, buffer.AsMemory(0, wanted), stop).ConfigureAwait(false);
                    if (count < wanted)
                    {
                        throw new DistFsException(
                            ErrorCatalog.SourceChanged, $"{file.Path} got shorter while it was read.");
                    }

                    await RandomAccess.WriteAsync(handle, buffer.AsMemory(0, count), at, stop).ConfigureAwait(false);
                    options.Progress.Add(count);
                }
                finally
                {
                    ArrayPool<byte>.Shared.Return(buffer);
                }
            }).ConfigureAwait(false);
    }

    private static void Preserve(FileStatus status, SafeFileHandle handle)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(handle, (UnixFileMode)status.Mode);
        }

        File.SetLastWriteTimeUtc(
            handle,
            DateTime.UnixEpoch.AddSeconds(status.ModifyTime.Seconds).AddTicks(status.ModifyTime.Nanoseconds / 100));
    }

    private async Task GetLinkAsync(string from, string to, CancellationToken cancellation)
    {
        var target = await client.ReadLinkAsync(from, cancellation).ConfigureAwait(false);
        if (options.Overwrites && new FileInfo(to).LinkTarget != null)
        {
            File.Delete(to);
        }

        File.CreateSymbolicLink(to, target);
        options.Progress.Done();
    }
}
