namespace DistFS.Fuse;

/// <content>The thread that writes.</content>
public sealed unsafe partial class FuseNotifier
{
    internal void Start(IFuseDevice device)
    {
        lock (_gate)
        {
            _device = device;
            if (!_isStopped)
            {
                _hasStarted = true;
                new Thread(Run) { IsBackground = true, Name = "fuse notifier" }.Start();
                return;
            }
        }

        device.Sever();
        device.Dispose();
    }

    /// <summary>Drops what is queued, and waits for the one that is being written.</summary>
    /// <returns>Whether it ended in time.</returns>
    internal bool Stop(TimeSpan limit)
    {
        List<Notification> dropped;
        List<TaskCompletionSource> waiting;
        lock (_gate)
        {
            _isStopped = true;
            dropped = [.. _queue];
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
            while (_hasStarted && !_hasEnded)
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

    private void Run()
    {
        var device = _device!;
        while (TryTake(out var notification, out var waiter))
        {
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
            _hasEnded = true;
            Monitor.PulseAll(_gate);
        }
    }

    private bool TryTake(out Notification notification, out TaskCompletionSource? waiter)
    {
        lock (_gate)
        {
            while (!_isStopped && _queue.Count == 0)
            {
                Monitor.Wait(_gate);
            }

            notification = default;
            waiter = null;
            if (_isStopped)
            {
                return false;
            }

            notification = _queue.Dequeue();
            _waiting.TryDequeue(out waiter);
            return true;
        }
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
