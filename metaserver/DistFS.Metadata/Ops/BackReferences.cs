using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Ops;

/// <summary>
/// Operations of one request that name an inode which an earlier one of it made: an inode of partition
/// <see cref="InodeId.BackReferences"/> is the place (from 0) of the operation that tells it.
/// </summary>
internal static class BackReferences
{
    /// <summary>
    /// Puts the inodes in. EINVAL: there is no such operation before, or it tells none. ECANCELED: it failed.
    /// </summary>
    public static FsStatus Resolve(Operation operation, IReadOnlyList<OperationReply> replies)
    {
        var status = FsStatus.Ok;
        switch (operation.KindCase)
        {
            case Operation.KindOneofCase.Make:
                operation.Make.Parent = Of(operation.Make.Parent);
                break;
            case Operation.KindOneofCase.Link:
                operation.Link.Inode = Of(operation.Link.Inode);
                operation.Link.Parent = Of(operation.Link.Parent);
                break;
            case Operation.KindOneofCase.Unlink:
                operation.Unlink.Parent = Of(operation.Unlink.Parent);
                break;
            case Operation.KindOneofCase.RemoveDirectory:
                operation.RemoveDirectory.Parent = Of(operation.RemoveDirectory.Parent);
                break;
            case Operation.KindOneofCase.Rename:
                operation.Rename.FromParent = Of(operation.Rename.FromParent);
                operation.Rename.ToParent = Of(operation.Rename.ToParent);
                break;
            case Operation.KindOneofCase.SetAttributes:
                operation.SetAttributes.Inode = Of(operation.SetAttributes.Inode);
                break;
            case Operation.KindOneofCase.SetXattr:
                operation.SetXattr.Inode = Of(operation.SetXattr.Inode);
                break;
            case Operation.KindOneofCase.RemoveXattr:
                operation.RemoveXattr.Inode = Of(operation.RemoveXattr.Inode);
                break;
            case Operation.KindOneofCase.Open:
                operation.Open.Inode = Of(operation.Open.Inode);
                break;
            case Operation.KindOneofCase.Release:
                operation.Release.Inode = Of(operation.Release.Inode);
                break;
            case Operation.KindOneofCase.SetQuota:
                operation.SetQuota.Inode = Of(operation.SetQuota.Inode);
                break;
            case Operation.KindOneofCase.Lock:
                operation.Lock.Inode = Of(operation.Lock.Inode);
                break;
            case Operation.KindOneofCase.PunchRange:
                operation.PunchRange.Inode = Of(operation.PunchRange.Inode);
                break;
            case Operation.KindOneofCase.WriteInline:
                operation.WriteInline.Inode = Of(operation.WriteInline.Inode);
                break;
            case Operation.KindOneofCase.SetSize:
                operation.SetSize.Inode = Of(operation.SetSize.Inode);
                break;
            case Operation.KindOneofCase.AllocateChunks:
                operation.AllocateChunks.Inode = Of(operation.AllocateChunks.Inode);
                break;
            case Operation.KindOneofCase.SetGoal:
                operation.SetGoal.Inode = Of(operation.SetGoal.Inode);
                break;
            case Operation.KindOneofCase.ShareRange:
                operation.ShareRange.FromInode = Of(operation.ShareRange.FromInode);
                operation.ShareRange.ToInode = Of(operation.ShareRange.ToInode);
                break;
            case Operation.KindOneofCase.SetRetention:
                operation.SetRetention.Inode = Of(operation.SetRetention.Inode);
                break;
            case Operation.KindOneofCase.Restore:
                operation.Restore.Inode = Of(operation.Restore.Inode);
                operation.Restore.Parent = Of(operation.Restore.Parent);
                break;
            case Operation.KindOneofCase.Purge:
                operation.Purge.Inode = Of(operation.Purge.Inode);
                break;
            default:
                // The others name chunks, which a client knows only from an earlier request.
                break;
        }

        return status;

        ulong Of(ulong inode)
        {
            var id = new InodeId(inode);
            if (id.Partition != InodeId.BackReferences)
            {
                return inode;
            }

            var told = id.Number < (ulong)replies.Count ? replies[(int)id.Number] : null;
            if (told?.Attributes != null)
            {
                return told.Attributes.Inode;
            }

            status = told is null or { Status: 0 } ? FsStatus.Invalid : FsStatus.Cancelled;
            return inode;
        }
    }
}
