using DistFS.Protocol;

namespace DistFS.Rpc.Services;

/// <summary>The methods of <c>distfs/v1/mount.proto</c>.</summary>
public static class MountMethods
{
    /// <summary>How a mount is doing.</summary>
    public static readonly RpcMethod<DescribeMountRequest, DescribeMountReply> Describe =
        RpcMethod<DescribeMountRequest, DescribeMountReply>.Unary("distfs.v1", "Mount", "Describe", 0x0A01);
}
