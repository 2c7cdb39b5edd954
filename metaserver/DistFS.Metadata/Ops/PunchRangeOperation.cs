using DistFS.Metadata.Chunks;
using DistFS.Metadata.Content;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Ops;

/// <summary>
/// fallocate with FALLOC_FL_PUNCH_HOLE or FALLOC_FL_ZERO_RANGE (Linux): a range reads as zeros. Chunks that it covers
/// are released, and the end of one is cut; inside of one the client writes zeros, as it would write anything.
/// </summary>
/// <remarks>
/// Space is not reserved (mode 0 of fallocate): it is the servers' and everybody's, and a promise of it would not be
/// kept.
/// </remarks>
internal static class PunchRangeOperation
{
    public static FsStatus Apply(in MetadataContext context, PunchRangeRequest request, OperationReply reply)
    {
        var status = FileEdit.Open(
            context, request.Inode, request.HasHandle ? request.Handle : null, out var file);
        if (status != FsStatus.Ok)
        {
            return status;
        }

        if (request.Length == 0)
        {
            return FsStatus.Invalid;
        }

        if (request.Offset > ChunkLayout.FileBytesMax || request.Length > ChunkLayout.FileBytesMax
            || request.Offset + request.Length > ChunkLayout.FileBytesMax)
        {
            return FsStatus.FileTooLarge;
        }

        var (start, end) = ((long)request.Offset, (long)(request.Offset + request.Length));
        PunchInline(file, start, end);
        var next = PunchChunks(context, file, start, Math.Min(end, file.Inode.Size), reply);
        reply.NextOffset = (ulong)(next ?? end);
        if (request.Extend)
        {
            file.Extend(next ?? end);
        }

        return file.CloseWritten(reply);
    }

    private static void PunchInline(FileEdit file, long start, long end)
    {
        if (file.Inline is not { } bytes || start >= bytes.Length)
        {
            return;
        }

        file.Supersede(0);
        var before = bytes.AsSpan(0, end >= bytes.Length ? (int)start : bytes.Length).ToArray();
        before.AsSpan((int)start, Math.Max(0, (int)Math.Min(end, before.Length) - (int)start)).Clear();
        file.SetInline(before);
    }

    /// <summary>Returns where to go on, or null when all is done.</summary>
    private static long? PunchChunks(
        in MetadataContext context, FileEdit file, long start, long end, OperationReply reply)
    {
        if (end <= start)
        {
            return null;
        }

        var last = Math.Min(ChunkLayout.IndexAfter(end), file.Inode.ChunkEnd);
        var places = context.Tree.Chunks.Places(
            file.Id, ChunkLayout.IndexOf(start), last, ChunkLayout.StepMax + 1);
        foreach (var (index, _) in places.Take(ChunkLayout.StepMax))
        {
            if (!file.TryGetPlace(index, out var place))
            {
                continue;
            }

            var offset = ChunkLayout.OffsetOf(index);
            var (first, behind) = (Math.Max(start - offset, 0), Math.Min(end - offset, ChunkLayout.ChunkBytes));
            var length = file.LengthOf(place);
            if (first == 0 && (behind == ChunkLayout.ChunkBytes || offset + behind == file.Inode.Size))
            {
                file.Drop(index, place);
            }
            else if (behind >= length)
            {
                file.Cut(index, (uint)first);
            }
            else if (first < length)
            {
                reply.ZeroRanges.Add(new ByteRange
                {
                    Offset = (ulong)(offset + first),
                    Length = (ulong)(behind - first),
                });
            }
        }

        return places.Count > ChunkLayout.StepMax ? ChunkLayout.OffsetOf(places[ChunkLayout.StepMax].Index) : null;
    }
}
