using System.Text;

namespace DistFS.Fuse.Tests.Memory;

/// <content>Extended attributes, and locks of flock.</content>
internal sealed partial class MemoryFileSystem
{
    private const uint ReadLock = 0;
    private const uint Unlocked = 2;

    private readonly Dictionary<(ulong Node, ulong Owner), uint> _flocks = [];
    private readonly List<(ulong Node, FuseLockIn Wanted, EmptyReply Reply)> _lockers = [];

    public void SetXattr(
        ulong node,
        in FuseSetXattrIn arguments,
        ReadOnlyMemory<byte> name,
        ReadOnlyMemory<byte> value,
        EmptyReply reply)
    {
        if (!Text(name).StartsWith("user.", StringComparison.Ordinal))
        {
            // An ACL that is stored and not honoured: cp -a would leave the mode to it.
            reply.Fail(Errno.EOPNOTSUPP);
            return;
        }

        lock (_gate)
        {
            _nodes[node].Xattrs[Text(name)] = value.ToArray();
        }

        reply.Ok();
    }

    public void GetXattr(ulong node, ReadOnlyMemory<byte> name, XattrReply reply)
    {
        lock (_gate)
        {
            if (_nodes[node].Xattrs.TryGetValue(Text(name), out var value))
            {
                reply.Ok(value);
            }
            else
            {
                reply.Fail(Errno.ENODATA);
            }
        }
    }

    public void ListXattr(ulong node, XattrReply reply)
    {
        lock (_gate)
        {
            reply.Ok(Encoding.Latin1.GetBytes(string.Concat(_nodes[node].Xattrs.Keys.Select(k => k + "\0"))));
        }
    }

    public void RemoveXattr(ulong node, ReadOnlyMemory<byte> name, EmptyReply reply)
    {
        bool removed;
        lock (_gate)
        {
            removed = _nodes[node].Xattrs.Remove(Text(name));
        }

        reply.Fail(removed ? Errno.None : Errno.ENODATA);
    }

    public void SetLock(ulong node, in FuseLockIn arguments, bool mayWait, EmptyReply reply)
    {
        lock (_gate)
        {
            if (arguments.Lock.Type == Unlocked)
            {
                Unlock(node, arguments.Owner);
                reply.Ok();
            }
            else if (TryLock(node, arguments))
            {
                reply.Ok();
            }
            else if (!mayWait)
            {
                reply.Fail(Errno.EAGAIN);
            }
            else
            {
                var wanted = arguments;
                reply.Request.Defer();
                _lockers.Add((node, wanted, reply));
                reply.Request.Interrupted.UnsafeRegister(_ => GiveUp(reply), null);
            }
        }
    }

    private void GiveUp(EmptyReply reply)
    {
        lock (_gate)
        {
            if (_lockers.RemoveAll(l => l.Reply == reply) > 0)
            {
                reply.Fail(Errno.EINTR);
            }
        }
    }

    private bool TryLock(ulong node, FuseLockIn wanted)
    {
        var isFree = _flocks.All(l => l.Key.Node != node || l.Key.Owner == wanted.Owner
            || (l.Value == ReadLock && wanted.Lock.Type == ReadLock));
        if (isFree)
        {
            _flocks[(node, wanted.Owner)] = wanted.Lock.Type;
        }

        return isFree;
    }

    private void Unlock(ulong node, ulong owner)
    {
        _flocks.Remove((node, owner));
        foreach (var locker in _lockers.Where(l => l.Node == node).ToList())
        {
            if (TryLock(node, locker.Wanted))
            {
                _lockers.Remove(locker);
                locker.Reply.Ok();
            }
        }
    }
}
