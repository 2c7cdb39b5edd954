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

    /// <summary>Opens a file; the caller has looked whether that is allowed.</summary>
    public async ValueTask<VfsOpened> OpenAsync(
        FileIdentity caller, InodeId inode, VfsOpenMode mode, CancellationToken cancellation)
    {
        if (_options.IsReadOnly && (mode.Writes || mode.Truncates))
        {
            return new VfsOpened(FsStatus.ReadOnly, 0, false, false);
        }

        var node = NodeOf(inode);
        var handle = Begin(node, mode);
        try
        {
            using var told = await StatAsync(node, cancellation).ConfigureAwait(false);
            var status = told.Status;
            if (status == FsStatus.Ok && told.AttributesValid == default)
            {
                // Nobody tells us when it loses its name.
                await handle.File.RegisterAsync(cancellation).ConfigureAwait(false);
            }

            if (status == FsStatus.Ok && mode.Truncates)
            {
                status = await handle.File.SetLengthAsync(caller, 0, cancellation).ConfigureAwait(false);
            }

            if (status == FsStatus.Ok)
            {
                return Opened(handle, told.AttributesValid > TimeSpan.Zero && !mode.Truncates);
            }

            await EndAsync(handle).ConfigureAwait(false);
            return new VfsOpened(status, 0, false, false);
        }
        catch (DistFsException e)
        {
            await EndAsync(handle).ConfigureAwait(false);
            return new VfsOpened(StatusOf(e), 0, false, false);
        }
    }

    /// <summary>Makes a file and opens it (O_CREAT).</summary>
    public async ValueTask<(VfsEntry Entry, VfsOpened Opened)> CreateAsync(
        FileIdentity caller,
        InodeId directory,
        ReadOnlyMemory<byte> name,
        NewNode node,
        VfsOpenMode mode,
        CancellationToken cancellation)
    {
        if (_options.IsReadOnly || name.Length > NameBytesMax)
        {
            return (VfsEntry.Refused(_options.IsReadOnly ? FsStatus.ReadOnly : FsStatus.NameTooLong), default);
        }

        var parent = NodeOf(directory);
        parent.Changed();
        try
        {
            var (reply, open) = await _cluster.CreateAsync(caller, directory, name, node, cancellation)
                .ConfigureAwait(false);
            var entry = await NamedAsync(parent, name, reply, cancellation).ConfigureAwait(false);
            if (entry.Status != FsStatus.Ok)
            {
                return (entry, default);
            }

            var handle = Begin(NodeOf(entry.Attributes!.Inode), mode);
            if (open != null)
            {
                handle.File.Begin(open);
            }

            if (mode.Truncates && entry.Attributes.Size > 0)
            {
                entry.Dispose();
                await handle.File.SetLengthAsync(caller, 0, cancellation).ConfigureAwait(false);
                entry = await StatAsync(handle.Node, cancellation).ConfigureAwait(false);
            }

            return (Told(entry), Opened(handle, keepsContent: false));
        }
        catch (DistFsException e)
        {
            parent.Changed();
            return (VfsEntry.Refused(StatusOf(e)), default);
        }
    }

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
    public void ForgetContent(ulong handle, long offset, long length)
    {
        if (_handles.TryGetValue(handle, out var open))
        {
            _ = _kernel.ForgetContentAsync(open.Node.Inode, offset, length);
        }
    }

    /// <summary>Writes content.</summary>
    /// <returns>If <c>Keeps</c> is false, the kernel forgets the range when it was told.</returns>
    public async ValueTask<(FsStatus Status, bool Keeps)> WriteAsync(
        ulong handle, long offset, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        if (!_handles.TryGetValue(handle, out var open) || !open.Mode.Writes)
        {
            return (FsStatus.BadHandle, false);
        }

        try
        {
            var isDurable = open.Mode.Syncs || _options.Durability == VfsDurability.Sync;
            return (FsStatus.Ok, await open.File
                .WriteAsync(open.Mode.Appends ? -1 : offset, content, isDurable, cancellation)
                .ConfigureAwait(false));
        }
        catch (DistFsException e)
        {
            return (StatusOf(e), false);
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
            : await SyncAsync(handle, cancellation).ConfigureAwait(false);
    }

    /// <summary>All that was written is durable (fsync, fdatasync).</summary>
    public async ValueTask<FsStatus> SyncAsync(ulong handle, CancellationToken cancellation)
    {
        if (!_handles.TryGetValue(handle, out var open))
        {
            return FsStatus.BadHandle;
        }

        try
        {
            await open.File.FlushAsync(isDurable: true, null, cancellation).ConfigureAwait(false);
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
            await LeaveLocksAsync(open).ConfigureAwait(false);
            _handles.TryRemove(handle, out _);
            await EndAsync(open).ConfigureAwait(false);
        }
    }

    /// <summary>Attributes are set; the length too.</summary>
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
            var status = FsStatus.Ok;
            if (change.Length is { } length)
            {
                node.Changed();
                status = node.File is { } file
                    ? await file.SetLengthAsync(caller, length, cancellation).ConfigureAwait(false)
                    : (await _cluster.SetLengthAsync(caller, inode, length, cancellation).ConfigureAwait(false))
                    .Status;
            }

            if (status == FsStatus.Ok && change.Change is { } attributes)
            {
                if (attributes.ModifyTime != null && node.File is { } written)
                {
                    // What was written before must not be dated after.
                    await written.FlushAsync(isDurable: false, attributes.ModifyTime, cancellation)
                        .ConfigureAwait(false);
                }

                node.Changed();
                status = (await _cluster.SetAttributesAsync(caller, inode, attributes, cancellation)
                    .ConfigureAwait(false)).Status;
            }

            node.Changed();
            status = status == FsStatus.NotFound ? FsStatus.Stale : status;
            return status == FsStatus.Ok
                ? await StatAsync(node, cancellation).ConfigureAwait(false) : VfsEntry.Refused(status);
        }
        catch (DistFsException e)
        {
            node.Changed();
            return VfsEntry.Refused(StatusOf(e));
        }
    }

    private VfsHandle Begin(VfsNode node, VfsOpenMode mode)
    {
        lock (node.Gate)
        {
            node.File ??= new VfsFile(this, node);
            node.File.Opens++;
            return new VfsHandle(Interlocked.Increment(ref _lastHandle), node, node.File, mode)
            {
                ErrorsSeen = node.File.Errors.Count,
            };
        }
    }

    private VfsOpened Opened(VfsHandle handle, bool keepsContent)
    {
        _handles[handle.Number] = handle;

        // Where its writes go is known here only: the kernel would keep them where it believes the end to be.
        return new VfsOpened(FsStatus.Ok, handle.Number, keepsContent, handle.Mode.Appends);
    }

    private static async Task EndAsync(VfsHandle handle)
    {
        var (node, file) = (handle.Node, handle.File);
        lock (node.Gate)
        {
            if (--file.Opens > 0)
            {
                return;
            }
        }

        // Behind the answer to the kernel: what is sent now was promised for within a second.
        await EndAsync(node, file).ConfigureAwait(false);
    }

    /// <summary>Nobody has it open: it is sent and closed, unless somebody opens it meanwhile.</summary>
    private static async Task EndAsync(VfsNode node, VfsFile file)
    {
        await file.CloseAsync(isEnd: false).ConfigureAwait(false);
        lock (node.Gate)
        {
            if (file.Opens == 0 && node.File == file)
            {
                node.File = null;
            }
        }
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

    /// <summary>An open of a program.</summary>
    private sealed class VfsHandle(ulong number, VfsNode node, VfsFile file, VfsOpenMode mode)
    {
        public ulong Number => number;

        public VfsNode Node => node;

        public VfsFile File => file;

        public VfsOpenMode Mode => mode;

        public long ErrorsSeen { get; set; }

        /// <summary>By which it is locked as a whole (flock).</summary>
        public NodeOpen? Lock { get; set; }

        /// <summary>Who has locked ranges of it.</summary>
        public ConcurrentDictionary<ulong, byte> Owners { get; } = [];
    }
}
