using System.Collections.Concurrent;
using DistFS.Client;
using DistFS.Client.Leases;
using DistFS.Client.Nodes;
using DistFS.Primitives;

namespace DistFS.Vfs;

/// <content>Files that programs have open, and what they read and write.</content>
public sealed partial class VfsMount
{
    private readonly ConcurrentDictionary<ulong, VfsHandle> _handles = [];
    private ulong _lastHandle;

    /// <summary>Reads content.</summary>
    /// <returns>
    /// How much, and the use of the lease; if <c>Keeps</c> is false, the kernel forgets the range when it was told.
    /// </returns>
    public async ValueTask<(FsStatus Status, int Length, bool Keeps, LeaseUse Use)> ReadAsync(
        ulong handle, long offset, Memory<byte> into, CancellationToken cancellation)
    {
        if (!_handles.TryGetValue(handle, out var open))
        {
            return (FsStatus.BadHandle, 0, false, default);
        }

        try
        {
            var use = await ReadUseAsync(open.Node, cancellation).ConfigureAwait(false);
            try
            {
                var length = await open.File.ReadAsync(offset, into, cancellation).ConfigureAwait(false);
                return (FsStatus.Ok, length, use != null, use == null ? default : new LeaseUse(use));
            }
            catch
            {
                use?.EndUse();
                throw;
            }
        }
        catch (DistFsException e)
        {
            return (StatusOf(e), 0, false, default);
        }
    }

    /// <summary>What the kernel was told without a lease is forgotten; not waited for.</summary>
    public void ForgetContent(InodeId inode, long offset, long length) =>
        _ = _kernel.ForgetContentAsync(inode, offset, length);

    /// <summary>Writes content.</summary>
    /// <param name="handle">Of the open.</param>
    /// <param name="offset">Where, unless it is an append.</param>
    /// <param name="content">The bytes.</param>
    /// <param name="how">How.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>
    /// Where it stands. If <c>Keeps</c> is false, or it stands elsewhere than at the offset, the kernel forgets the
    /// range when it was told.
    /// </returns>
    public async ValueTask<(FsStatus Status, bool Keeps, long At)> WriteAsync(
        ulong handle, long offset, ReadOnlyMemory<byte> content, VfsWrite how, CancellationToken cancellation)
    {
        if (!_handles.TryGetValue(handle, out var open) || !open.Mode.Writes)
        {
            return (FsStatus.BadHandle, false, offset);
        }

        try
        {
            if (how.DropsSpecial)
            {
                await DropSpecialAsync(open.Node, cancellation).ConfigureAwait(false);
            }

            var isDurable = open.Mode.Syncs || _options.Durability == VfsDurability.Sync;
            var (keeps, at) = await open.File
                .WriteAsync(how.Appends ? -1 : offset, content, isDurable, cancellation).ConfigureAwait(false);
            return (FsStatus.Ok, keeps, at);
        }
        catch (DistFsException e)
        {
            return (StatusOf(e), false, offset);
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

    /// <summary>Content is read under a lease, if it is free; null: it is not.</summary>
    private async ValueTask<VfsNode?> ReadUseAsync(VfsNode node, CancellationToken cancellation)
    {
        for (var asked = false; ; asked = true)
        {
            lock (node.Gate)
            {
                if (Holds(node, LeaseMode.Read))
                {
                    node.BeginUse();
                    return node;
                }

                if (asked || node.IsGivingUp)
                {
                    return null;
                }
            }

            // Whoever writes it keeps a lease to read: that needs nothing of its kernel, so it may be waited for. Read
            // without a lease, the kernel would have to forget it, and drops the attributes that it asks for meanwhile.
            await _cluster.AcquireAsync([node.Inode], LeaseMode.Read, _options.LeaseWait, cancellation)
                .ConfigureAwait(false);
        }
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
