using DistFS.Metadata.Chunks;
using DistFS.Metadata.Content;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Ops;

/// <summary>
/// A writer is done with chunks: their copies are equal now, so they can be copied and shared as they are. What has
/// nothing in it, because it was allocated ahead, is given back.
/// </summary>
internal static class SealChunksOperation
{
    public static FsStatus Apply(in MetadataContext context, SealChunksRequest request, OperationReply reply)
    {
        var status = FileEdit.Open(
            context, request.Inode, request.HasHandle ? request.Handle : null, request.Chunks.Count, out var file);
        if (status != FsStatus.Ok)
        {
            return status;
        }

        foreach (var named in request.Chunks)
        {
            status = file.Find(named, orReplacement: false, out var place, out var chunk);
            if (status != FsStatus.Ok)
            {
                return status;
            }

            if (chunk.State == ChunkState.Open && chunk.Length == 0)
            {
                file.Drop(named.Index, place);
            }
            else if (chunk.State == ChunkState.Open)
            {
                // The client knows nothing of a version that the cluster has begun since: its servers have to hear that
                // nobody writes in it.
                chunk = chunk.Kept > 0
                    ? chunk.NextVersion(chunk.Length, context.Index) with { State = ChunkState.Sealed, IsUntold = true }
                    : chunk with { State = ChunkState.Sealed, ChangedAt = context.Index };
                context.Tree.Chunks.Put(new ChunkId(named.Chunk), chunk);
            }
        }

        return file.Close(reply);
    }
}
