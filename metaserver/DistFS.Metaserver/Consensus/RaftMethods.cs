using DistFS.Protocol;
using DistFS.Rpc;

namespace DistFS.Metaserver.Consensus;

/// <summary>The methods of <c>distfs/v1/raft.proto</c>.</summary>
public static class RaftMethods
{
    /// <summary>Hands messages over.</summary>
    public static readonly RpcMethod<DeliverRequest, DeliverReply> Deliver =
        RpcMethod<DeliverRequest, DeliverReply>.Unary("distfs.v1", "Raft", "Deliver", 0x0101);
}
