namespace DistFS.Fuse;

/// <content>The threads that write.</content>
public sealed unsafe partial class FuseNotifier
{
    /// <param name="clone">A descriptor for each thread: what it waits for must not depend on another's.</param>
    internal void Start(Func<IFuseDevice> clone)
    {
        for (var i = 0; i < _threads; i++)
        {
            var device = clone();
            lock (_gate)
            {
                if (!_isStopped)
                {
                    _running++;
                    new Thread(() => Run(device)) { IsBackground = true, Name = "fuse notifier" }.Start();
                    continue;
                }
            }

            device.Sever();
            device.Dispose();
        }
    }

    /// <summary>Drops what is queued, and waits for those that are being written.</summary>
    /// <returns>Whether they ended in time.</returns>
    internal bool Stop(TimeSpan limit)
    {
        List<Notification> dropped;
        List<TaskCompletionSource> waiting;
        lock (_gate)
        {
            _isStopped = true;
            dropped = [.. _busy.Values.OfType<Queue<Notification>>().SelectMany(static queue => queue), .. _queue];
            foreach (var behind in _busy.Values)
            {
                behind?.Clear();
            }

            _behind = 0;
            _queue.Clear();
            waiting = [.. _waiting];
            _waiting.Clear();
            Monitor.PulseAll(_gate);
        }

        waiting.ForEach(w => w.TrySetResult());
        dropped.ForEach(n => n.Written?.TrySetResult(Errno.ENODEV));
        var until = Environment.TickCount64 + (long)limit.TotalMilliseconds;
        lock (_gate)
        {
            while (_running > 0)
            {
                var left = until - Environment.TickCount64;
                if (left <= 0)
                {
                    return false;
                }

                Monitor.Wait(_gate, TimeSpan.FromMilliseconds(left));
            }

            return true;
        }
    }

    private void Run(IFuseDevice device)
    {
        Notification notification = default;
        for (var isFirst = true; TryTake(isFirst ? null : notification.Node, out notification, out var waiter);)
        {
            isFirst = false;
            waiter?.TrySetResult();
            var result = Errno.EIO;
            try
            {
                result = Write(device, notification);
            }
            finally
            {
                // Unknown to the kernel means that there is nothing to drop.
                notification.Written?.TrySetResult(result == Errno.ENOENT ? Errno.None : result);
            }
        }

        device.Sever();
        device.Dispose();
        lock (_gate)
        {
            _running--;
            Monitor.PulseAll(_gate);
        }
    }

    /// <param name="done">The node of what this thread has written last; null: nothing yet.</param>
    /// <param name="notification">What is to be written next.</param>
    /// <param name="waiter">Somebody for whom there is room now.</param>
    /// <returns>False: it ends.</returns>
    private bool TryTake(ulong? done, out Notification notification, out TaskCompletionSource? waiter)
    {
        lock (_gate)
        {
            notification = default;
            waiter = null;
            if (done is { } node && TryTakeBehind(node, out notification))
            {
                _waiting.TryDequeue(out waiter);
                return true;
            }

            while (!_isStopped)
            {
                if (!_queue.TryDequeue(out notification))
                {
                    Monitor.Wait(_gate);
                }
                else if (_busy.TryAdd(notification.Node, null))
                {
                    _waiting.TryDequeue(out waiter);
                    return true;
                }
                else
                {
                    (_busy[notification.Node] ??= new()).Enqueue(notification);
                    _behind++;
                }
            }

            return false;
        }
    }

    /// <summary>Under the gate: the next one of a node of which one was written; else it is busy no more.</summary>
    private bool TryTakeBehind(ulong node, out Notification notification)
    {
        if (_busy[node] is { } behind && behind.TryDequeue(out notification))
        {
            _behind--;
            return true;
        }

        _busy.Remove(node);
        notification = default;
        return false;
    }

    private static Errno Write(IFuseDevice device, in Notification notification)
    {
        switch (notification.Code)
        {
            case NotifyCode.InvalidateInode:
                return Write(device, NotifyCode.InvalidateInode, new FuseNotifyInvalidateInode
                {
                    NodeId = notification.Node,
                    Offset = notification.Offset,
                    Length = notification.Length,
                });
            case NotifyCode.InvalidateEntry:
                return Write(
                    device,
                    NotifyCode.InvalidateEntry,
                    new FuseNotifyInvalidateEntry
                    {
                        Parent = notification.Node,
                        NameBytes = (uint)notification.Bytes.Length,
                        Flags = (uint)notification.Flags,
                    },
                    notification.Bytes.Span,
                    zeros: 1);
            case NotifyCode.Delete:
                return Write(
                    device,
                    NotifyCode.Delete,
                    new FuseNotifyDelete
                    {
                        Parent = notification.Node,
                        Child = notification.Child,
                        NameBytes = (uint)notification.Bytes.Length,
                    },
                    notification.Bytes.Span,
                    zeros: 1);
            default:
                return Write(
                    device,
                    NotifyCode.Store,
                    new FuseNotifyStore
                    {
                        NodeId = notification.Node,
                        Offset = (ulong)notification.Offset,
                        Size = (uint)notification.Bytes.Length,
                    },
                    notification.Bytes.Span);
        }
    }

    /// <summary>A notification is a reply with unique 0, whose error is the code.</summary>
    private static Errno Write<T>(
        IFuseDevice device, NotifyCode code, T body, ReadOnlySpan<byte> tail = default, int zeros = 0)
        where T : unmanaged
    {
        byte zero = 0;
        fixed (byte* bytes = tail)
        {
            var header = new FuseOutHeader
            {
                Length = (uint)(sizeof(FuseOutHeader) + sizeof(T) + tail.Length + zeros),
                Error = (int)code,
            };
            return device.Write(
            [
                new IoVector((nuint)(&header), (nuint)sizeof(FuseOutHeader)),
                new IoVector((nuint)(&body), (nuint)sizeof(T)),
                new IoVector((nuint)bytes, (nuint)tail.Length),
                new IoVector((nuint)(&zero), (nuint)zeros),
            ]);
        }
    }
}
