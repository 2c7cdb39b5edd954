using DistFS.Metadata.Placement.Repair;
using DistFS.Primitives;
using DistFS.Protocol;
using ServerState = DistFS.Protocol.ServerState;

namespace DistFS.Metadata.Chunks;

/// <summary>
/// Copies begin and end. While one is under way there is a row of it, so that a new leader goes on with it; when it
/// ends its target is one of the chunk's servers, or has to delete what it has. So no copy is forgotten.
/// </summary>
internal static class CopyCommands
{
    /// <summary>Notes those that fit the state; tells of each how it went.</summary>
    public static FsStatus Begin(Tree tree, BeginCopiesRequest request, MetadataReply reply)
    {
        if (request.Copies.Count > ChunkLayout.StepMax)
        {
            return FsStatus.Invalid;
        }

        reply.Copies = new CopiesReply();
        foreach (var begin in request.Copies)
        {
            reply.Copies.Statuses.Add((int)Begin(tree, begin));
        }

        return FsStatus.Ok;
    }

    /// <summary>Ends those that are under way; tells of each whether its target is a server of the chunk now.</summary>
    public static FsStatus End(Tree tree, LogIndex index, EndCopiesRequest request, MetadataReply reply)
    {
        if (request.Copies.Count > ChunkLayout.StepMax)
        {
            return FsStatus.Invalid;
        }

        reply.Copies = new CopiesReply();
        foreach (var end in request.Copies)
        {
            reply.Copies.Statuses.Add((int)End(tree, index, end));
        }

        return FsStatus.Ok;
    }

    /// <summary>
    /// EBUSY: somebody writes the chunk, or may for all that its servers know, or the target still has to delete an
    /// older copy. EEXIST: the target has a copy that counts, or gets it. EAGAIN: it takes nothing.
    /// </summary>
    private static FsStatus Begin(Tree tree, BeginCopiesRequest.Types.Begin begin)
    {
        var (id, target) = (new ChunkId(begin.Chunk), new ServerId(begin.Target));
        if (begin.Copy == 0 || begin.SizeBytes > ChunkLayout.ChunkBytes)
        {
            return FsStatus.Invalid;
        }

        if (!tree.Chunks.TryGet(id, out var chunk))
        {
            return FsStatus.NotFound;
        }

        var source = new ServerId(begin.Source);
        if (chunk.Version.Value != begin.Version || !chunk.IsOn(source) || chunk.IsBad(source))
        {
            return FsStatus.Stale;
        }

        var underWay = tree.Copies.Of(id);
        foreach (var other in underWay)
        {
            if (other.Copy.Value == begin.Copy || other.Target == target)
            {
                return other.Copy.Value == begin.Copy ? FsStatus.Ok : FsStatus.AlreadyExists;
            }
        }

        if (chunk.IsOn(target) && !chunk.IsBad(target))
        {
            return FsStatus.AlreadyExists;
        }

        if (!tree.Servers.TryGet(target, out var row) || row.State != ServerState.Up)
        {
            return FsStatus.TryAgain;
        }

        if (chunk.State == ChunkState.Open || chunk.IsUntold || tree.Chunks.TryGetGarbage(target, id, out _))
        {
            return FsStatus.Busy;
        }

        if (chunk.Replicas.Length + underWay.Count >= ChunkRow.ReplicasMax)
        {
            return FsStatus.Invalid;
        }

        tree.Copies.Put(new CopyAssignment(
            new CopyId(begin.Copy),
            id,
            chunk.Version,
            source,
            target,
            new ServerId(begin.Replaces),
            (long)begin.SizeBytes,
            begin.BeganMs));
        return FsStatus.Ok;
    }

    /// <summary>ENOENT: it is not under way. ECANCELED: it was given up. Else why the copy is not wanted any more.
    /// </summary>
    private static FsStatus End(Tree tree, LogIndex index, EndCopiesRequest.Types.End end)
    {
        var id = new ChunkId(end.Chunk);
        CopyAssignment? found = null;
        foreach (var one in tree.Copies.Of(id))
        {
            found = one.Copy.Value == end.Copy ? one : found;
        }

        if (found is not { } copy || copy.Target.Value != end.Target || copy.Version.Value != end.Version)
        {
            return FsStatus.NotFound;
        }

        tree.Copies.Remove(id, copy.Copy);
        var isThere = tree.Chunks.TryGet(id, out var chunk);
        var status = !end.IsDone ? FsStatus.Cancelled
            : !isThere ? FsStatus.NotFound
            : chunk.Version != copy.Version ? FsStatus.Stale
            : chunk.IsOn(copy.Target) ? MakeWhole(tree, index, id, chunk, copy.Target)
            : ReplicaChanges.Add(tree, index, id, chunk, copy.Target);
        if (status != FsStatus.Ok && !(isThere && chunk.IsOn(copy.Target))
            && tree.Servers.TryGet(copy.Target, out _) && !tree.Chunks.TryGetGarbage(copy.Target, id, out _))
        {
            tree.Chunks.DropReplica(id, copy.Target, new GarbageRow(copy.Version, index, copy.Copy));
        }

        return status;
    }

    /// <summary>What one of the chunk's servers had did not count, and was made as another's in its place.</summary>
    private static FsStatus MakeWhole(Tree tree, LogIndex index, ChunkId id, in ChunkRow chunk, ServerId target)
    {
        if (chunk.IsBad(target))
        {
            tree.Chunks.Put(id, chunk.WithWhole(target, index));
        }

        return FsStatus.Ok;
    }
}
