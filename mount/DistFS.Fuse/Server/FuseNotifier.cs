namespace DistFS.Fuse;

/// <summary>
/// Tells the kernel that its caches are out of date. Written by threads of its own through a bounded queue: in order
/// for each node, and at most one of a node at a time, so that one which waits in the kernel holds up those of its node
/// only.
/// </summary>
/// <remarks>
/// A notification may wait in the kernel: one about a name for the lock of its directory, one about content for reads
/// and writes of these pages. Who holds them may be waiting for an answer of this file system. So: no answer to a
/// request may depend on the end of a notification, or of any other that is queued behind it (docs/design/fuse.md).
/// </remarks>
public sealed partial class FuseNotifier
{
    private readonly object _gate = new();
    private readonly Queue<Notification> _queue = new();
    private readonly int _capacity;
    private readonly int _threads;

    /// <summary>Nodes of which one is being written, each with those of it that came to the front meanwhile.</summary>
    private readonly Dictionary<ulong, Queue<Notification>?> _busy = [];

    /// <summary>Invariant: the number of those in all queues of <see cref="_busy"/>.</summary>
    private int _behind;

    /// <summary>Those who wait for room, in order.</summary>
    private readonly Queue<TaskCompletionSource> _waiting = new();
    private int _running;
    private bool _isStopped;

    internal FuseNotifier(int capacity, int threads = 1) => (_capacity, _threads) = (capacity, threads);

    /// <summary>Notifications that are not written yet.</summary>
    public int Queued
    {
        get
        {
            lock (_gate)
            {
                return _queue.Count + _behind;
            }
        }
    }

    /// <summary>
    /// Drops what the kernel has cached of a node: attributes, and content from <paramref name="offset"/> on.
    /// </summary>
    /// <param name="node">Its node id.</param>
    /// <param name="offset">In bytes; negative: attributes only.</param>
    /// <param name="length">In bytes; 0: to the end.</param>
    /// <param name="cancellation">Ends the wait for room in the queue.</param>
    /// <returns>
    /// Ends when the kernel has done it: None, or what it said; ENODEV when the file system ends before. A node that
    /// it does not know (ENOENT) is None.
    /// </returns>
    public ValueTask<Errno> InvalidateInodeAsync(
        ulong node, long offset = 0, long length = 0, CancellationToken cancellation = default) =>
        PostAsync(new(NotifyCode.InvalidateInode, node, 0, offset, length, default, default, NewWait()), cancellation);

    /// <summary>Drops a name, or lets it expire.</summary>
    /// <param name="parent">Node id of the directory.</param>
    /// <param name="name">Not used any more when the task has ended.</param>
    /// <param name="flags">Without <see cref="EntryFlags.ExpireOnly"/> mounts on the name go too.</param>
    /// <param name="cancellation">Ends the wait for room in the queue.</param>
    /// <returns>As of <see cref="InvalidateInodeAsync"/>.</returns>
    public ValueTask<Errno> InvalidateEntryAsync(
        ulong parent,
        ReadOnlyMemory<byte> name,
        EntryFlags flags = EntryFlags.None,
        CancellationToken cancellation = default)
    {
        RequireName(name);
        return PostAsync(
            new(NotifyCode.InvalidateEntry, parent, 0, 0, 0, flags, name, NewWait()), cancellation);
    }

    /// <summary>Says that a name was removed elsewhere: watchers are told (inotify), the name is dropped.</summary>
    /// <param name="parent">Node id of the directory.</param>
    /// <param name="child">Node id of what had the name.</param>
    /// <param name="name">Not used any more when the task has ended.</param>
    /// <param name="cancellation">Ends the wait for room in the queue.</param>
    /// <returns>As of <see cref="InvalidateInodeAsync"/>.</returns>
    public ValueTask<Errno> DeleteAsync(
        ulong parent, ulong child, ReadOnlyMemory<byte> name, CancellationToken cancellation = default)
    {
        RequireName(name);
        return PostAsync(new(NotifyCode.Delete, parent, child, 0, 0, default, name, NewWait()), cancellation);
    }

    /// <summary>Puts content into the kernel's cache.</summary>
    /// <param name="node">Its node id.</param>
    /// <param name="offset">In bytes.</param>
    /// <param name="data">At most the largest WRITE. Not used any more when the task has ended.</param>
    /// <param name="cancellation">Ends the wait for room in the queue.</param>
    /// <returns>As of <see cref="InvalidateInodeAsync"/>.</returns>
    public ValueTask<Errno> StoreAsync(
        ulong node, long offset, ReadOnlyMemory<byte> data, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        return PostAsync(
            new(NotifyCode.Store, node, 0, offset, data.Length, default, data, NewWait()), cancellation);
    }

    /// <summary>As <see cref="InvalidateInodeAsync"/>, without anybody who waits.</summary>
    /// <returns>False when the queue is full or the file system ends: the kernel still has what it had.</returns>
    public bool TryInvalidateInode(ulong node, long offset = 0, long length = 0) =>
        TryPost(new(NotifyCode.InvalidateInode, node, 0, offset, length, default, default, null));

    /// <summary>As <see cref="InvalidateEntryAsync"/>, without anybody who waits.</summary>
    /// <param name="parent">Node id of the directory.</param>
    /// <param name="name">Must not be changed afterwards.</param>
    /// <param name="flags">As there.</param>
    /// <returns>False when the queue is full or the file system ends: the kernel still has what it had.</returns>
    public bool TryInvalidateEntry(ulong parent, ReadOnlyMemory<byte> name, EntryFlags flags = EntryFlags.None)
    {
        RequireName(name);
        return TryPost(new(NotifyCode.InvalidateEntry, parent, 0, 0, 0, flags, name, null));
    }

    private static TaskCompletionSource<Errno> NewWait() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static void RequireName(ReadOnlyMemory<byte> name)
    {
        if (name.Length is < 1 or > 255)
        {
            throw new ArgumentException($"A name has 1 to 255 bytes; this has {name.Length}.");
        }
    }

    private bool TryPost(in Notification notification)
    {
        lock (_gate)
        {
            if (_isStopped || _queue.Count + _behind >= _capacity)
            {
                return false;
            }

            _queue.Enqueue(notification);
            Monitor.PulseAll(_gate);
            return true;
        }
    }

    private async ValueTask<Errno> PostAsync(Notification notification, CancellationToken cancellation)
    {
        while (!TryPost(notification))
        {
            TaskCompletionSource room;
            lock (_gate)
            {
                if (_isStopped)
                {
                    return Errno.ENODEV;
                }

                if (_queue.Count + _behind < _capacity)
                {
                    continue;
                }

                room = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _waiting.Enqueue(room);
            }

            await room.Task.WaitAsync(cancellation).ConfigureAwait(false);
        }

        return await notification.Written!.Task.ConfigureAwait(false);
    }
}
