using System.Runtime.CompilerServices;
using DistFS.Client.Names;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Client;

/// <content>The trash: what was removed from directories that keep it for a while.</content>
public sealed partial class DistFsClient
{
    private const int TrashPage = 1_024;

    /// <summary>What was removed from a directory and is kept.</summary>
    /// <param name="directory">
    /// It may be in the trash itself, as its entries are when a tree was removed; null: all that there is anywhere,
    /// what goes first before the rest, for root only.
    /// </param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="DistFsException">ENOENT, ENOTDIR, EACCES; EPERM: all of it is shown to root only.</exception>
    public async IAsyncEnumerable<TrashItem> ListTrashAsync(
        InodeId? directory, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        var request = new ListTrashRequest { Directory = directory?.Value ?? 0, EntriesMax = TrashPage };
        for (var isEnd = false; !isEnd;)
        {
            var reply = await _channel.ReadAsync(
                new ReadOperation { ListTrash = request }, _sessions.Id, cancellation).ConfigureAwait(false);
            FileErrors.Ensure(reply.Status, "the trash");
            foreach (var entry in reply.Trash.Entries)
            {
                request.AfterPurge = entry.Purge;
                request.AfterInode = entry.Attributes.Inode;
                yield return new TrashItem(
                    FileStatus.Of(entry.Attributes),
                    new InodeId(entry.Parent),
                    PathName.TextOf(entry.Name.Span),
                    new FileTime(entry.Removed.Seconds, entry.Removed.Nanoseconds),
                    entry.RemovedBy,
                    new FileTime((long)entry.Purge, 0));
            }

            isEnd = reply.Trash.IsEnd;
        }
    }

    /// <summary>What is in the trash gets a name again; a directory comes back empty.</summary>
    /// <param name="inode">As <see cref="ListTrashAsync"/> tells it.</param>
    /// <param name="path">Its new name; null: where it was, under the name that it had.</param>
    /// <param name="cancellation">Gives up; then it may be done.</param>
    /// <exception cref="DistFsException">
    /// EEXIST: the name is taken; ENOENT: its directory is gone, or in the trash too; EPERM, EACCES, EDQUOT.
    /// </exception>
    public async Task<FileStatus> RestoreAsync(
        InodeId inode, string? path = null, CancellationToken cancellation = default)
    {
        var request = new RestoreRequest { Inode = inode.Value };
        if (path != null)
        {
            var (parent, name) = await _paths.FindParentAsync(path, cancellation).ConfigureAwait(false);
            (request.Parent, request.Name) = (parent.Value, Bytes(name));
        }

        var reply = await DoAsync(
            new Operation { Restore = request }, path ?? $"inode {inode} of the trash", cancellation)
            .ConfigureAwait(false);
        return FileStatus.Of(reply.Attributes);
    }

    /// <summary>What is in the trash goes for good, and its space is free.</summary>
    /// <param name="inodes">As <see cref="ListTrashAsync"/> tells them; what is there no more is no error.</param>
    /// <param name="cancellation">Gives up; some may be gone.</param>
    /// <exception cref="DistFsException">EPERM: it is somebody else's.</exception>
    public async Task PurgeAsync(IReadOnlyCollection<InodeId> inodes, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(inodes);
        foreach (var part in inodes.Chunk(BatchMax))
        {
            var request = new MutateRequest();
            request.Operations.AddRange(part.Select(static inode =>
                new Operation { Purge = new PurgeRequest { Inode = inode.Value } }));
            await RemoveAsync(request, "the trash", cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>How long what is removed in a directory is kept.</summary>
    /// <returns>Zero: not at all; and the directory whose setting it is, null if there is none.</returns>
    public async Task<(TimeSpan Kept, InodeId? Directory)> GetRetentionAsync(
        string path, CancellationToken cancellation = default)
    {
        var status = await StatAsync(path, cancellation: cancellation).ConfigureAwait(false);
        var reply = await _channel.ReadAsync(
            new ReadOperation { GetRetention = new GetRetentionRequest { Inode = status.Inode.Value } },
            _sessions.Id,
            cancellation).ConfigureAwait(false);
        FileErrors.Ensure(reply.Status, path);
        return (
            TimeSpan.FromSeconds(reply.Retention.Seconds),
            reply.Retention.Directory == 0 ? null : new InodeId(reply.Retention.Directory));
    }

    /// <summary>
    /// How long what is removed in a directory, or below it, is kept from here on; what is in the trash already stays
    /// as long as was said when it was removed. Its owner's or root's.
    /// </summary>
    /// <param name="path">A directory.</param>
    /// <param name="kept">Whole seconds, at most 100 years; zero: not at all; null: as the directory above it.</param>
    /// <param name="cancellation">Gives up; then it may be set.</param>
    /// <exception cref="DistFsException">ENOENT, ENOTDIR, EPERM; ENODATA: it has no setting to clear.</exception>
    public async Task SetRetentionAsync(string path, TimeSpan? kept, CancellationToken cancellation = default)
    {
        var status = await StatAsync(path, cancellation: cancellation).ConfigureAwait(false);
        var request = new SetRetentionRequest
        {
            Inode = status.Inode.Value,
            Seconds = (ulong)(kept ?? TimeSpan.Zero).TotalSeconds,
            Clear = kept == null,
        };
        await DoAsync(new Operation { SetRetention = request }, path, cancellation).ConfigureAwait(false);
    }
}

/// <summary>Something in the trash.</summary>
/// <param name="Status">What it is; its inode is its name in the trash.</param>
/// <param name="Directory">Where it was; may be in the trash itself, or gone.</param>
/// <param name="Name">That it had there.</param>
/// <param name="Removed">When.</param>
/// <param name="RemovedBy">The user who did.</param>
/// <param name="Purged">From then on it goes for good.</param>
public sealed record TrashItem(
    FileStatus Status, InodeId Directory, string Name, FileTime Removed, uint RemovedBy, FileTime Purged);
