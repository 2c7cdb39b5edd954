using DistFS.Metadata.Chunks;
using DistFS.Metadata.Content;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Ops;

/// <summary>
/// A replacement holds what its place holds, and what was written on top: it takes the place, and what was there is
/// released. From one entry to the next readers have the one or the other.
/// </summary>
internal static class InstallChunkOperation
{
    public static FsStatus Apply(in MetadataContext context, InstallChunkRequest request, OperationReply reply)
    {
        if (request.Chunk is not { Length: <= ChunkLayout.ChunkBytes } named)
        {
            return FsStatus.Invalid;
        }

        var status = FileEdit.Open(
            context, request.Inode, request.HasHandle ? request.Handle : null, out var file);
        status = status == FsStatus.Ok ? file.Find(named, orReplacement: true, out _, out _) : status;
        if (status != FsStatus.Ok)
        {
            return status;
        }

        var id = new ChunkId(named.Chunk);
        Check.That(file.TryGetPlace(named.Index, out var place));
        if (place.Chunk == id)
        {
            // Installed before.
            return Finish(context, file, named, reply);
        }

        var inline = named.Index == 0 ? file.Inline?.Length ?? 0 : 0;
        if (named.Length < Math.Max(inline, file.LengthOf(place)))
        {
            return FsStatus.Invalid;
        }

        file.Drop(named.Index, place with { Replacement = default });
        if (inline > 0)
        {
            file.SetInline([]);
        }

        file.PutFilled(named.Index, MapRow.Of(id));
        return Finish(context, file, named, reply);
    }

    private static FsStatus Finish(
        in MetadataContext context, FileEdit file, WrittenChunk named, OperationReply reply)
    {
        var status = CommitWriteOperation.Commit(context, file, named, orReplacement: false);
        return status == FsStatus.Ok ? file.CloseWritten(reply) : status;
    }
}
