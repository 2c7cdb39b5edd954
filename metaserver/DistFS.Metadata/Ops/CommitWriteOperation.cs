using DistFS.Metadata.Chunks;
using DistFS.Metadata.Content;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Ops;

/// <summary>
/// Bytes are with all servers of their chunks: they become the file's. Named with the version in which they were
/// written, so that what a fenced writer says is refused.
/// </summary>
internal static class CommitWriteOperation
{
    public static FsStatus Apply(in MetadataContext context, CommitWriteRequest request, OperationReply reply)
    {
        var status = FileEdit.Open(
            context, request.Inode, request.HasHandle ? request.Handle : null, request.Chunks.Count, out var file);
        if (status != FsStatus.Ok)
        {
            return status;
        }

        foreach (var named in request.Chunks)
        {
            status = Commit(context, file, named, orReplacement: false);
            if (status != FsStatus.Ok)
            {
                return status;
            }
        }

        return file.CloseWritten(reply, request.ModifyTime);
    }

    /// <summary>A chunk has so many bytes, or more, and the file so many.</summary>
    public static FsStatus Commit(in MetadataContext context, FileEdit file, WrittenChunk named, bool orReplacement)
    {
        if (named.Length > ChunkLayout.ChunkBytes)
        {
            return FsStatus.Invalid;
        }

        var status = file.Find(named, orReplacement, out var place, out var chunk);
        if (status != FsStatus.Ok)
        {
            return status;
        }

        if (chunk.State != ChunkState.Open)
        {
            return FsStatus.Stale;
        }

        var id = new ChunkId(named.Chunk);
        var written = Math.Max(chunk.Written.Value, named.Version);
        if (named.Length > chunk.Length || (named.Length > 0 && chunk.Written.Value != written))
        {
            file.PutChunk(place, id, chunk with
            {
                Length = Math.Max(chunk.Length, named.Length),
                Written = new ChunkVersion(written),
                ChangedAt = context.Index,
            });
        }

        if (id == place.Chunk && named.Length > 0)
        {
            file.Extend(ChunkLayout.OffsetOf(named.Index) + named.Length);
        }

        return FsStatus.Ok;
    }
}
