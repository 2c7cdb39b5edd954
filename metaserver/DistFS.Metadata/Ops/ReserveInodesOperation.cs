using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Ops;

/// <summary>Inode numbers for a session, which makes inodes locally and sends them later.</summary>
internal static class ReserveInodesOperation
{
    public const uint CountMin = 64;
    public const uint CountMax = 65_536;

    public static FsStatus Apply(in MetadataContext context, ReserveInodesRequest request, OperationReply reply)
    {
        if (request.Count is < CountMin or > CountMax)
        {
            return FsStatus.Invalid;
        }

        if (context.Tree.RangesOf(context.Client).Count >= Tree.RangesMax)
        {
            return FsStatus.Busy;
        }

        reply.Inodes = new InodeRange
        {
            First = context.Tree.Reserve(context.Client, request.Count).Value,
            Count = request.Count,
        };
        return FsStatus.Ok;
    }
}
