using DistFS.Metadata.Placement;
using DistFS.Metadata.Rows;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Ops;

/// <summary>
/// How many copies chunks have that are made from here on: of a file, or of what is made in a directory from here on
/// (inherited, as a default ACL is). What is there already stays as it is.
/// </summary>
internal static class SetGoalOperation
{
    public static FsStatus Apply(in MetadataContext context, SetGoalRequest request, OperationReply reply)
    {
        var id = new InodeId(request.Inode);
        if (request.Replicas > ReplicaGoal.ReplicasMax || (request.Replicas == 0 && request.AnyRack))
        {
            return FsStatus.Invalid;
        }

        if (!context.Tree.TryGet(id, out var inode))
        {
            return FsStatus.NotFound;
        }

        if (inode.Kind is not (InodeKind.File or InodeKind.Directory))
        {
            return FsStatus.Invalid;
        }

        if (!context.Caller.Owns(inode))
        {
            return FsStatus.NotPermitted;
        }

        context.Tree.Put(id, inode with
        {
            GoalReplicas = (byte)request.Replicas,
            GoalAnyRack = request.AnyRack,
            ChangeTime = context.Now,
        });
        return reply.Tell(context, id);
    }
}
