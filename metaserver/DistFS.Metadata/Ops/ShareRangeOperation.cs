using DistFS.Metadata.Chunks;
using DistFS.Metadata.Content;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Ops;

/// <summary>
/// FICLONERANGE, copy_file_range (Linux) of whole chunks: both files name the same chunks, which from here on are
/// sealed, so that whoever writes one of them first gets a replacement.
/// </summary>
internal static class ShareRangeOperation
{
    public static FsStatus Apply(in MetadataContext context, ShareRangeRequest request, OperationReply reply)
    {
        var status = FileEdit.OpenForRead(
            context, request.FromInode, request.HasFromHandle ? request.FromHandle : null, out var from);
        if (status != FsStatus.Ok)
        {
            return status;
        }

        status = FileEdit.Open(
            context, request.ToInode, request.HasToHandle ? request.ToHandle : null, out var to);
        if (status != FsStatus.Ok)
        {
            return status;
        }

        // One file, one edit: what the two count would be lost otherwise.
        from = from.Id == to.Id ? to : from;
        status = WhyRefused(request, from, to);
        if (status != FsStatus.Ok)
        {
            return status;
        }

        var length = (long)request.Length;
        var fromFirst = ChunkLayout.IndexOf((long)request.FromOffset);
        var toFirst = ChunkLayout.IndexOf((long)request.ToOffset);
        var count = ChunkLayout.IndexAfter(length);
        Clear(context, to, toFirst, count);
        foreach (var (index, _) in context.Tree.Chunks.Places(from.Id, fromFirst, fromFirst + count, int.MaxValue))
        {
            if (from.TryGetPlace(index, out var place) && place.Chunk.Value != 0)
            {
                var limit = Math.Min(length - ChunkLayout.OffsetOf(index - fromFirst), from.LengthOf(place));
                Share(context, to, index - fromFirst + toFirst, place, (uint)limit);
            }
        }

        if (fromFirst == 0 && from.Inline is { } bytes)
        {
            to.SetInline(bytes[..(int)Math.Min(length, bytes.Length)]);
        }

        to.Extend((long)request.ToOffset + length);
        return to.CloseWritten(reply);
    }

    private static FsStatus WhyRefused(ShareRangeRequest request, FileEdit from, FileEdit to)
    {
        const ulong Most = ChunkLayout.FileBytesMax;
        const ulong Chunk = ChunkLayout.ChunkBytes;
        var (start, target, length) = (request.FromOffset, request.ToOffset, request.Length);
        if (target > Most || length > Most || target + length > Most)
        {
            return FsStatus.FileTooLarge;
        }

        var size = (ulong)from.Inode.Size;
        if (length == 0 || start > size || start + length > size || start % Chunk != 0 || target % Chunk != 0
            || (length % Chunk != 0 && (start + length != size || target + length < (ulong)to.Inode.Size)))
        {
            return FsStatus.Invalid;
        }

        if (from == to && start < target + length && target < start + length)
        {
            return FsStatus.Invalid;
        }

        var count = ChunkLayout.IndexAfter((long)length);
        return count > ChunkLayout.StepMax ? FsStatus.MessageTooLarge

            // Bytes in the metadata row can stand for the first chunk only.
            : start == 0 && target != 0 && from.Inline != null ? FsStatus.NotSupported

            // What was cut off is told from what came later by the age of its chunks.
            : to.IsCutOffAfter(ChunkLayout.IndexOf((long)target) + count) ? FsStatus.TryAgain
            : FsStatus.Ok;
    }

    private static void Clear(in MetadataContext context, FileEdit to, ulong first, ulong count)
    {
        foreach (var (index, place) in context.Tree.Chunks.Places(to.Id, first, first + count, int.MaxValue))
        {
            to.Drop(index, place);
        }

        if (first == 0 && to.Inline != null)
        {
            to.SetInline([]);
        }
    }

    private static void Share(in MetadataContext context, FileEdit to, ulong index, in MapRow place, uint limit)
    {
        if (limit == 0)
        {
            return;
        }

        var chunk = context.Tree.Chunks.Get(place.Chunk);
        if (chunk.State == ChunkState.Open)
        {
            var after = chunk.NextVersion(chunk.Length, context.Index) with
            {
                State = ChunkState.Sealed,
                IsUntold = true,
            };
            to.Fence(place.Chunk, chunk, after);
            chunk = after;
        }

        Check.That(chunk.References < uint.MaxValue);
        context.Tree.Chunks.Put(place.Chunk, chunk with { References = chunk.References + 1 });
        to.PutFilled(index, place with { Limit = limit, Replacement = default });
    }
}
