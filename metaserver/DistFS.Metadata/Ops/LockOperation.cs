using DistFS.Metadata.Locks;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Ops;

/// <summary>
/// flock (Linux) and fcntl with F_SETLK and F_SETLKW (POSIX): a lock is asked for, left, or waited for no more.
/// </summary>
internal static class LockOperation
{
    public static FsStatus Apply(in MetadataContext context, LockRequest request, OperationReply reply)
    {
        var inode = new InodeId(request.Inode);
        if (!TryRead(context.Client, request, out var wanted))
        {
            return FsStatus.Invalid;
        }

        if (!context.Tree.TryGetOpen(inode, context.Client, request.Handle, out var access))
        {
            return FsStatus.BadHandle;
        }

        switch (request.Action)
        {
            case LockRequest.Types.Action.Leave:
                return LockTable.Leave(context.Tree, inode, wanted);
            case LockRequest.Types.Action.Cancel:
                return LockTable.Cancel(context.Tree, inode, wanted.Owner, wanted.Number)
                    ? FsStatus.Ok : FsStatus.NotFound;
            default:
                // POSIX, fcntl: EBADF. flock asks for nothing.
                var needed = wanted.IsExclusive ? Access.Write : Access.Read;
                if (wanted.Kind == LockKind.Posix && (access & needed) == 0)
                {
                    return FsStatus.BadHandle;
                }

                var mayWait = request.Action == LockRequest.Types.Action.Wait;
                var status = LockTable.Ask(context.Tree, inode, wanted, mayWait, out var token);
                reply.Lock = new LockReply { IsGranted = token != null, Token = token ?? 0 };
                return status;
        }
    }

    private static bool TryRead(ClientId client, LockRequest request, out FileLock wanted)
    {
        wanted = default;
        var kind = (LockKind)request.Kind;
        var isWhole = request is { First: 0, Length: 0 };
        if (!Enum.IsDefined(kind) || !Enum.IsDefined(request.Action) || (kind == LockKind.Flock && !isWhole)
            || request.First > long.MaxValue || request.Length > long.MaxValue)
        {
            return false;
        }

        // Of flock the owner is the open.
        wanted = new FileLock(
            kind,
            new LockOwner(client, kind == LockKind.Flock ? request.Handle : request.Owner),
            request.Exclusive,
            request.First,
            request.Length == 0 ? ulong.MaxValue : request.First + request.Length - 1,
            request.Number,
            request.Process);
        return true;
    }
}
