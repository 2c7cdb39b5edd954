using DistFS.Metadata.Rows;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Ops;

/// <summary>chmod, chown, utimensat (POSIX): several at once, all or none.</summary>
internal static class SetAttributesOperation
{
    public static FsStatus Apply(in MetadataContext context, SetAttributesRequest request, OperationReply reply)
    {
        var id = new InodeId(request.Inode);
        if (!context.Tree.TryGet(id, out var row))
        {
            return FsStatus.NotFound;
        }

        var before = row;
        var status = Chown(context, request, ref row);
        status = status == FsStatus.Ok ? Chmod(context, request, before, ref row) : status;
        status = status == FsStatus.Ok ? SetTimes(context, request, before, ref row) : status;
        if (status != FsStatus.Ok)
        {
            return status;
        }

        if (row != before)
        {
            context.Tree.Put(id, row with { ChangeTime = ToldTime(context, request) ?? context.Now });
        }

        return reply.Tell(context, id);
    }

    /// <summary>
    /// Who changed it under a lease was asked for its time of change before the metaservers knew of the change, and
    /// says so; it must not change afterwards.
    /// </summary>
    private static FileTime? ToldTime(in MetadataContext context, SetAttributesRequest request) =>
        context.Caller.IsRoot && request.ModifyTime is { Now: false }
        && request.ChangeTime is { Nanoseconds: < FileTime.NanosecondsPerSecond } told
            ? new FileTime(told.Seconds, told.Nanoseconds) : null;

    private static FsStatus Chown(in MetadataContext context, SetAttributesRequest request, ref InodeRow row)
    {
        if (!request.HasUid && !request.HasGid)
        {
            return FsStatus.Ok;
        }

        var (uid, gid) = (request.HasUid ? request.Uid : row.Uid, request.HasGid ? request.Gid : row.Gid);
        var caller = context.Caller;
        if (!caller.IsRoot && (caller.Uid != row.Uid || uid != row.Uid || (gid != row.Gid && !caller.IsIn(gid))))
        {
            return FsStatus.NotPermitted;
        }

        // A program must not run as somebody who did not say so (POSIX, chown; Linux does it for root too).
        row = row with { Uid = uid, Gid = gid, Mode = row.IsDirectory ? row.Mode : WithoutSpecial(row.Mode) };
        return FsStatus.Ok;
    }

    /// <summary>A mode without what would let a program run as somebody else.</summary>
    internal static uint WithoutSpecial(uint mode) =>
        mode & ~(Modes.SetUid | ((mode & Modes.GroupExecute) != 0 ? Modes.SetGid : 0));

    private static FsStatus Chmod(
        in MetadataContext context, SetAttributesRequest request, in InodeRow before, ref InodeRow row)
    {
        if (!request.HasMode)
        {
            return FsStatus.Ok;
        }

        if ((request.Mode & ~Modes.All) != 0)
        {
            return FsStatus.Invalid;
        }

        if (!context.Caller.Owns(before))
        {
            return FsStatus.NotPermitted;
        }

        // POSIX, chmod: who is not in the file's group does not make it run as that group.
        var mayGroup = context.Caller.IsRoot || context.Caller.IsIn(row.Gid);
        row = row with { Mode = mayGroup ? request.Mode : request.Mode & ~Modes.SetGid };
        return FsStatus.Ok;
    }

    private static FsStatus SetTimes(
        in MetadataContext context, SetAttributesRequest request, in InodeRow before, ref InodeRow row)
    {
        var (access, modify) = (request.AccessTime, request.ModifyTime);
        if (access == null && modify == null)
        {
            return FsStatus.Ok;
        }

        // "Now" for both is what a write does too; any other time only the owner may set (POSIX, utimensat).
        if (!context.Caller.Owns(before))
        {
            if (access is not { Now: true } || modify is not { Now: true })
            {
                return FsStatus.NotPermitted;
            }

            if (!context.May(Access.Write, new InodeId(request.Inode), before))
            {
                return FsStatus.AccessDenied;
            }
        }

        if (!TryRead(access, context.Now, row.AccessTime, out var accessTime)
            || !TryRead(modify, context.Now, row.ModifyTime, out var modifyTime))
        {
            return FsStatus.Invalid;
        }

        row = row with { AccessTime = accessTime, ModifyTime = modifyTime, ChangeTime = context.Now };
        return FsStatus.Ok;
    }

    private static bool TryRead(
        SetAttributesRequest.Types.NewTime? time, FileTime now, FileTime before, out FileTime result)
    {
        result = time == null ? before : now;
        if (time is not { Now: false })
        {
            return true;
        }

        if (time.Time is not { Nanoseconds: < FileTime.NanosecondsPerSecond } given)
        {
            return false;
        }

        result = new FileTime(given.Seconds, given.Nanoseconds);
        return true;
    }
}
