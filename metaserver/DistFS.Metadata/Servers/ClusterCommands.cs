using DistFS.Metadata.Chunks;
using DistFS.Metadata.Members;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Servers;

/// <summary>What metaservers propose by themselves about metaservers, chunk servers, copies and garbage.</summary>
internal static class ClusterCommands
{
    /// <summary>Applies one; an error has changed nothing that the caller may keep.</summary>
    public static MetadataReply Apply(Tree tree, LogIndex index, MetadataCommand command)
    {
        var reply = new MetadataReply();
        if (command.Client != 0)
        {
            // What metaservers propose by themselves is nobody else's to ask.
            reply.Status = (int)FsStatus.NotPermitted;
            return reply;
        }

        reply.Status = (int)(command.KindCase switch
        {
            MetadataCommand.KindOneofCase.RegisterServer =>
                ServerRegistration.Register(tree, command.RegisterServer, reply),
            MetadataCommand.KindOneofCase.SetServerState => ServerRegistration.SetState(tree, command.SetServerState),
            MetadataCommand.KindOneofCase.ForgetServer => ServerRegistration.Forget(tree, command.ForgetServer),
            MetadataCommand.KindOneofCase.ChangeReplicas =>
                ReplicaChanges.Apply(tree, index, command.ChangeReplicas, reply),
            MetadataCommand.KindOneofCase.ConfirmDeleted => ConfirmDeleted(tree, command.ConfirmDeleted),
            MetadataCommand.KindOneofCase.AdmitMember =>
                MemberAdmission.Admit(tree.Members, command.AdmitMember, reply),
            MetadataCommand.KindOneofCase.RemoveMember => MemberAdmission.Remove(tree.Members, command.RemoveMember),
            MetadataCommand.KindOneofCase.BeginCopies => CopyCommands.Begin(tree, command.BeginCopies, reply),
            MetadataCommand.KindOneofCase.EndCopies => CopyCommands.End(tree, index, command.EndCopies, reply),
            MetadataCommand.KindOneofCase.EndInventory =>
                ServerRegistration.EndInventory(tree, command.EndInventory),
            MetadataCommand.KindOneofCase.SealIdle => ChunkSeals.SealIdle(tree, index, command.SealIdle),
            _ => FsStatus.NotImplemented,
        });
        return reply;
    }

    private static FsStatus ConfirmDeleted(Tree tree, ConfirmDeletedRequest request)
    {
        var id = new ServerId(request.Server);
        if (ServerRegistration.Find(tree, id, request.Incarnation, out _) is not FsStatus.Ok and var status)
        {
            return status;
        }

        if (request.Deleted.Count > ChunkLayout.StepMax)
        {
            return FsStatus.Invalid;
        }

        foreach (var order in request.Deleted)
        {
            // A confirmation that comes late is of an order before: what is garbage now is still there.
            var chunk = new ChunkId(order.Chunk);
            if (tree.Chunks.TryGetGarbage(id, chunk, out var garbage) && garbage.IsOrderedBy(order))
            {
                tree.Chunks.ForgetGarbage(id, chunk);
            }
        }

        return FsStatus.Ok;
    }
}
