using DistFS.Metadata.Chunks;
using DistFS.Metadata.Content;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Ops;

/// <summary>
/// Makes places of a file writable. A hole gets an empty chunk. A chunk of the file alone is opened, in a new version
/// if nobody was writing it. What is shared, or stands in the metadata row, gets a replacement to be filled and
/// installed. EDQUOT for a hole when no byte more fits a quota.
/// </summary>
internal static class AllocateChunksOperation
{
    public static FsStatus Apply(in MetadataContext context, AllocateChunksRequest request, OperationReply reply)
    {
        var status = FileEdit.Open(
            context, request.Inode, request.HasHandle ? request.Handle : null, request.Indices.Count, out var file);
        if (status != FsStatus.Ok)
        {
            return status;
        }

        foreach (var index in request.Indices)
        {
            if (index >= ChunkLayout.IndexOf(ChunkLayout.FileBytesMax))
            {
                return FsStatus.FileTooLarge;
            }

            status = MakeWritable(context, file, index, out var id, out var isBegun);
            if (status != FsStatus.Ok)
            {
                return status;
            }

            Check.That(file.TryGetPlace(index, out var place));
            var told = Replies.ToChunkInfo(context.Tree.Chunks, index, place, id);
            told.Begun = isBegun;
            reply.Chunks.Add(told);
        }

        return file.Close(reply);
    }

    private static FsStatus MakeWritable(
        in MetadataContext context, FileEdit file, ulong index, out ChunkId id, out bool isBegun)
    {
        // Unless somebody has it for writing already.
        isBegun = true;
        if (!file.TryGetPlace(index, out var place))
        {
            // Whatever is written to a hole is more than there was: if nothing fits, nobody need send it to be told
            // so at the commit.
            var isInline = index == 0 && file.Inline != null;
            file.DropCutOff(index);
            if (!isInline && file.WhyFull() is not FsStatus.Ok and var full)
            {
                id = default;
                return full;
            }

            if (!file.TryCreate(out id))
            {
                return FsStatus.TryAgain;
            }

            file.PutPlace(index, isInline ? new MapRow(default, ChunkLayout.ChunkBytes, id) : MapRow.Of(id));
            return FsStatus.Ok;
        }

        id = place.Replacement;
        if (id.Value != 0)
        {
            isBegun = false;
            return FsStatus.Ok;
        }

        id = place.Chunk;
        var chunk = context.Tree.Chunks.Get(id);
        if (chunk.References > 1)
        {
            if (!file.TryCreate(out id))
            {
                return FsStatus.TryAgain;
            }

            file.PutPlace(index, place with { Replacement = id });
        }
        else if (chunk.State == ChunkState.Sealed)
        {
            if (chunk.DecidedServer != null || !chunk.Chain.Any())
            {
                // Who writes would be refused, until its server knows that its copy counts: soon. And where no copy
                // counts, what there is must not be passed over.
                return FsStatus.TryAgain;
            }

            // Others may have had more of it than this file: that must not show when it grows.
            var after = chunk.NextVersion(file.LengthOf(place), context.Index).WithPassed() with
            {
                State = ChunkState.Open,
                IsUntold = false,
            };
            file.Fence(id, chunk, after);
            file.PutChunk(place, id, after);
            file.PutPlace(index, MapRow.Of(id));
        }
        else
        {
            isBegun = false;
        }

        return FsStatus.Ok;
    }
}
