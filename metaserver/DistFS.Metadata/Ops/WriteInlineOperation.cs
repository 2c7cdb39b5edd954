using DistFS.Metadata.Chunks;
using DistFS.Metadata.Content;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Ops;

/// <summary>
/// write (POSIX) to the first 16 KiB of a file that has no chunk there: the bytes stand in the metadata.
/// </summary>
internal static class WriteInlineOperation
{
    public static FsStatus Apply(in MetadataContext context, WriteInlineRequest request, OperationReply reply)
    {
        var status = FileEdit.Open(
            context, request.Inode, request.HasHandle ? request.Handle : null, out var file);
        if (status != FsStatus.Ok)
        {
            return status;
        }

        var data = request.Data.Span;
        if (request.Offset > ChunkLayout.InlineBytesMax
            || request.Offset + (ulong)data.Length > ChunkLayout.InlineBytesMax)
        {
            return FsStatus.MessageTooLarge;
        }

        if (file.TryGetPlace(0, out var place) && place.Chunk.Value != 0)
        {
            return FsStatus.Stale;
        }

        // POSIX: nothing written is nothing changed.
        if (data.IsEmpty)
        {
            return file.Close(reply);
        }

        var (offset, before) = ((int)request.Offset, file.Inline ?? []);
        var bytes = new byte[Math.Max(before.Length, offset + data.Length)];
        before.CopyTo(bytes, 0);
        data.CopyTo(bytes.AsSpan(offset));

        // A chunk that is being filled with the bytes before must not take the place of these.
        file.Supersede(0);
        file.SetInline(bytes);
        file.Extend(offset + data.Length);
        return file.CloseWritten(reply, request.ModifyTime);
    }
}
