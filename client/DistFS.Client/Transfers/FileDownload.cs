using System.Buffers;
using DistFS.Primitives;
using Microsoft.Win32.SafeHandles;

namespace DistFS.Client.Transfers;

/// <summary>
/// Gets files from the cluster: several at a time, and of a large one several ranges. A file appears under its name
/// when all of it is there.
/// </summary>
/// <example>
/// <code>
/// var options = new TransferOptions
/// {
///     Resumes = true,
///     Failed = (path, e) => Console.WriteLine($"{path}: {e.Message}"),    // and the rest is got
/// };
/// await new FileDownload(dfs, options).GetTreeAsync("/backup/project", "project", cancellation);
/// </code>
/// </example>
public sealed partial class FileDownload(DistFsClient client, TransferOptions options)
{
    private const int RangesInFlight = 2;

    /// <summary>What is shorter is transferred in a moment.</summary>
    private const long ResumeBytesMin = 64 << 20;
    private const long SecondsMin = -62_135_596_800;
    private const long SecondsMax = 253_402_300_799;

    /// <summary>The first letters of temporary names.</summary>
    public const string TemporaryPrefix = ".dfs-get-";

    /// <summary>Gets one file.</summary>
    /// <param name="path">In the cluster.</param>
    /// <param name="local">Its name here.</param>
    /// <param name="cancellation">Gives up: nothing of it is left.</param>
    /// <exception cref="DistFsException">
    /// <see cref="ErrorCatalog.FileRefused"/>; <see cref="ErrorCatalog.TargetExists"/>: there is such a local file;
    /// <see cref="ErrorCatalog.LocalFileFailed"/>, <see cref="ErrorCatalog.LocalDiskFull"/>,
    /// <see cref="ErrorCatalog.LocalNameRefused"/>: it cannot be written.
    /// </exception>
    public async Task GetAsync(string path, string local, CancellationToken cancellation)
    {
        var status = await client.StatAsync(path, cancellation: cancellation).ConfigureAwait(false);
        await GetAsync(status, path, local, cancellation).ConfigureAwait(false);
    }

    /// <summary>Writes a file to a stream: as long as it was when it was opened.</summary>
    /// <inheritdoc cref="GetAsync(string, string, CancellationToken)" path="/exception"/>
    public async Task GetAsync(string path, Stream destination, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(destination);
        var file = await client.OpenReadAsync(path, cancellation).ConfigureAwait(false);
        await using (file.ConfigureAwait(false))
        {
            await GetAsync(file, 0, file.LengthWhenOpened, destination, cancellation).ConfigureAwait(false);
        }

        options.Progress.Done();
    }

    /// <summary>Writes a range of an open file to a stream.</summary>
    /// <param name="file">Open for reading.</param>
    /// <param name="offset">From there on, in bytes.</param>
    /// <param name="end">Up to there, or to the end of the file if that comes first.</param>
    /// <param name="destination">Gets the bytes; is flushed.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task GetAsync(
        DistFsFile file, long offset, long end, Stream destination, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(destination);
        var buffer = ArrayPool<byte>.Shared.Rent(PartialFile.RangeBytes);
        try
        {
            while (offset < end)
            {
                var part = buffer.AsMemory(0, (int)Math.Min(PartialFile.RangeBytes, end - offset));
                await options.PaceAsync(part.Length, cancellation).ConfigureAwait(false);
                var count = await file.ReadAsync(offset, part, cancellation).ConfigureAwait(false);
                if (count == 0)
                {
                    break;
                }

                await destination.WriteAsync(part[..count], cancellation).ConfigureAwait(false);
                options.Progress.Add(count);
                offset += count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        await destination.FlushAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>Gets one file of which the attributes are known.</summary>
    /// <inheritdoc cref="GetAsync(string, string, CancellationToken)"/>
    public async Task GetAsync(FileStatus status, string path, string local, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(status);
        if (!options.Overwrites && Path.Exists(local))
        {
            throw LocalErrors.Exists(local);
        }

        using var memory = await TakeAsync(status.Size, cancellation).ConfigureAwait(false);
        var file = await client.OpenReadAsync(status, path, cancellation).ConfigureAwait(false);
        await using (file.ConfigureAwait(false))
        {
            var part = PartialFile.Open(status, path, local, options.Resumes && status.Size > ResumeBytesMin);
            try
            {
                using (part)
                {
                    await CopyAsync(file, part, cancellation).ConfigureAwait(false);
                    if (options.Preserves)
                    {
                        Preserve(status, part.Handle);
                    }
                }

                part.Become(local, options.Overwrites);
            }
            catch (Exception e)
            {
                part.Dispose();
                if (part.IsKept && TransferName.IsWorthKeeping(e))
                {
                    options.Progress.Keep();
                    throw;
                }

                part.Remove();
                if (LocalErrors.IsLocal(e))
                {
                    throw LocalErrors.Of(e, local);
                }

                throw;
            }
        }

        options.Progress.Done();
    }

    private async Task CopyAsync(DistFsFile file, PartialFile part, CancellationToken cancellation)
    {
        var length = file.LengthWhenOpened;
        options.Progress.Resume(part.Begin(length));
        await Parallel.ForAsync(
            0L,
            (length + PartialFile.RangeBytes - 1) / PartialFile.RangeBytes,
            new ParallelOptions { MaxDegreeOfParallelism = RangesInFlight, CancellationToken = cancellation },
            async (range, stop) =>
            {
                if (part.Has(range))
                {
                    return;
                }

                var buffer = ArrayPool<byte>.Shared.Rent(PartialFile.RangeBytes);
                try
                {
                    var at = range * PartialFile.RangeBytes;
                    var wanted = (int)Math.Min(PartialFile.RangeBytes, length - at);
                    await options.PaceAsync(wanted, stop).ConfigureAwait(false);
                    var count = await file.ReadAsync(at, buffer.AsMemory(0, wanted), stop).ConfigureAwait(false);
                    if (count < wanted)
                    {
                        throw new DistFsException(
                            ErrorCatalog.SourceChanged, $"{file.Path}: it got shorter while it was read");
                    }

                    await part.WriteAsync(range, buffer.AsMemory(0, count), stop).ConfigureAwait(false);
                    options.Progress.Add(count);
                }
                finally
                {
                    ArrayPool<byte>.Shared.Return(buffer);
                }
            }).ConfigureAwait(false);
    }

    /// <summary>Memory for a file: its ranges, and half of that for what comes compressed.</summary>
    private ValueTask<TransferMemory.Taken> TakeAsync(long length, CancellationToken cancellation)
    {
        var bytes = Math.Min(length, RangesInFlight * (long)PartialFile.RangeBytes);
        return client.Transferring.TakeAsync(bytes + (bytes / 2), cancellation);
    }

    private static void Preserve(FileStatus status, SafeFileHandle handle)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(handle, (UnixFileMode)status.Mode);
        }

        File.SetLastWriteTimeUtc(handle, TimeOf(status));
    }

    // What .NET knows no date for becomes the nearest that it does.
    private static DateTime TimeOf(FileStatus status) => status.ModifyTime.Seconds switch
    {
        < SecondsMin => DateTime.MinValue,
        > SecondsMax => DateTime.MaxValue,
        var seconds => DateTime.UnixEpoch.AddSeconds(seconds).AddTicks(status.ModifyTime.Nanoseconds / 100),
    };
}
