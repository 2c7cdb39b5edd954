using System.Buffers;
using DistFS.Blocks;
using DistFS.Client.Files;
using DistFS.Primitives;

namespace DistFS.Client.Transfers;

/// <content>
/// A large file goes on where an earlier run stopped: what that has put stands under a temporary name that follows from
/// the source and the target, and counts as far as its chunks are sealed, and have the bytes that the source has now.
/// </content>
public sealed partial class FileUpload
{
    /// <summary>What is not longer has no sealed chunk in which something would be saved.</summary>
    private const long ResumeBytesMin = ChunkLayout.ChunkBytes;

    /// <summary>
    /// A run that was killed has the temporary name locked until its session ends; longer than that somebody else puts
    /// the same.
    /// </summary>
    private TimeSpan LockPatience => client.SessionLease + TimeSpan.FromSeconds(5);

    /// <summary>Of a local file, and where it goes.</summary>
    private sealed record Source(
        string Local,
        long Length,
        DateTime Changed,
        uint Mode,
        FileTime? Time,
        Func<Memory<byte>, long, CancellationToken, ValueTask<int>> Read,
        Action EnsureUnchanged);

    private async Task PutResumableAsync(
        Source source, InodeId directory, byte[] name, string path, CancellationToken cancellation)
    {
        if (!options.Overwrites)
        {
            await client.EnsureAbsentAsync(directory, name, path, cancellation).ConfigureAwait(false);
        }

        var temporary = TransferName.Of(
            TemporaryPrefix,
            Environment.MachineName,
            Environment.UserName,
            Path.GetFullPath(source.Local),
            $"{source.Length} {source.Changed.Ticks}",
            Convert.ToHexString(name));
        var beside = path[..(path.TrimEnd('/').LastIndexOf('/') + 1)] + temporary;
        var bytes = System.Text.Encoding.UTF8.GetBytes(temporary);
        if (await OpenTemporaryAsync(directory, bytes, beside, cancellation).ConfigureAwait(false) is not { } open)
        {
            // The same is being put by another run.
            await PutLargeAsync(
                directory, name, path, source.Read, source.Mode, source.Time, cancellation, source.EnsureUnchanged)
                .ConfigureAwait(false);
            return;
        }

        var (file, alone) = open;
        var offset = 0L;
        try
        {
            offset = await VerifiedAsync(source, file, cancellation).ConfigureAwait(false);
            if (file.LengthWhenOpened > offset)
            {
                await file.SetLengthAsync(offset, cancellation).ConfigureAwait(false);
            }

            options.Progress.Resume(offset);
            offset = await FillAsync(file, offset, source.Read, cancellation).ConfigureAwait(false);
            source.EnsureUnchanged();
            var mode = new AttributeChange { Mode = ModeOf(source.Mode) };
            await file.CloseAsync(source.Time, cancellation).ConfigureAwait(false);
            await client.SetAttributesAsync(file.Inode, path, mode, cancellation).ConfigureAwait(false);
            await client.RenameAsync(directory, bytes, name, options.Overwrites, path, cancellation)
                .ConfigureAwait(false);
            options.Progress.Done();
        }
        catch (Exception e)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            await file.AbandonAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (TransferName.IsWorthKeeping(e))
            {
                options.Progress.Keep();
            }
            else
            {
                await client.UnlinkAsync(directory, bytes, limit.Token)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            throw;
        }
        finally
        {
            // It is open for this session alone: if nobody answers, it ends with that.
            await alone.DisposeAsync().AsTask().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>The temporary file, for this run alone; null: another run has it.</summary>
    private async Task<(DistFsFile File, DistFsLock Alone)?> OpenTemporaryAsync(
        InodeId directory, byte[] temporary, string beside, CancellationToken cancellation)
    {
        // Its owner may write it; it gets its mode in the end.
        const uint OwnerReadsAndWrites = 0b110_000_000;
        DistFsFile file;
        try
        {
            file = await client
                .CreateFileAsync(directory, temporary, beside, OwnerReadsAndWrites, cancellation)
                .ConfigureAwait(false);
        }
        catch (DistFsException e) when (e.Status == FsStatus.AlreadyExists)
        {
            file = await client.OpenWriteAsync(beside, cancellation).ConfigureAwait(false);
        }

        DistFsLock? alone = null;
        try
        {
            alone = await client.TryLockAsync(beside, LockPatience, cancellation: cancellation).ConfigureAwait(false);

            // Whoever had it may have given it its name meanwhile; and then it is not to be written any more.
            var now = alone == null ? null
                : await client.TryStatAsync(beside, true, cancellation).ConfigureAwait(false);
            if (now?.Inode == file.Inode)
            {
                return (file, alone!);
            }
        }
        catch (DistFsException e) when (e.Status == FsStatus.NotFound)
        {
            // So it has.
        }
        catch
        {
            await LeaveAsync().ConfigureAwait(false);
            throw;
        }

        await LeaveAsync().ConfigureAwait(false);
        return null;

        async Task LeaveAsync()
        {
            await file.AbandonAsync(CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await (alone?.DisposeAsync().AsTask() ?? Task.CompletedTask)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>
    /// Up to where the file has what the source has, in chunks that are on the disks of all their servers.
    /// </summary>
    private static async Task<long> VerifiedAsync(Source source, DistFsFile file, CancellationToken cancellation)
    {
        var length = Math.Min(
            await SealedAsync(file, cancellation).ConfigureAwait(false),
            source.Length / ChunkLayout.ChunkBytes * ChunkLayout.ChunkBytes);
        var (here, there) = (ArrayPool<byte>.Shared.Rent(BufferBytes), ArrayPool<byte>.Shared.Rent(BufferBytes));
        try
        {
            for (long at = 0; at < length; at += BufferBytes)
            {
                var (ours, theirs) = (here.AsMemory(0, BufferBytes), there.AsMemory(0, BufferBytes));
                var reading = file.ReadAsync(at, theirs, cancellation).AsTask();
                var read = 0;
                for (int count; read < ours.Length && (count = await source.Read(ours[read..], at + read, cancellation)
                    .ConfigureAwait(false)) > 0;)
                {
                    read += count;
                }

                if (await reading.ConfigureAwait(false) != ours.Length || read != ours.Length
                    || !ours.Span.SequenceEqual(theirs.Span))
                {
                    return at / ChunkLayout.ChunkBytes * ChunkLayout.ChunkBytes;
                }
            }

            return length;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(here);
            ArrayPool<byte>.Shared.Return(there);
        }
    }

    private static async Task<long> SealedAsync(DistFsFile file, CancellationToken cancellation)
    {
        var mapping = new FileMapping(file.Context, file.Inode, open: null, file.Path);
        for (var (index, next) = (0UL, 0UL); ;)
        {
            (var view, next) = await mapping.LoadPageAsync(next, refreshServers: false, cancellation)
                .ConfigureAwait(false);
            while (view[index] is { Target.IsSealed: true, Length: ChunkLayout.ChunkBytes })
            {
                index++;
            }

            if (next == 0 || index < next)
            {
                return (long)index * ChunkLayout.ChunkBytes;
            }
        }
    }
}
