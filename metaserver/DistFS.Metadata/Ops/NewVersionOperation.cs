using DistFS.Metadata.Chunks;
using DistFS.Metadata.Content;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Ops;

/// <summary>
/// Fences an open chunk: what is written in the version before is refused from here on, by the servers as soon as they
/// hear of the new one, and by the state at once. The writer may say what every member that stays has, since the new
/// version begins with what is committed. If a quota has no room for that (EDQUOT), it may fence without saying it.
/// </summary>
internal static class NewVersionOperation
{
    public static FsStatus Apply(in MetadataContext context, NewVersionRequest request, OperationReply reply)
    {
        if (request.Chunk is not { } named)
        {
            return FsStatus.Invalid;
        }

        var status = FileEdit.Open(
            context, request.Inode, request.HasHandle ? request.Handle : null, out var file);
        if (status != FsStatus.Ok)
        {
            return status;
        }

        status = CommitWriteOperation.Commit(context, file, named, orReplacement: true);
        if (status != FsStatus.Ok)
        {
            return status;
        }

        var id = new ChunkId(named.Chunk);
        var before = context.Tree.Chunks.Get(id);
        var after = before;
        foreach (var dropped in request.Drop)
        {
            var server = new ServerId(dropped);
            if (!after.IsOn(server))
            {
                // The cluster has dropped it already.
                continue;
            }

            after = after.Without(server);
            context.Tree.Chunks.DropReplica(id, server, new GarbageRow(before.Version, context.Index));
        }

        // The last copy is kept, whatever a client says of it. EAGAIN: those that stay have just come back.
        status = request.Drop.Count > 0 ? ReplicaChanges.HasLive(context.Tree.Servers, after) : FsStatus.Ok;
        if (status != FsStatus.Ok)
        {
            return status;
        }

        Check.That(file.TryGetPlace(named.Index, out var place));
        after = Teeth.Has(PlantedBug.DropKeepsVersion)
            ? after : after.NextVersion(after.Length, context.Index).WithPassed();
        if (!after.Chain.Any())
        {
            // Nobody could be written to; and what there is must not be passed over.
            return FsStatus.TryAgain;
        }

        file.Fence(id, before, after);
        file.PutChunk(place, id, after);
        var told = Replies.ToChunkInfo(context.Tree.Chunks, named.Index, place, id);
        told.Begun = true;
        reply.Chunks.Add(told);
        return file.Close(reply);
    }
}
