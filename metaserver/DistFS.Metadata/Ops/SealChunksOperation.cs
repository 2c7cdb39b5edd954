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

            // It comes behind the commit of that, in the same request, and that was refused.
            if (chunk.State == ChunkState.Open && chunk.Length < named.Length)
            {
                return FsStatus.Stale;
            }

            if (chunk.State == ChunkState.Open && chunk.Length == 0)
            {
                file.Drop(named.Index, place);
            }
            else if (chunk.State == ChunkState.Open)
            {
                Seal(context, file, new ChunkId(named.Chunk), chunk);
            }
        }

        return file.Close(reply);
    }

    /// <summary>
    /// The client has sealed the copies in its own version. Of one that the cluster has begun since it knows nothing:
    /// the servers have to hear that nobody writes in it, or none but the tail would serve it.
    /// </summary>
    private static void Seal(in MetadataContext context, FileEdit file, ChunkId id, in ChunkRow chunk)
    {
        var after = chunk with { State = ChunkState.Sealed, ChangedAt = context.Index };
        if (chunk.Kept > 0)
        {
            after = chunk.NextVersion(chunk.Length, context.Index) with { State = ChunkState.Sealed, IsUntold = true };
            file.Fence(id, chunk, after);
        }

        context.Tree.Chunks.Put(id, after);
    }
}
