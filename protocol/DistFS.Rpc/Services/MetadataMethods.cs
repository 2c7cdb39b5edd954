using DistFS.Protocol;

namespace DistFS.Rpc.Services;

/// <summary>The methods of <c>distfs/v1/metadata.proto</c>.</summary>
public static class MetadataMethods
{
    /// <summary>A client begins.</summary>
    public static readonly RpcMethod<OpenSessionCall, MetadataReply> OpenSession =
        RpcMethod<OpenSessionCall, MetadataReply>.Unary("distfs.v1", "Metadata", "OpenSession", 0x0201);

    /// <summary>A client is alive.</summary>
    public static readonly RpcMethod<KeepAliveCall, MetadataReply> KeepAlive =
        RpcMethod<KeepAliveCall, MetadataReply>.Unary("distfs.v1", "Metadata", "KeepAlive", 0x0202);

    /// <summary>Operations that change the namespace.</summary>
    public static readonly RpcMethod<MutateCall, MetadataReply> Mutate =
        RpcMethod<MutateCall, MetadataReply>.Unary("distfs.v1", "Metadata", "Mutate", 0x0203);

    /// <summary>Linearizable reads of one moment.</summary>
    public static readonly RpcMethod<ReadRequest, ReadReply> Read =
        RpcMethod<ReadRequest, ReadReply>.Unary("distfs.v1", "Metadata", "Read", 0x0204);

    /// <summary>A page of a directory.</summary>
    public static readonly RpcMethod<ReadDirectoryRequest, ReadDirectoryReply> ReadDirectory =
        RpcMethod<ReadDirectoryRequest, ReadDirectoryReply>.Unary("distfs.v1", "Metadata", "ReadDirectory", 0x0205);

    /// <summary>A client is done.</summary>
    public static readonly RpcMethod<EndSessionCall, MetadataReply> EndSession =
        RpcMethod<EndSessionCall, MetadataReply>.Unary("distfs.v1", "Metadata", "EndSession", 0x0206);

    /// <summary>A lock that is waited for.</summary>
    public static readonly RpcMethod<WaitForLockCall, WaitForLockReply> WaitForLock =
        RpcMethod<WaitForLockCall, WaitForLockReply>.Unary("distfs.v1", "Metadata", "WaitForLock", 0x0207);
}
