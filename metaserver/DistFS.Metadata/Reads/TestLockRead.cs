using DistFS.Metadata.Locks;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Reads;

/// <summary>fcntl with F_GETLK (POSIX): what stands in the way of a lock.</summary>
public static class TestLockRead
{
    /// <summary>The first lock that is held and conflicts; null if the lock could be had.</summary>
    public static FileLock? Apply(in ReadContext context, InodeId inode, FileLock wanted)
    {
        foreach (var held in context.Tree.Locks(inode).Held)
        {
            if (held.Conflicts(wanted))
            {
                return held;
            }
        }

        return null;
    }

    /// <summary>The lock that is asked about, of the session that asks; null: there can be no such lock.</summary>
    public static FileLock? WantedOf(in ReadContext context, TestLockRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        var kind = (LockKind)request.Kind;
        if (!Enum.IsDefined(kind) || request.First > long.MaxValue || request.Length > long.MaxValue)
        {
            return null;
        }

        var last = request.Length == 0 ? ulong.MaxValue : request.First + request.Length - 1;
        return new FileLock(
            kind,
            new LockOwner(context.Client, request.Owner),
            request.Exclusive,
            request.First,
            last,
            Number: 0,
            Process: 0);
    }
}
