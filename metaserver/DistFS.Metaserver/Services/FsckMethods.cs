using DistFS.Protocol;
using DistFS.Rpc;

namespace DistFS.Metaserver.Services;

/// <summary>The methods of <c>distfs/v1/fsck.proto</c>.</summary>
public static class FsckMethods
{
    /// <summary>Begins a check of the metadata.</summary>
    public static readonly RpcMethod<FsckStartRequest, FsckReply> Start =
        RpcMethod<FsckStartRequest, FsckReply>.Unary("distfs.v1", "Fsck", "Start", 0x0801);

    /// <summary>How far it is.</summary>
    public static readonly RpcMethod<FsckPollRequest, FsckReply> Poll =
        RpcMethod<FsckPollRequest, FsckReply>.Unary("distfs.v1", "Fsck", "Poll", 0x0802);
}
