using DistFS.Metadata.Chunks;
using DistFS.Metadata.Content;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Ops;

/// <summary>truncate, ftruncate, open with O_TRUNC (POSIX).</summary>
internal static class SetSizeOperation
{
    public static FsStatus Apply(in MetadataContext context, SetSizeRequest request, OperationReply reply)
    {
        var status = FileEdit.Open(
            context, request.Inode, request.HasHandle ? request.Handle : null, out var file);
        if (status != FsStatus.Ok)
        {
            return status;
        }

        if (request.Size > ChunkLayout.FileBytesMax)
        {
            return FsStatus.FileTooLarge;
        }

        var size = (long)request.Size;
        if (size < file.Inode.Size && !TryCut(file, size))
        {
            return FsStatus.TryAgain;
        }

        file.Resize(size);
        return file.CloseWritten(reply);
    }

    private static bool TryCut(FileEdit file, long size)
    {
        if (file.Inline is { } bytes)
        {
            file.Supersede(0);
            file.SetInline(bytes[..(int)Math.Min(size, bytes.Length)]);
        }

        var inside = (uint)(size % ChunkLayout.ChunkBytes);
        if (inside != 0)
        {
            file.Cut(ChunkLayout.IndexOf(size), inside);
        }

        return file.TryCutFrom(ChunkLayout.IndexAfter(size));
    }
}
