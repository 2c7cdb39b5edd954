using System.Collections.Concurrent;
using DistFS.Client;
using DistFS.Client.Leases;
using DistFS.Client.Nodes;
using DistFS.Primitives;

namespace DistFS.Vfs;

/// <content>Open directories, extended attributes, room.</content>
public sealed partial class VfsMount
{
    private static readonly TimeSpan SpaceValid = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<ulong, VfsDirectory> _directories = [];
    private (long At, long Capacity, long Used)? _space;

    /// <summary>Opens a directory.</summary>
    public VfsOpened OpenDirectory(FileIdentity caller, InodeId inode)
    {
        var number = Interlocked.Increment(ref _lastHandle);
        var node = NodeOf(inode);
        _directories[number] = new VfsDirectory(caller, node) { ErrorsSeen = node.Errors.Count };
        return new VfsOpened(FsStatus.Ok, number, false, false);
    }

    /// <summary>Closes it.</summary>
    public void ReleaseDirectory(ulong handle) => _directories.TryRemove(handle, out _);

    /// <summary>All that was changed in it is durable (fsync of a directory).</summary>
    public async ValueTask<FsStatus> SyncDirectoryAsync(ulong handle, CancellationToken cancellation)
    {
        if (!_directories.TryGetValue(handle, out var open))
        {
            return FsStatus.BadHandle;
        }

        try
        {
            await SentAsync(open.Node, cancellation).ConfigureAwait(false);
            var (count, last) = open.Node.Errors;
            (var seen, open.ErrorsSeen) = (open.ErrorsSeen, count);
            return seen == count ? FsStatus.Ok : last;
        }
        catch (DistFsException e)
        {
            return StatusOf(e);
        }
    }

    /// <summary>The value of an extended attribute.</summary>
    public async ValueTask<NodeData> GetXattrAsync(
        FileIdentity caller, InodeId inode, ReadOnlyMemory<byte> name, CancellationToken cancellation)
    {
        var node = NodeOf(inode);
        lock (node.Gate)
        {
            // Asked for with each write (security.capability), and nearly never there.
            if (node.Known is { HasXattrs: false, HasAccessAcl: false, HasDefaultAcl: false }
                && Holds(node, LeaseMode.Read))
            {
                return new NodeData(FsStatus.NoData, default);
            }
        }

        try
        {
            await SentAsync(node, cancellation).ConfigureAwait(false);
            return await _cluster.GetXattrAsync(caller, inode, name, cancellation).ConfigureAwait(false);
        }
        catch (DistFsException e)
        {
            return new NodeData(StatusOf(e), default);
        }
    }

    /// <summary>The names of extended attributes, each with a NUL behind it.</summary>
    public async ValueTask<NodeData> ListXattrsAsync(
        FileIdentity caller, InodeId inode, CancellationToken cancellation)
    {
        try
        {
            await SentAsync(NodeOf(inode), cancellation).ConfigureAwait(false);
            return await _cluster.ListXattrsAsync(caller, inode, cancellation).ConfigureAwait(false);
        }
        catch (DistFsException e)
        {
            return new NodeData(StatusOf(e), default);
        }
    }

    /// <summary>Sets an extended attribute.</summary>
    public ValueTask<FsStatus> SetXattrAsync(
        FileIdentity caller,
        InodeId inode,
        (ReadOnlyMemory<byte> Name, ReadOnlyMemory<byte> Value) pair,
        XattrMode mode,
        CancellationToken cancellation) =>
        ChangeAsync(inode, () => _cluster.SetXattrAsync(caller, inode, pair, mode, cancellation), cancellation);

    /// <summary>Removes one. Whether capabilities of a file may go the kernel says: whoever writes it has to do that.
    /// </summary>
    public ValueTask<FsStatus> RemoveXattrAsync(
        FileIdentity caller, InodeId inode, ReadOnlyMemory<byte> name, CancellationToken cancellation) =>
        ChangeAsync(
            inode,
            () => _cluster.RemoveXattrAsync(
                name.Span.SequenceEqual(Capability) ? FileIdentity.Root : caller, inode, name, cancellation),
            cancellation);

    /// <summary>Bytes of all chunk servers, each copy counted; as of a second ago at most.</summary>
    public async ValueTask<(FsStatus Status, long Capacity, long Used)> SpaceAsync(CancellationToken cancellation)
    {
        if (_space is { } known && _options.Clock.GetElapsedTime(known.At) < SpaceValid)
        {
            return (FsStatus.Ok, known.Capacity, known.Used);
        }

        try
        {
            var (capacity, used) = await _cluster.SpaceAsync(cancellation).ConfigureAwait(false);
            _space = (_options.Clock.GetTimestamp(), capacity, used);
            return (FsStatus.Ok, capacity, used);
        }
        catch (DistFsException e)
        {
            return (StatusOf(e), 0, 0);
        }
    }

    /// <summary>A range becomes zeros that take no room (fallocate).</summary>
    /// <param name="handle">Of the file, open for writing.</param>
    /// <param name="offset">From there.</param>
    /// <param name="length">So much.</param>
    /// <param name="grows">Where the file ends before the range does, it grows.</param>
    /// <param name="dropsSpecial">By somebody who must not change what runs as its owner or group.</param>
    /// <param name="cancellation">Gives up.</param>
    public async ValueTask<FsStatus> PunchAsync(
        ulong handle, long offset, long length, bool grows, bool dropsSpecial, CancellationToken cancellation)
    {
        if (!_handles.TryGetValue(handle, out var open) || !open.Mode.Writes)
        {
            return FsStatus.BadHandle;
        }

        try
        {
            await DropPrivilegesAsync(open.Node, dropsSpecial, cancellation).ConfigureAwait(false);
            return await open.File.PunchAsync(offset, length, grows, cancellation).ConfigureAwait(false);
        }
        catch (DistFsException e)
        {
            return StatusOf(e);
        }
    }

    private async ValueTask<FsStatus> ChangeAsync(
        InodeId inode, Func<Task<NodeReply>> change, CancellationToken cancellation)
    {
        if (_options.IsReadOnly)
        {
            return FsStatus.ReadOnly;
        }

        try
        {
            var node = NodeOf(inode);
            using var direct = await BeginDirectAsync(cancellation, node).ConfigureAwait(false);
            var reply = await change().ConfigureAwait(false);
            FileOf(node)?.Changed(reply.Attributes, isTouched: false);
            return reply.Status;
        }
        catch (DistFsException e)
        {
            return StatusOf(e);
        }
    }

    /// <summary>An open of a directory.</summary>
    private sealed class VfsDirectory(FileIdentity caller, VfsNode node)
    {
        public FileIdentity Caller => caller;

        public VfsNode Node => node;

        /// <summary>The last page, and from behind which cookie on.</summary>
        public VfsRow[] Rows { get; set; } = [];

        public ulong From { get; set; }

        /// <summary>The rows are all names, as they were when it was begun here.</summary>
        public bool IsHere { get; set; }

        /// <summary>Of changes that could not be made: those that were told.</summary>
        public long ErrorsSeen { get; set; }

        /// <summary>Under which stamp all pages so far were read; -1: not under one.</summary>
        public long WholeStamp { get; set; } = -1;
    }
}
