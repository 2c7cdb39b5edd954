using DistFS.Protocol;
using DistFS.Rpc;

namespace DistFS.Metaserver.Services;

/// <summary>The methods of <c>distfs/v1/admin.proto</c>.</summary>
public static class AdminMethods
{
    /// <summary>A metaserver is to be a member.</summary>
    public static readonly RpcMethod<JoinRequest, JoinReply> Join =
        RpcMethod<JoinRequest, JoinReply>.Of(AdminReflection.Descriptor, "Admin", "Join");

    /// <summary>A member is to be one no more.</summary>
    public static readonly RpcMethod<RemoveRequest, RemoveReply> Remove =
        RpcMethod<RemoveRequest, RemoveReply>.Of(AdminReflection.Descriptor, "Admin", "Remove");

    /// <summary>The leadership goes to another member.</summary>
    public static readonly RpcMethod<TransferRequest, TransferReply> Transfer =
        RpcMethod<TransferRequest, TransferReply>.Of(AdminReflection.Descriptor, "Admin", "Transfer");

    /// <summary>What a member knows of all of them.</summary>
    public static readonly RpcMethod<MembersRequest, MembersReply> Members =
        RpcMethod<MembersRequest, MembersReply>.Of(AdminReflection.Descriptor, "Admin", "Members");
}
