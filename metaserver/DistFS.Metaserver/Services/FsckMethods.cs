using DistFS.Protocol;
using DistFS.Rpc;

namespace DistFS.Metaserver.Services;

/// <summary>The methods of <c>distfs/v1/fsck.proto</c>.</summary>
public static class FsckMethods
{
    /// <summary>Begins a check of the metadata.</summary>
    public static readonly RpcMethod<FsckStartRequest, FsckReply> Start =
        RpcMethod<FsckStartRequest, FsckReply>.Of(FsckReflection.Descriptor, "Fsck", "Start");

    /// <summary>How far it is.</summary>
    public static readonly RpcMethod<FsckPollRequest, FsckReply> Poll =
        RpcMethod<FsckPollRequest, FsckReply>.Of(FsckReflection.Descriptor, "Fsck", "Poll");
}
