using DistFS.Protocol;
using DistFS.Rpc;

namespace DistFS.Metaserver.Services;

/// <summary>The methods of <c>distfs/v1/admin.proto</c>.</summary>
public static class AdminMethods
{
    /// <summary>A metaserver is to be a member.</summary>
    public static readonly RpcMethod<JoinRequest, JoinReply> Join =
        RpcMethod<JoinRequest, JoinReply>.Unary("distfs.v1", "Admin", "Join", 0x0701);

    /// <summary>A member is to be one no more.</summary>
    public static readonly RpcMethod<RemoveRequest, RemoveReply> Remove =
        RpcMethod<RemoveRequest, RemoveReply>.Unary("distfs.v1", "Admin", "Remove", 0x0702);

    /// <summary>The leadership goes to another member.</summary>
    public static readonly RpcMethod<TransferRequest, TransferReply> Transfer =
        RpcMethod<TransferRequest, TransferReply>.Unary("distfs.v1", "Admin", "Transfer", 0x0703);

    /// <summary>What a member knows of all of them.</summary>
    public static readonly RpcMethod<MembersRequest, MembersReply> Members =
        RpcMethod<MembersRequest, MembersReply>.Unary("distfs.v1", "Admin", "Members", 0x0704);

    /// <summary>A chunk server is to be emptied.</summary>
    public static readonly RpcMethod<DrainRequest, DrainReply> Drain =
        RpcMethod<DrainRequest, DrainReply>.Unary("distfs.v1", "Admin", "Drain", 0x0705);
}
