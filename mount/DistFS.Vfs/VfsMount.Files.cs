using System.Collections.Concurrent;
using DistFS.Client;
using DistFS.Client.Nodes;
using DistFS.Primitives;

namespace DistFS.Vfs;

/// <content>Files that programs have open, and what they read and write.</content>
public sealed partial class VfsMount
{
    private readonly ConcurrentDictionary<ulong, VfsHandle> _handles = [];
    private ulong _lastHandle;

    /// <summary>Reads content.</summary>
    /// <param name="handle">Of the open.</param>
    /// <param name="offset">From where.</param>
    /// <param name="into">Where to, and how much.</param>
    /// <param name="isDirect">It goes to the program, past the kernel's pages.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>How much, and the use of it.</returns>
    public async ValueTask<(FsStatus Status, int Length, ContentUse Use)> ReadAsync(
        ulong handle, long offset, Memory<byte> into, bool isDirect, CancellationToken cancellation)
    {
        if (!_handles.TryGetValue(handle, out var open))
        {
            return (FsStatus.BadHandle, 0, default);
        }

        var read = open.File.Reads.Begin(offset, into.Length);
        try
        {
            var use = await BeginReadAsync(open.Node, read, (offset, into.Length), cancellation)
                .ConfigureAwait(false);
            try
            {
                var length = await open.File.ReadAsync(offset, into, cancellation).ConfigureAwait(false);
                if (length == 0 && read.OthersEnd > 0 && !isDirect && !open.Mode.Appends
                    && await IsEndToldAsync(open.File, read, offset, cancellation).ConfigureAwait(false))
                {
                    into.Span.Clear();
                    length = into.Length;
                }

                return (FsStatus.Ok, length, use);
            }
            catch
            {
                use.Drop();
                throw;
            }
        }
        catch (Exception e)
        {
            read.End();
            if (e is DistFsException refused)
            {
                return (StatusOf(refused), 0, default);
            }

            throw;
        }
    }

    /// <summary>Writes content.</summary>
    /// <param name="handle">Of the open.</param>
    /// <param name="offset">Where, unless it is an append.</param>
    /// <param name="content">The bytes.</param>
    /// <param name="how">How.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Where it stands, and the use of it.</returns>
    public async ValueTask<(FsStatus Status, long At, ContentUse Use)> WriteAsync(
        ulong handle, long offset, ReadOnlyMemory<byte> content, VfsWrite how, CancellationToken cancellation)
    {
        if (!_handles.TryGetValue(handle, out var open) || !open.Mode.Writes)
        {
            return (FsStatus.BadHandle, offset, default);
        }

        try
        {
            if (!how.IsMapped)
            {
                await DropPrivilegesAsync(open.Node, how.DropsSpecial, cancellation).ConfigureAwait(false);
            }

            var isDurable = open.Mode.Syncs || _options.Durability == VfsDurability.Sync;
            var (keeps, at) = await open.File
                .WriteAsync(how.Appends ? -1 : offset, content, isDurable, cancellation).ConfigureAwait(false);
            return (FsStatus.Ok, at, await EndWriteAsync(open, (offset, content.Length, at), keeps)
                .ConfigureAwait(false));
        }
        catch (DistFsException e)
        {
            return (StatusOf(e), offset, default);
        }
    }

    /// <summary>A descriptor is closed (close); other copies of it may live.</summary>
    public async ValueTask<FsStatus> FlushAsync(ulong handle, ulong owner, CancellationToken cancellation)
    {
        if (!_handles.TryGetValue(handle, out var open))
        {
            return FsStatus.BadHandle;
        }

        var unlocked = await LeaveRangesAsync(open, owner, cancellation).ConfigureAwait(false);
        return _options.Durability == VfsDurability.Posix ? ErrorOf(open, unlocked)
            : await SyncAsync(handle, isDataOnly: false, cancellation).ConfigureAwait(false);
    }

    /// <summary>All that was written is durable (fsync, fdatasync).</summary>
    public async ValueTask<FsStatus> SyncAsync(ulong handle, bool isDataOnly, CancellationToken cancellation)
    {
        if (!_handles.TryGetValue(handle, out var open))
        {
            return FsStatus.BadHandle;
        }

        try
        {
            await open.File.FlushAsync(isDataOnly ? FlushKind.DurableData : FlushKind.Durable, null, cancellation)
                .ConfigureAwait(false);
            return ErrorOf(open, FsStatus.Ok);
        }
        catch (DistFsException e)
        {
            return StatusOf(e);
        }
    }

    /// <summary>The last copy of a descriptor is closed.</summary>
    public async ValueTask ReleaseAsync(ulong handle)
    {
        if (_handles.TryGetValue(handle, out var open))
        {
            open.IsReleasing = true;
            await LeaveLocksAsync(open).ConfigureAwait(false);
            _handles.TryRemove(handle, out _);
            await EndAsync(open).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Attributes are set; the length too. That the caller has the file open to write, or may write it, the kernel has
    /// looked at, and it asks for itself too (<see cref="IsOfKernel"/>); all else the caller must be allowed.
    /// </summary>
    public async ValueTask<VfsEntry> SetAttributesAsync(
        FileIdentity caller, InodeId inode, VfsChange change, CancellationToken cancellation)
    {
        if (_options.IsReadOnly)
        {
            return VfsEntry.Refused(FsStatus.ReadOnly);
        }

        var node = NodeOf(inode);
        try
        {
            if (await IsOfKernelAsync(caller, node, change.Change, cancellation).ConfigureAwait(false))
            {
                caller = FileIdentity.Root;
            }

            if (change.Length != null)
            {
                await DropPrivilegesAsync(node, change.DropsSpecial, cancellation).ConfigureAwait(false);
            }

            if (change is { Length: null, Change: { } only }
                && await SetHereAsync(caller, node, only, cancellation).ConfigureAwait(false) is { } set)
            {
                return set;
            }

            using (await BeginDirectAsync(cancellation, node).ConfigureAwait(false))
            {
                var status = await SetThereAsync(caller, node, change, cancellation).ConfigureAwait(false);
                if (status != FsStatus.Ok)
                {
                    return VfsEntry.Refused(status == FsStatus.NotFound ? FsStatus.Stale : status);
                }
            }

            return await StatAsync(node, cancellation).ConfigureAwait(false);
        }
        catch (DistFsException e)
        {
            return VfsEntry.Refused(StatusOf(e));
        }
    }

    private async Task<FsStatus> SetThereAsync(
        FileIdentity caller, VfsNode node, VfsChange change, CancellationToken cancellation)
    {
        var status = FsStatus.Ok;
        if (change.Length is { } length)
        {
            node.Changed();
            status = FileOf(node) is { } file
                ? await file.SetLengthAsync(FileIdentity.Root, length, cancellation).ConfigureAwait(false)
                : (await _cluster.SetLengthAsync(FileIdentity.Root, node.Inode, length, cancellation)
                    .ConfigureAwait(false))
                .Status;

            // Who looked at it meanwhile may have seen it as it was before.
            node.Changed();
        }

        if (status == FsStatus.Ok && change.Change is { } attributes)
        {
            if (FileOf(node) is { } written)
            {
                // What was written before must not be dated after.
                await written.FlushAsync(FlushKind.Visible, attributes.ModifyTime, cancellation).ConfigureAwait(false);
                await SentAsync(node, cancellation).ConfigureAwait(false);
            }

            node.Changed();
            var reply = await _cluster.SetAttributesAsync(caller, node.Inode, attributes, cancellation)
                .ConfigureAwait(false);
            FileOf(node)?.Changed(reply.Attributes, attributes.TouchesModifyTime);
            status = reply.Status;
        }

        return status;
    }

    /// <summary>Each open hears once of an error of what was told as written.</summary>
    private static FsStatus ErrorOf(VfsHandle open, FsStatus otherwise)
    {
        var (count, last) = open.File.Errors;
        if (count == open.ErrorsSeen)
        {
            return otherwise;
        }

        open.ErrorsSeen = count;
        return last;
    }
}
